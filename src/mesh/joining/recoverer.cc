#include "mesh/joining/recoverer.h"

#include <algorithm>

#include "store/store.h"

namespace drey {
namespace {

constexpr uint64_t kAskAgainNs = 500'000'000;

// Does a member of the mesh show the phrase just now?
bool hears_member(const Discovery& discovery, const Membership& membership) {
  for (const Candidate& candidate : discovery.candidates())
    if (candidate.used && membership.is_active(candidate.node)) return true;
  return false;
}

}  // namespace

void Recoverer::start(const Options& options) {
  options_ = options;
  planned_.set(options_.ready, this, &Recoverer::planned);
  made_.set(options_.ready, this, &Recoverer::made);
  published_.set(options_.ready, this, &Recoverer::published);
  plan_.op = &planned_;
  plan_.store = options_.store;
  plan_.membership = options_.membership;
  sign_.op = &made_;
  publish_.op = &published_;
}

Status Recoverer::recover(RecoverRequest* request) {
  if (request_ != nullptr || busy_) return Status::kBusy;
  if (request->op == nullptr || request->recovery == nullptr || request->guide == nullptr)
    return Status::kInvalid;
  request_ = request;
  recovery_id_ = recovery_key_id(request->recovery->pub);
  heir_published_ = false;
  step_ = Step::kFinding;
  progress();
  return Status::kOk;
}

void Recoverer::progress() {
  if (request_ != nullptr) deadline_ns_ = options_.clock->up_ns() + request_->timeout_ns;
}

void Recoverer::end(Status status) {
  if (request_ == nullptr) return;
  RecoverRequest* request = request_;
  request_ = nullptr;
  step_ = Step::kFree;
  if (session_ != nullptr && !ok(status)) session_->close(status);
  session_ = nullptr;
  request->op->complete(status);
}

bool Recoverer::wants(const Beacon& beacon) const {
  return request_ != nullptr && beacon_shows_recovery(beacon, recovery_id_);
}

void Recoverer::tick(uint64_t now_ns, std::span<const Address> fixed) {
  if (request_ == nullptr) return;
  if (step_ == Step::kFinding) find(now_ns, fixed);
  if (step_ == Step::kReceiving) receive();
  if (step_ == Step::kConfirming) confirm(now_ns);
  if (request_ != nullptr && now_ns > deadline_ns_ && !busy_) end(Status::kTimeout);
}

void Recoverer::find(uint64_t now_ns, std::span<const Address> fixed) {
  for (const Candidate& candidate : options_.discovery->candidates())
    if (candidate.used) connect(candidate.address, now_ns);
  for (const Address& address : fixed) connect(address, now_ns);
}

void Recoverer::connect(const Address& to, uint64_t now_ns) {
  if (step_ != Step::kFinding || !options_.discovery->may_try(to, now_ns)) return;
  if (ok(options_.sessions->connect_recovery(to, *request_->recovery))) step_ = Step::kConnecting;
}

// One node that does not answer is not the mesh: the next is tried until time is up.
void Recoverer::on_connect_failed(const ConnectFailure&) {
  if (request_ != nullptr && step_ == Step::kConnecting) step_ = Step::kFinding;
}

void Recoverer::on_open(Session& session) {
  if (request_ == nullptr || session_ != nullptr) return session.close(Status::kCancelled);
  session_ = &session;
  step_ = Step::kGreeting;
  progress();
}

void Recoverer::on_closed(Session& session, Status why) {
  if (session_ != &session) return;
  session_ = nullptr;
  if (request_ == nullptr) return;
  if (step_ == Step::kEnding) return end(Status::kOk);
  // Nothing was said in our name yet: another node may do better.
  if (step_ == Step::kGreeting || step_ == Step::kReceiving) {
    step_ = Step::kFinding;
    return;
  }
  if (busy_) return;  // the step that is under way finds out
  end(why == Status::kOk ? Status::kClosed : why);
}

void Recoverer::on_hello(Session& session, const HelloMessage& hello) {
  if (session_ != &session || step_ != Step::kGreeting || request_ == nullptr) return;
  Membership& membership = *options_.membership;
  if (!membership.has_genesis()) membership.reset(hello.mesh);
  if (membership.mesh() != hello.mesh) return end(Status::kDenied);
  request_->mesh = hello.mesh;
  options_.sync->open(session);
  step_ = Step::kReceiving;
  progress();
}

void Recoverer::receive() {
  if (session_ == nullptr || !options_.intake->idle()) return;
  if (!options_.sync->heard_all(*session_, StatementKind::kMembership) ||
      !options_.sync->heard_all(*session_, StatementKind::kHead))
    return;
  const Membership& membership = *options_.membership;
  if (options_.intake->has_lost()) return end(Status::kIo);
  if (!membership.has_genesis() || membership.recovery_id() != recovery_id_)
    return end(Status::kDenied);
  if (membership.feature_level() > limits::kFeatureLevel) return end(Status::kUnsupported);
  // Who was cast out has neither the newest keys nor anybody to tell of us: it is the last resort.
  if (!membership.is_active(session_->peer()) && hears_member(*options_.discovery, membership))
    return session_->close(Status::kDenied);
  step_ = Step::kPlanning;
  busy_ = true;
  plan_.guide = request_->guide;
  plan_.plan = &request_->plan;
  options_.lanes->submit(Lane::kStore, &plan_);
}

Status Recoverer::PlanJob::read(const StatementId& id, Statement* to) {
  StatementKey key{};
  std::copy(id.raw.begin(), id.raw.end(), key.begin());
  size_t size = 0;
  DREY_TRY(store->read_statement(StatementKind::kMembership, key, bytes, &size));
  return decode_statement(Bytes(bytes).first(size), to);
}

// The membership does not change meanwhile: the op waits, and the intake is idle.
Status Recoverer::PlanJob::run() {
  Statement statement;
  DREY_TRY(read(membership->recovery_statement(), &statement));
  if (statement.act == Act::kGenesis) {
    GenesisBody body;
    DREY_TRY(decode_genesis(statement.body, &body));
    DREY_TRY(guide->take_keyring(membership->mesh(), body.keyring));
  } else {
    RecoveryBody body;
    DREY_TRY(decode_recovery(statement.body, &body));
    DREY_TRY(guide->take_keyring(membership->mesh(), body.keyring));
  }
  for (size_t i = 0; i < membership->count(); ++i) {
    const StatementId& id = membership->id_at(i);
    if (membership->act_at(i) != Act::kEpoch || !membership->is_valid(id)) continue;
    EpochBody body;
    DREY_TRY(read(id, &statement));
    DREY_TRY(decode_epoch(statement.body, &body));
    DREY_TRY(guide->take_epoch(body.epoch, body.blobs));
  }
  return guide->make_plan(*membership, plan);
}

void Recoverer::planned(Status status) {
  busy_ = false;
  if (request_ == nullptr) return;
  if (!ok(status)) return end(status);
  if (session_ == nullptr) return end(Status::kClosed);
  progress();
  step_ = Step::kSigning;
  sign_.recovery = request_->recovery;
  sign_.plan = &request_->plan;
  sign_.mesh = options_.membership->mesh();
  sign_.parent_count = options_.membership->tips(sign_.parents);
  busy_ = true;
  options_.lanes->submit(Lane::kWork, &sign_);
}

Status Recoverer::SignJob::run() {
  AddBody body;
  body.role = Role::kFull;
  body.card.wrap_key = plan->wrap_key;
  body.card.name = {plan->name.data(), plan->name_size};
  DREY_TRY(sign_card(plan->identity, &body.card));
  Signer by{recovery, true};
  Result<size_t> built = build_add(by, mesh, Parents(parents.data(), parent_count), body, add);
  DREY_TRY(built.status());
  add_size = built.value();
  heir_size = 0;
  if (plan->replaced.is_zero()) return Status::kOk;
  Statement statement;
  DREY_TRY(decode_statement(Bytes(add).first(add_size), &statement));
  StatementId parent = statement_id(statement);
  built = build_heir(by, mesh, Parents(&parent, 1), {plan->replaced, node_id(plan->identity.pub)},
                     heir);
  DREY_TRY(built.status());
  heir_size = built.value();
  return Status::kOk;
}

void Recoverer::made(Status status) {
  busy_ = false;
  if (request_ == nullptr) return;
  if (!ok(status)) return end(status);
  step_ = Step::kPublishing;
  publish_.kind = StatementKind::kMembership;
  publish_.statement = Bytes(sign_.add).first(sign_.add_size);
  busy_ = true;
  options_.intake->publish(&publish_);
}

void Recoverer::published(Status status) {
  busy_ = false;
  if (request_ == nullptr) return;
  if (!ok(status) && status != Status::kExists) return end(status);
  last_key_ = publish_.key;
  if (sign_.heir_size > 0 && !heir_published_) {
    heir_published_ = true;
    publish_.statement = Bytes(sign_.heir).first(sign_.heir_size);
    busy_ = true;
    return options_.intake->publish(&publish_);
  }
  if (!options_.membership->is_active(node_id(request_->plan.identity.pub)))
    return end(Status::kFull);
  progress();
  step_ = Step::kConfirming;
  ask_ns_ = 0;
}

// The other side answers only with what lies on its disk.
void Recoverer::confirm(uint64_t now_ns) {
  if (session_ == nullptr) return end(Status::kClosed);
  if (options_.sync->has_answered(*session_, last_key_)) {
    step_ = Step::kEnding;
    return session_->close_after_sending();
  }
  if (now_ns < ask_ns_) return;
  ask_ns_ = now_ns + kAskAgainNs;
  if (!ok(options_.sync->ask(*session_, StatementKind::kMembership, last_key_)))
    ask_ns_ = now_ns;  // the next tick
}

}  // namespace drey
