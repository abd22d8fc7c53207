// The state that follows from the set of statements. MEMBERSHIP.md says the rules in words; this
// file is those rules, and nothing in it depends on the order of the tables.
#include <algorithm>

#include "mesh/members/membership.h"

namespace drey {

bool Membership::is_before(uint16_t act, uint16_t later) const {
  return test(nodes_[acts_[later].node].past, act);
}

bool Membership::is_earlier(uint16_t act, uint16_t other) const {
  const Node& a = nodes_[acts_[act].node];
  const Node& b = nodes_[acts_[other].node];
  return a.depth != b.depth ? a.depth < b.depth : a.id < b.id;
}

bool Membership::is_add_of(uint16_t act, uint16_t member) const {
  Act kind = kind_of(act);
  return (kind == Act::kAdd || kind == Act::kGenesis) && acts_[act].subject == member;
}

// An heir takes the place of the device it inherits from: that one is out.
bool Membership::is_removal_of(uint16_t act, uint16_t member) const {
  Act kind = kind_of(act);
  return (kind == Act::kRevoke || kind == Act::kRetire || kind == Act::kHeir) &&
         acts_[act].subject == member;
}

bool Membership::is_annulled(uint16_t revocation) const {
  for (uint16_t i = 0; i < act_count_; ++i)
    if (kind_of(i) == Act::kAnnul && acts_[i].subject == revocation && acts_[i].label == Label::kIn)
      return true;
  return false;
}

// The recovery key took the removed member back before `act` was said.
bool Membership::is_readmitted(uint16_t removal, uint16_t act) const {
  uint16_t member = acts_[removal].subject;
  for (uint16_t i = 0; i < act_count_; ++i)
    if (is_add_of(i, member) && by_recovery(i) && acts_[i].label == Label::kIn &&
        is_before(removal, i) && is_before(i, act))
      return true;
  return false;
}

// Would `removal`, if valid, make `act` of the removed member void? A revocation voids all that is
// not in its own past: a stolen device can write anything and date it as it likes. A retirement
// voids only what was said in knowledge of it.
bool Membership::attacks(uint16_t removal, uint16_t act) const {
  if (removal == act || !is_removal_of(removal, acts_[act].author)) return false;
  bool hits = kind_of(removal) == Act::kRevoke ? !is_before(act, removal) : is_before(removal, act);
  return hits && !is_readmitted(removal, act);
}

// May the member whom `add` added author `act`, as far as roles go?
bool Membership::has_rights(uint16_t add, uint16_t act) const {
  if (!is_add_of(add, acts_[act].author) || !is_before(add, act)) return false;
  bool leaves = (kind_of(act) == Act::kRetire || kind_of(act) == Act::kLeave) &&
                acts_[act].subject == acts_[act].author;
  return leaves || acts_[add].role == Role::kFull;
}

// ---- Labels ----

// Statements of a recovery key: it must be installed, and not replaced. Its replacement voids all
// the old key says outside the replacement's past; of two replacements the earlier one wins. None
// of this depends on any member.
Membership::Label Membership::judge_recovery(uint16_t act) const {
  const ActRow& row = acts_[act];
  uint16_t install = recovery_[row.recovery].act;
  Label label = acts_[install].label;
  if (label != Label::kIn) return label;
  for (uint16_t i = 0; i < act_count_; ++i) {
    if (i == act || kind_of(i) != Act::kRecovery || acts_[i].recovery != row.recovery) continue;
    if (acts_[i].label == Label::kOut || is_before(act, i)) continue;
    if (kind_of(act) == Act::kRecovery && !is_before(i, act) && !is_earlier(i, act)) continue;
    if (acts_[i].label == Label::kIn) return Label::kOut;
    label = Label::kUndecided;
  }
  return label;
}

Membership::Label Membership::judge_member(uint16_t act) const {
  bool may_be_attacked = false;
  bool may_have_rights = false;
  bool has_rights_now = false;
  for (uint16_t i = 0; i < act_count_; ++i) {
    Label label = acts_[i].label;
    if (label == Label::kOut) continue;
    if (attacks(i, act)) {
      if (label == Label::kIn) return Label::kOut;
      may_be_attacked = true;
    } else if (has_rights(i, act)) {
      (label == Label::kIn ? has_rights_now : may_have_rights) = true;
    }
  }
  if (has_rights_now) return may_be_attacked ? Label::kUndecided : Label::kIn;
  return may_have_rights ? Label::kUndecided : Label::kOut;
}

Membership::Label Membership::judge(uint16_t act) const {
  Act kind = kind_of(act);
  if (kind == Act::kGenesis) return Label::kIn;
  Label label = by_recovery(act) ? judge_recovery(act) : judge_member(act);
  if (label == Label::kIn && kind == Act::kRevoke && is_annulled(act)) return Label::kOut;
  return label;
}

// Decides all that follows; what is left undecided lies on or behind a cycle of revocations.
void Membership::settle() {
  // First the recovery keys' own words: re-admissions and annulments must be known before members
  // are judged.
  for (bool recovery : {true, false}) {
    for (bool changed = true; changed;) {
      changed = false;
      for (uint16_t i = 0; i < act_count_; ++i) {
        if (acts_[i].label != Label::kUndecided || by_recovery(i) != recovery) continue;
        acts_[i].label = judge(i);
        changed = changed || acts_[i].label != Label::kUndecided;
      }
    }
  }
}

// Does the undecided `act` wait, directly or through what it rests on, for the outcome of
// `revocation`?
bool Membership::depends_on_attack(uint16_t revocation, uint16_t act) const {
  ActSet seen{};
  std::array<uint16_t, kActsMax> queue;
  size_t count = 0;
  auto visit = [&](uint16_t next) {
    if (acts_[next].label != Label::kUndecided || test(seen, next)) return;
    seen[next / 64] |= uint64_t{1} << (next % 64);
    queue[count++] = next;
  };
  visit(act);
  for (size_t at = 0; at < count; ++at) {
    if (attacks(revocation, queue[at])) return true;
    for (uint16_t i = 0; i < act_count_; ++i) {
      bool retired = kind_of(i) != Act::kRevoke && attacks(i, queue[at]);
      if (retired || has_rights(i, queue[at])) visit(i);
    }
  }
  return false;
}

// Members who cast each other out without knowing of it (two, or a ring of them) are all out. The
// rings nothing undecided bears upon are decided; true when there was one.
bool Membership::break_cycles() {
  std::array<uint16_t, kActsMax> open;
  size_t count = 0;
  for (uint16_t i = 0; i < act_count_; ++i)
    if (acts_[i].label == Label::kUndecided && kind_of(i) == Act::kRevoke) open[count++] = i;
  if (count == 0) return false;

  // reach[a] has b: the outcome of b depends on that of a.
  std::array<ActSet, kActsMax> reach;
  for (size_t a = 0; a < count; ++a) {
    reach[a] = {};
    for (size_t b = 0; b < count; ++b)
      if (depends_on_attack(open[a], open[b])) reach[a][b / 64] |= uint64_t{1} << (b % 64);
  }
  for (size_t through = 0; through < count; ++through)
    for (size_t a = 0; a < count; ++a)
      if (test(reach[a], through))
        for (size_t w = 0; w < kActWords; ++w) reach[a][w] |= reach[through][w];

  bool found = false;
  for (size_t a = 0; a < count; ++a) {
    if (!test(reach[a], a)) continue;
    bool first = true;
    for (size_t b = 0; b < count; ++b)
      if (test(reach[b], a) && !test(reach[a], b)) first = false;
    if (!first) continue;
    acts_[open[a]].label = Label::kIn;
    found = true;
  }
  // Every undecided statement waits for a ring, so this does not happen; were it so, out is safer.
  if (!found)
    for (size_t a = 0; a < count; ++a) acts_[open[a]].label = Label::kIn;
  return true;
}

// ---- What follows from the labels ----

void Membership::evaluate() {
  if (!stale_) return;
  stale_ = false;
  for (size_t i = 0; i < act_count_; ++i) acts_[i].label = Label::kUndecided;
  acts_[0].label = Label::kIn;
  do settle();
  while (break_cycles());
  evaluate_members();
  evaluate_keys();
}

void Membership::evaluate_member(uint16_t index) {
  Member& member = members_[index];
  bool revoked = false;
  bool retired = false;
  bool added = false;
  bool full = false;
  for (uint16_t i = 0; i < act_count_; ++i) {
    if (acts_[i].label != Label::kIn) continue;
    if (is_removal_of(i, index)) (kind_of(i) == Act::kRevoke ? revoked : retired) = true;
    if (!is_add_of(i, index)) continue;
    // Removal wins over every addition that did not know of it, and over all but the recovery
    // key's that did.
    bool counts = true;
    for (uint16_t r = 0; r < act_count_ && counts; ++r)
      if (acts_[r].label == Label::kIn && is_removal_of(r, index))
        counts = by_recovery(i) && is_before(r, i);
    added = added || counts;
    full = full || (counts && acts_[i].role == Role::kFull);
  }
  member.role = full ? Role::kFull : Role::kVault;
  member.state = added     ? MemberState::kActive
                 : revoked ? MemberState::kRevoked
                 : retired ? MemberState::kRetired
                           : MemberState::kNone;
  // Asked to go, and not taken back since by the recovery key.
  member.leaving = false;
  for (uint16_t i = 0; i < act_count_ && added; ++i) {
    if (acts_[i].label != Label::kIn || kind_of(i) != Act::kLeave || acts_[i].subject != index)
      continue;
    bool back = false;
    for (uint16_t r = 0; r < act_count_; ++r)
      back = back || (acts_[r].label == Label::kIn && is_add_of(r, index) && by_recovery(r) &&
                      is_before(i, r));
    member.leaving = member.leaving || !back;
  }
  member.heads_until = kEverySequence;
  if (member.state == MemberState::kRevoked) {
    // Whichever of its revokers knew most of its heads.
    member.heads_until = 0;
    for (uint16_t i = 0; i < act_count_; ++i)
      if (acts_[i].label == Label::kIn && kind_of(i) == Act::kRevoke && acts_[i].subject == index)
        member.heads_until = std::max(member.heads_until, acts_[i].number);
  }
  member.heir = {};
  member.ancestor = {};
}

// A holder set is one 64-bit mask. Beyond 64 the devices added last stay outside, the same ones on
// every node.
void Membership::limit_members() {
  std::array<uint16_t, kIdentitiesMax> first;
  first.fill(kNone);
  std::array<uint16_t, kIdentitiesMax> order;
  size_t count = 0;
  for (uint16_t i = 0; i < act_count_; ++i) {
    if (acts_[i].label != Label::kIn || acts_[i].subject == kNone) continue;
    if (!is_add_of(i, acts_[i].subject)) continue;
    uint16_t& best = first[acts_[i].subject];
    if (best == kNone || is_earlier(i, best)) best = i;
  }
  for (uint16_t i = 0; i < member_count_; ++i)
    if (members_[i].is_active()) order[count++] = i;
  active_count_ = std::min(count, limits::kMembersMax);
  if (count <= limits::kMembersMax) return;
  std::sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(count),
            [&](uint16_t a, uint16_t b) { return is_earlier(first[a], first[b]); });
  for (size_t i = limits::kMembersMax; i < count; ++i)
    members_[order[i]].state = MemberState::kNone;
}

void Membership::evaluate_heirs() {
  std::array<uint16_t, kIdentitiesMax> latest;
  latest.fill(kNone);
  for (uint16_t i = 0; i < act_count_; ++i) {
    if (acts_[i].label != Label::kIn || kind_of(i) != Act::kHeir) continue;
    uint16_t& last = latest[acts_[i].subject];
    if (last == kNone || is_earlier(last, i)) last = i;
  }
  for (uint16_t i = 0; i < member_count_; ++i) {
    if (latest[i] == kNone) continue;
    Member& heir = members_[acts_[latest[i]].other];
    members_[i].heir = heir.id;
    // One device may inherit from several; the first in order of ids is shown.
    if (heir.ancestor.is_zero() || members_[i].id < heir.ancestor) heir.ancestor = members_[i].id;
  }
}

void Membership::evaluate_members() {
  for (uint16_t i = 0; i < member_count_; ++i) evaluate_member(i);
  limit_members();
  evaluate_heirs();
}

void Membership::evaluate_keys() {
  feature_level_ = 0;
  current_epoch_ = 0;
  recovery_current_ = 0;
  for (uint16_t i = 0; i < act_count_; ++i) {
    if (acts_[i].label != Label::kIn) continue;
    Act kind = kind_of(i);
    if (kind == Act::kFeature)
      feature_level_ = std::max(feature_level_, static_cast<uint16_t>(acts_[i].number));
    if (kind == Act::kRecovery) {
      // Valid replacements form a chain; the last one is the one furthest from the genesis.
      uint16_t current = recovery_[recovery_current_].act;
      if (is_before(current, i)) recovery_current_ = acts_[i].other;
    }
    if (kind != Act::kEpoch && kind != Act::kGenesis) continue;
    bool knows_all = true;
    for (uint16_t r = 0; r < act_count_ && knows_all; ++r)
      if (acts_[r].label == Label::kIn && kind_of(r) == Act::kRevoke) knows_all = is_before(r, i);
    if (knows_all) current_epoch_ = std::max(current_epoch_, acts_[i].number);
  }
}

bool Membership::is_valid(const StatementId& id) const {
  uint16_t index = find_index(id);
  if (index == kNone || nodes_[index].act_index == kNone) return false;
  return acts_[nodes_[index].act_index].label == Label::kIn;
}

uint64_t Membership::epoch_at(size_t index) const {
  const Node& node = nodes_[index];
  bool founds = node.act == Act::kGenesis || node.act == Act::kEpoch;
  return founds && node.act_index != kNone ? acts_[node.act_index].number : 0;
}

bool Membership::was_added_knowing(const NodeId& device, const StatementId& statement) const {
  uint16_t member = find_member(device);
  uint16_t index = find_index(statement);
  if (member == kNone || index == kNone || nodes_[index].act_index == kNone) return false;
  uint16_t act = nodes_[index].act_index;
  for (uint16_t i = 0; i < act_count_; ++i)
    if (acts_[i].label == Label::kIn && is_add_of(i, member) && (is_before(act, i) || act == i))
      return true;
  return false;
}

bool Membership::recovery_knew(const StatementId& statement) const {
  uint16_t index = find_index(statement);
  if (index == kNone || nodes_[index].act_index == kNone) return false;
  uint16_t installed = recovery_[recovery_current_].act;
  return nodes_[index].act_index == installed || is_before(nodes_[index].act_index, installed);
}

const StatementId* Membership::revocation_of(const NodeId& device) const {
  uint16_t member = find_member(device);
  for (uint16_t i = 0; member != kNone && i < act_count_; ++i)
    if (acts_[i].label == Label::kIn && kind_of(i) == Act::kRevoke && acts_[i].subject == member)
      return &nodes_[acts_[i].node].id;
  return nullptr;
}

const StatementId& Membership::recovery_statement() const {
  return nodes_[acts_[recovery_[recovery_current_].act].node].id;
}

}  // namespace drey
