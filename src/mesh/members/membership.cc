// The set of statements: what is taken in, and how it is linked. What follows from it is
// membership_state.cc.
#include "mesh/members/membership.h"

#include <algorithm>

#include "mesh/heads/head.h"
#include "mesh/members/membership_draft.h"

namespace drey {

void Membership::reset(const MeshId& mesh) {
  mesh_ = mesh;
  any_mesh_ = mesh.is_zero();
  stale_ = false;
  digest_ = {};
  count_ = act_count_ = member_count_ = active_count_ = recovery_count_ = recovery_current_ = 0;
  feature_level_ = 0;
  current_epoch_ = highest_epoch_ = 0;
  mesh_name_size_ = 0;
  settings_ = {};
  recovery_[0] = {};
  buckets_.fill(kNone);
  ++revision_;
}

// ---- Looking things up ----

uint16_t Membership::find_index(const StatementId& id) const {
  uint16_t at = buckets_[load_le<uint16_t>(id.raw.data()) % buckets_.size()];
  while (at != kNone && nodes_[at].id != id) at = nodes_[at].hash_next;
  return at;
}

uint16_t Membership::find_member(const NodeId& id) const {
  for (size_t i = 0; i < member_count_; ++i)
    if (members_[i].id == id) return static_cast<uint16_t>(i);
  return kNone;
}

// The row a statement with this past means. One key may have been installed twice, concurrently.
uint16_t Membership::find_recovery(const Key32& id, const ActSet& past) const {
  uint16_t found = kNone;
  for (size_t i = 0; i < recovery_count_; ++i) {
    const Recovery& row = recovery_[i];
    if (row.id != id || !test(past, row.act)) continue;
    if (found == kNone || is_earlier(row.act, recovery_[found].act))
      found = static_cast<uint16_t>(i);
  }
  return found;
}

const Member* Membership::find(const NodeId& id) const {
  uint16_t index = find_member(id);
  return index == kNone ? nullptr : &members_[index];
}

bool Membership::is_active(const NodeId& id) const {
  const Member* member = find(id);
  return member != nullptr && member->is_active();
}

bool Membership::past_has_add(const ActSet& past, uint16_t member) const {
  for (size_t i = 0; i < act_count_; ++i) {
    Act act = nodes_[acts_[i].node].act;
    if ((act == Act::kAdd || act == Act::kGenesis) && acts_[i].subject == member && test(past, i))
      return true;
  }
  return false;
}

size_t Membership::tips(std::span<StatementId, limits::kStatementParentsMax> to) const {
  size_t count = 0;
  for (size_t i = count_; i-- > 0 && count < to.size();)
    if (nodes_[i].is_tip) to[count++] = nodes_[i].id;
  std::sort(to.begin(), to.begin() + static_cast<ptrdiff_t>(count));
  return count;
}

size_t Membership::missing_parents(Bytes bytes, std::span<StatementId> to) const {
  Statement statement;
  if (!ok(decode_statement(bytes, &statement))) return 0;
  size_t count = 0;
  for (size_t i = 0; i < statement.parent_count && count < to.size(); ++i)
    if (!has(statement.parents[i])) to[count++] = statement.parents[i];
  return count;
}

uint64_t Membership::next_epoch_id(const NodeId& author) const {
  return (((highest_epoch_ >> 16) + 1) << 16) | load_le<uint16_t>(author.raw.data());
}

// ---- Judging one statement against the set ----

// Length, version, form; then duplicates and parents; then who may say it at all; then room.
Status Membership::draft(Bytes bytes, bool again, Draft* to) const {
  DREY_TRY(decode_statement(bytes, &to->statement));
  const Statement& statement = to->statement;
  to->id = statement_id(statement);
  bool held = has(to->id);
  if (held && !again) return Status::kExists;
  if (statement.act == Act::kGenesis && !held) {
    if (count_ > 0 || (!any_mesh_ && to->id.raw != mesh_.raw)) return Status::kDenied;
    if (statement.by_recovery) return Status::kInvalid;
  }
  to->parents.fill(kNone);
  for (size_t i = 0; i < statement.parent_count; ++i) {
    uint16_t parent = find_index(statement.parents[i]);
    if (parent == kNone) return Status::kNotFound;
    const Node& node = nodes_[parent];
    to->parents[i] = parent;
    to->depth = std::max<uint16_t>(to->depth, static_cast<uint16_t>(node.depth + 1));
    for (size_t w = 0; w < kActWords; ++w) to->past[w] |= node.past[w];
    if (node.act_index != kNone)
      to->past[node.act_index / 64] |= uint64_t{1} << (node.act_index % 64);
  }
  DREY_TRY(draft_body(to));
  DREY_TRY(draft_author(to));
  return held ? Status::kOk : draft_limits(*to);
}

Status Membership::draft_subject(const NodeId& id, Draft* to, uint16_t* index) const {
  *index = find_member(id);
  // Who is not among what the author knew cannot be meant: the same answer on every node.
  if (*index == kNone || !past_has_add(to->past, *index)) return Status::kDenied;
  return Status::kOk;
}

Status Membership::draft_body(Draft* to) const {
  const Statement& statement = to->statement;
  SubjectBody subject;
  StatementId annulled;
  EpochBody epoch;
  uint16_t level = 0;
  to->is_act = true;
  switch (statement.act) {
    case Act::kGenesis:
      DREY_TRY(decode_genesis(statement.body, &to->genesis));
      to->card = to->genesis.founder;
      to->has_card = true;
      to->role = Role::kFull;
      to->number = to->genesis.epoch;
      return check_epoch(*to);
    case Act::kAdd: {
      AddBody body;
      DREY_TRY(decode_add(statement.body, &body));
      to->card = body.card;
      to->has_card = true;
      to->role = body.role;
      return Status::kOk;
    }
    case Act::kRetire:
    case Act::kLeave:
      DREY_TRY(decode_retire(statement.body, &subject));
      return draft_subject(subject.subject, to, &to->subject);
    case Act::kRevoke:
      DREY_TRY(decode_revoke(statement.body, &subject));
      to->number = subject.heads_until;
      return draft_subject(subject.subject, to, &to->subject);
    case Act::kEpoch:
      DREY_TRY(decode_epoch(statement.body, &epoch));
      to->number = epoch.epoch;
      return check_epoch(*to);
    case Act::kRecovery:
      DREY_TRY(decode_recovery(statement.body, &to->fresh));
      if (!statement.by_recovery) return Status::kDenied;
      // A key that was in force once never returns: its holder may be why it was replaced.
      return find_recovery(recovery_key_id(to->fresh.keys.sign_key), to->past) == kNone
                 ? Status::kOk
                 : Status::kDenied;
    case Act::kHeir: {
      HeirBody body;
      DREY_TRY(decode_heir(statement.body, &body));
      if (!statement.by_recovery) return Status::kDenied;
      DREY_TRY(draft_subject(body.from, to, &to->subject));
      return draft_subject(body.to, to, &to->other);
    }
    case Act::kFeature:
      DREY_TRY(decode_feature(statement.body, &level));
      to->number = level;
      return Status::kOk;
    case Act::kAnnul: {
      DREY_TRY(decode_annulled(statement.body, &annulled));
      if (!statement.by_recovery) return Status::kDenied;
      uint16_t node = find_index(annulled);
      if (node == kNone || nodes_[node].act != Act::kRevoke) return Status::kDenied;
      to->subject = nodes_[node].act_index;
      return test(to->past, to->subject) ? Status::kOk : Status::kDenied;
    }
  }
  to->is_act = false;  // a later version's: kept and relayed, means nothing here
  return Status::kOk;
}

// An epoch's id may rise by one step per statement: nobody can use up the numbers.
Status Membership::check_epoch(const Draft& draft) {
  return (draft.number >> 16) <= uint64_t{draft.depth} + 1 ? Status::kOk : Status::kInvalid;
}

Status Membership::draft_author(Draft* to) const {
  const Statement& statement = to->statement;
  if (statement.by_recovery) {
    to->recovery = find_recovery(statement.author.raw, to->past);
    if (to->recovery == kNone) return Status::kDenied;
    to->key = recovery_[to->recovery].keys.sign_key;
    return Status::kOk;
  }
  if (statement.act == Act::kGenesis) {
    to->key = to->card.sign_key;
    return statement.author == node_id(to->key) ? Status::kOk : Status::kDenied;
  }
  to->author = find_member(statement.author);
  if (to->author == kNone || !past_has_add(to->past, to->author)) return Status::kDenied;
  to->key = members_[to->author].sign_key;
  return Status::kOk;
}

Status Membership::draft_limits(const Draft& draft) const {
  bool recovery = draft.statement.by_recovery;
  if (count_ >= nodes_.size() - (recovery ? 0 : kStatementsReserved)) return Status::kTooLarge;
  if (draft.is_act && act_count_ >= kActsMax - (recovery ? 0 : kActsReserved))
    return Status::kTooLarge;
  if (draft.has_card && member_count_ >= kIdentitiesMax &&
      find_member(node_id(draft.card.sign_key)) == kNone)
    return Status::kTooLarge;
  if (draft.statement.act == Act::kRecovery && recovery_count_ >= kRecoveriesMax)
    return Status::kTooLarge;
  return Status::kOk;
}

Status Membership::check(Bytes statement, Candidate* candidate, bool again) const {
  Draft draft;
  Status status = this->draft(statement, again, &draft);
  candidate->id = draft.id;  // also of one that is refused: who asked for it must hear that
  DREY_TRY(status);
  MeshId mesh = draft.statement.act == Act::kGenesis ? MeshId{} : mesh_;
  candidate->proofs[0] = {draft.key, signed_digest(draft.statement, mesh),
                          draft.statement.signature};
  candidate->proof_count = 1;
  if (draft.has_card) {
    candidate->proofs[1] = {draft.card.sign_key, card_digest(draft.card), draft.card.signature};
    candidate->proof_count = 2;
  } else if (draft.statement.act == Act::kRecovery) {
    candidate->proofs[1] = {draft.fresh.keys.sign_key,
                            recovery_digest(mesh, draft.fresh.keys, draft.statement.author.raw),
                            draft.fresh.proof};
    candidate->proof_count = 2;
  }
  return Status::kOk;
}

Status Membership::verify(const Candidate& candidate) {
  for (size_t i = 0; i < candidate.proof_count; ++i) {
    const Proof& proof = candidate.proofs[i];
    DREY_TRY(verify_digest(proof.key, proof.digest, proof.signature));
  }
  return Status::kOk;
}

// ---- Taking one in ----

Status Membership::insert(Bytes statement, StatementId* id) {
  Draft draft;
  Status status = this->draft(statement, false, &draft);
  if (id != nullptr) *id = draft.id;
  DREY_TRY(status);
  uint16_t index = static_cast<uint16_t>(count_++);
  link(draft, index);
  if (draft.is_act) {
    uint16_t act = static_cast<uint16_t>(act_count_++);
    nodes_[index].act_index = act;
    acts_[act] = {};
    acts_[act].node = index;
    fill_act(draft, act);
  }
  add_to_digest(&digest_, draft.id.bytes());
  stale_ = true;
  ++revision_;
  return Status::kOk;
}

Status Membership::add(Bytes statement, StatementId* id) {
  Candidate candidate;
  Status status = check(statement, &candidate);
  if (id != nullptr) *id = candidate.id;
  DREY_TRY(status);
  DREY_TRY(verify(candidate));
  DREY_TRY(insert(statement));
  evaluate();
  return Status::kOk;
}

void Membership::link(const Draft& draft, uint16_t index) {
  Node& node = nodes_[index];
  node = {};
  node.id = draft.id;
  node.parents = draft.parents;
  node.past = draft.past;
  node.depth = draft.depth;
  node.act = draft.statement.act;
  for (uint16_t parent : draft.parents)
    if (parent != kNone) nodes_[parent].is_tip = false;
  uint16_t& bucket = buckets_[load_le<uint16_t>(draft.id.raw.data()) % buckets_.size()];
  node.hash_next = bucket;
  bucket = index;
}

void Membership::fill_act(const Draft& draft, uint16_t act) {
  ActRow& row = acts_[act];
  row.author = draft.author;
  row.subject = draft.subject;
  row.other = draft.other;
  row.recovery = draft.recovery;
  row.number = draft.number;
  row.role = draft.role;
  if (draft.has_card) {
    NodeId id = node_id(draft.card.sign_key);
    row.subject = find_member(id);
    if (row.subject == kNone) row.subject = name_member(id);
    take_card(draft, act);
  }
  Act kind = draft.statement.act;
  if (kind == Act::kGenesis) {
    row.author = row.subject;
    mesh_.raw = draft.id.raw;
    take_settings(draft.genesis);
    recovery_[recovery_count_++] = {recovery_key_id(draft.genesis.recovery.sign_key),
                                    draft.genesis.recovery, act};
  } else if (kind == Act::kRecovery) {
    row.other = static_cast<uint16_t>(recovery_count_);
    recovery_[recovery_count_++] = {recovery_key_id(draft.fresh.keys.sign_key), draft.fresh.keys,
                                    act};
  }
  if (kind == Act::kGenesis || kind == Act::kEpoch)
    highest_epoch_ = std::max(highest_epoch_, draft.number);
}

void Membership::take_settings(const GenesisBody& genesis) {
  settings_ = genesis.settings;
  std::copy(genesis.settings.compression.begin(), genesis.settings.compression.end(),
            compression_.begin());
  settings_.compression = {compression_.data(), genesis.settings.compression.size()};
  std::copy(genesis.mesh_name.begin(), genesis.mesh_name.end(), mesh_name_.begin());
  mesh_name_size_ = genesis.mesh_name.size();
}

uint16_t Membership::name_member(const NodeId& id) {
  uint16_t index = static_cast<uint16_t>(member_count_++);
  members_[index] = {};
  members_[index].id = id;
  card_acts_[index] = kNone;
  return index;
}

// A device may sign several cards (a new name): the one in the deepest statement counts, whether or
// not that statement is valid; every card is the device's own word.
void Membership::take_card(const Draft& draft, uint16_t act) {
  uint16_t index = acts_[act].subject;
  uint16_t& from = card_acts_[index];
  if (from != kNone && !is_earlier(from, act)) return;
  from = act;
  Member& member = members_[index];
  member.sign_key = draft.card.sign_key;
  member.wrap_key = draft.card.wrap_key;
  member.name_size = static_cast<uint8_t>(draft.card.name.size());
  std::copy(draft.card.name.begin(), draft.card.name.end(), member.name_data.begin());
}

}  // namespace drey
