// MemberSource: an order about a device of the mesh: signed, published, and the sentence about it.

#include "backup/record_space.h"
#include "node/node.h"
#include "node/peer_words.h"

namespace drey {
namespace {

constexpr uint64_t kEpochNs = 20ull * 1'000'000'000;  // then the order stands, the keys follow

const char* failure_code(Status status) {
  switch (status) {
    case Status::kNotFound:
      return "not_found";
    case Status::kExists:
    case Status::kInvalid:
    case Status::kUnsupported:
      return "usage";
    case Status::kDenied:
      return "denied";
    case Status::kFull:
    case Status::kReadOnly:
      return "full";
    default:
      return "error";
  }
}

void write_failure(Status status, std::string_view name, TextWriter& words) {
  switch (status) {
    case Status::kNotFound:
      words.text("no device of the mesh is called ").text(name).text("; drey peers lists them");
      break;
    case Status::kExists:
      words.text(name).text(" means several devices; give the first digits of its id");
      break;
    case Status::kInvalid:
      words.text(
          "a device cannot cast itself out: give the order on another full device, or use "
          "drey retire");
      break;
    case Status::kUnsupported:
      words.text("a vault can retire itself only; give the order on a full device");
      break;
    case Status::kDenied:
      words.text("this device is not part of the mesh any more");
      break;
    case Status::kFull:
    case Status::kReadOnly:
      words.text("no space to write it down, and what is not on disk is told to nobody");
      break;
    default:
      words.text("it failed: ").text(status_name(status));
  }
  words.text("; nothing was changed");
}

}  // namespace

Status MemberSource::SignJob::run() {
  Signer by{key, false};
  Parents known(parents.data(), parent_count);
  Result<size_t> built = order == Order::kRevoke
                             ? build_revoke(by, mesh, known, body, statement)
                             : build_leave(by, mesh, known, body.subject, statement);
  DREY_TRY(built.status());
  size = built.value();
  return Status::kOk;
}

Status MemberSource::find(std::string_view name) {
  MeshSpace space;
  space.set(&node_->mesh());
  DREY_TRY(space.find_node(name, &sign_.body.subject));
  const Member* member = node_->mesh().membership().find(sign_.body.subject);
  bool self = member->id == node_->mesh().self();
  if (sign_.order == Order::kRevoke) {
    already_ = member->state == MemberState::kRevoked;
    if (self) return Status::kInvalid;
  } else {
    already_ = member->state == MemberState::kRetired || (member->is_active() && member->leaving);
    // A vault speaks for itself only.
    if (!self && !node_->is_full()) return Status::kUnsupported;
  }
  if (!already_ && !node_->mesh().is_member()) return Status::kDenied;
  return already_ || member->is_active() ? Status::kOk : Status::kNotFound;
}

void MemberSource::start(Order order, std::string_view name, bool wait, Connection* connection) {
  signed_.set(&node_->ready(), this, &MemberSource::is_signed);
  published_.set(&node_->ready(), this, &MemberSource::published);
  name_size_ = std::min(name.size(), name_.size());
  std::copy_n(name.begin(), name_size_, name_.begin());
  sign_.order = order;
  wait_ = wait;
  already_ = false;
  attach(connection);
  status_ = find(name);
  busy_ = ok(status_) && !already_;
  ended_ = !ok(status_);
  deadline_ns_ = node_->ports().clock->up_ns() + kEpochNs;
  if (busy_) sign();
}

void MemberSource::sign() {
  const Membership& membership = node_->mesh().membership();
  const HeadTable::Highest* heads = node_->mesh().heads().find(sign_.body.subject);
  sign_.body.heads_until = heads != nullptr ? heads->sequence : 0;
  sign_.key = &node_->keys().sign;
  sign_.mesh = membership.mesh();
  sign_.parent_count = membership.tips(sign_.parents);
  sign_.op = &signed_;
  node_->ports().lanes->submit(Lane::kWork, &sign_);
}

void MemberSource::is_signed(Status status) {
  if (!ok(status)) return published(status);
  publish_.kind = StatementKind::kMembership;
  publish_.statement = Bytes(sign_.statement).first(sign_.size);
  publish_.op = &published_;
  node_->mesh().publish(&publish_);
}

// The statement stands. After a revocation the new keys follow at once; the words wait for them.
void MemberSource::published(Status status) {
  busy_ = false;
  status_ = status;
  ended_ = !ok(status);
  if (ok(status) && sign_.order == Order::kRevoke) {
    node_->keeper().hurry();
    node_->log().info("a device was cast out of the mesh by this one's order");
  }
  wake();
}

bool MemberSource::waits(uint64_t now_ns) const {
  if (sign_.order == Order::kRevoke)
    return node_->keeper().waits_for_epoch() && now_ns < deadline_ns_;
  return wait_ && node_->mesh().membership().is_active(sign_.body.subject);
}

void MemberSource::tick(uint64_t now_ns) {
  if (busy_ || ended_ || !attached() || waits(now_ns)) return;
  ended_ = true;
  wake();
}

void MemberSource::write_revoked(TextWriter& words) {
  std::string_view name = member_name(node_->mesh().membership(), sign_.body.subject);
  if (already_) {
    words.text(name).text(" was cast out before.");
    return;
  }
  size_t away = 0;
  for (const Peer& peer : node_->mesh().peers().all()) away += peer.session == nullptr;
  words.text(name).text(" is cast out: the devices that are connected refuse it from now on");
  if (away > 0) {
    words.text(", ").decimal(away).text(away == 1 ? " that is" : " that are");
    words.text(" away will as soon as one of the others meets ").text(away == 1 ? "it" : "them");
  }
  words.text(". ");
  words.text(node_->keeper().waits_for_epoch()
                 ? "New keys are on their way; until then backups wait."
                 : "New backups use keys it does not have.");
  words.text(" What it could read until now stays readable to it, on its own disk.");
}

void MemberSource::write_retired(TextWriter& words) {
  const Membership& membership = node_->mesh().membership();
  words.text(member_name(membership, sign_.body.subject));
  if (!membership.is_active(sign_.body.subject)) {
    words.text(" has left the mesh; what it kept for the others is elsewhere.");
    return;
  }
  words.text(already_ ? " was asked before" : " is asked");
  words.text(
      " to leave: its copies do not count any more. Leave it switched on: it goes by itself as "
      "soon "
      "as every full device has all it needs elsewhere (drey retire --wait follows it).");
  for (const Peer& peer : node_->mesh().peers().all()) {
    const Member* member = membership.find(peer.id);
    bool owner = member != nullptr && member->role == Role::kFull && peer.id != sign_.body.subject;
    if (!owner || peer.state != PeerState::kLost) continue;
    words.text(" ").text(member->name());
    words.text(" is lost and is not waited for: of its backups one copy less will be left.");
    return;
  }
}

Status MemberSource::produce(MutBytes room, size_t* size) {
  if (!ended_) return Status::kAgain;
  TextWriter out{std::span<char>(reinterpret_cast<char*>(room.data()), room.size())};
  char text[400];
  TextWriter words{std::span<char>(text)};
  const Membership& membership = node_->mesh().membership();
  std::string_view name = {name_.data(), name_size_};
  if (ok(status_)) {
    name = member_name(membership, sign_.body.subject);
    sign_.order == Order::kRevoke ? write_revoked(words) : write_retired(words);
  } else {
    write_failure(status_, name, words);
  }
  out.text("{\"type\":\"summary\",\"status\":");
  out.json_string(ok(status_) ? "ok" : failure_code(status_));
  out.text(",\"node\":").json_string(name);
  out.text(",\"nodes\":").decimal(membership.active_count());
  out.text(",\"epoch\":").decimal(membership.current_epoch());
  out.text(",\"message\":").json_string(words.view()).text("}\n");
  *size = out.size();
  return Status::kEnd;
}

}  // namespace drey
