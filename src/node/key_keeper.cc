#include "node/key_keeper.h"

#include <algorithm>

#include "node/keyring_wrap.h"

namespace drey {

// ---- What is there ----

// Store lane. Anything but kOk: to be tried again.
Status KeyKeeper::ReadJob::run() {
  mine = false;
  blobs = {};
  StatementKey row{};
  std::copy(id.raw.begin(), id.raw.end(), row.begin());
  size_t size = 0;
  DREY_TRY(store->read_statement(StatementKind::kMembership, row, bytes, &size));
  Statement statement;
  EpochBody body;
  DREY_TRY(decode_statement(Bytes(bytes).first(size), &statement));
  DREY_TRY(decode_epoch(statement.body, &body));
  // Blobs of another form are a later version's: nothing of them is for this one.
  if (!ok(check_epoch_blobs(body.blobs))) return Status::kOk;
  epoch = body.epoch;
  blobs = body.blobs;
  EpochTag tag;
  std::copy_n(keys->id().raw.begin(), tag.size(), tag.begin());
  bool full = keys->role == NodeRole::kFull;
  Status status = open_epoch(keys->wrap, keys->mesh, epoch, blobs,
                             full ? EpochShare::kFull : EpochShare::kVault, tag, &key);
  mine = ok(status);
  return status == Status::kBusy ? status : Status::kOk;
}

void KeyKeeper::load(const Options& options) {
  options_ = options;
  const Membership& membership = options_.mesh->membership();
  Keyring& keyring = options_.keys->keyring;
  read_.store = options_.store;
  read_.keys = options_.keys;
  recovery_id_ = membership.recovery_id();
  for (size_t i = 0; i < keyring.epoch_count(); ++i) {
    const Epoch& epoch = keyring.epoch_at(i);
    if (membership.count() == 0 || epoch.id == membership.epoch_at(0)) continue;
    (void)options_.mesh->add_discovery_key(
        {static_cast<uint32_t>(epoch.id), epoch_beacon_key(options_.keys->mesh, epoch)});
  }
  for (size_t i = next_unread(); i < membership.count(); i = next_unread()) {
    read_.id = membership.id_at(i);
    if (!ok(read_.run())) break;  // tick() tries again
    take(i);
  }
  on_members_changed();
}

void KeyKeeper::start() {
  read_done_.set(options_.ready, this, &KeyKeeper::read_done);
  written_.set(options_.ready, this, &KeyKeeper::written);
  published_.set(options_.ready, this, &KeyKeeper::published);
  read_.op = &read_done_;
  write_.op = &written_;
  write_.random = options_.ports->random;
  write_.keys = options_.keys;
  publish_.op = &published_;
  running_ = true;
}

size_t KeyKeeper::next_unread() const {
  const Membership& membership = options_.mesh->membership();
  for (size_t i = 0; i < membership.count(); ++i)
    if (membership.act_at(i) == Act::kEpoch && !seen(i) && membership.is_valid(membership.id_at(i)))
      return i;
  return membership.count();
}

// read_ holds the statement with this index.
void KeyKeeper::take(size_t index) {
  seen_[index / 64] |= uint64_t{1} << (index % 64);
  note_given(read_.epoch, read_.blobs);
  if (!read_.mine) return;
  DiscoveryKey discovery;
  discovery.number = static_cast<uint32_t>(read_.epoch);
  discovery.key = read_.key;
  if (is_full()) {
    Epoch epoch{read_.epoch, read_.key};
    Status status = options_.keys->keyring.add_epoch(epoch);
    if (!ok(status) && status != Status::kExists && options_.log != nullptr)
      options_.log->warning("keys: an epoch's key was not taken: %s", status_name(status));
    discovery.key = epoch_beacon_key(options_.keys->mesh, epoch);
  }
  wipe(read_.key.mut());
  (void)options_.mesh->add_discovery_key(discovery);
}

KeyKeeper::Given* KeyKeeper::given_of(uint64_t epoch) {
  for (size_t i = 0; i < given_count_; ++i)
    if (given_[i].epoch == epoch) return &given_[i];
  if (given_count_ == given_.size()) return nullptr;
  given_[given_count_] = {};
  given_[given_count_].epoch = epoch;
  return &given_[given_count_++];
}

void KeyKeeper::note_given(uint64_t epoch, Bytes blobs) {
  Given* given = blobs.empty() ? nullptr : given_of(epoch);
  if (given == nullptr) return;
  const Membership& membership = options_.mesh->membership();
  EpochRecipient recovery = epoch_recipient(membership.recovery());
  given->recovery = given->recovery || epoch_holds(blobs, recovery.share, recovery.tag);
  std::span<const Member> members = membership.members();
  for (size_t i = 0; i < members.size(); ++i) {
    EpochRecipient device = epoch_recipient(members[i]);
    if (epoch_holds(blobs, device.share, device.tag))
      given->devices[i / 64] |= uint64_t{1} << (i % 64);
  }
}

void KeyKeeper::on_members_changed() {
  const Key32 recovery = options_.mesh->membership().recovery_id();
  if (recovery != recovery_id_) {
    // Who holds what is counted anew: the phrase is another one.
    recovery_id_ = recovery;
    seen_.fill(0);
    given_count_ = 0;
  }
  if (is_full()) options_.keys->keyring.seal_under(options_.mesh->membership().current_epoch());
}

bool KeyKeeper::waits_for_epoch() const {
  return is_full() && options_.keys->keyring.current_epoch() == 0;
}

Status KeyKeeper::export_for(const PublicKey& wrap_key, MutBytes to, size_t* size) {
  if (!is_full()) return Status::kUnsupported;
  return wrap_keyring(*options_.ports->random, Envelope::kJoin, wrap_key, options_.keys->keyring,
                      to, size);
}

// ---- What is missing ----

// Everybody takes a turn, the device whose own order it was the first one.
uint64_t KeyKeeper::turn_ns() const {
  if (hurried_) return 0;
  uint64_t rank = 1;
  const NodeId& self = options_.mesh->self();
  for (const Member& member : options_.mesh->membership().members())
    if (member.is_active() && member.role == Role::kFull && member.id < self) ++rank;
  return rank * kTurnNs;
}

// Fills the recipients: all, or those to whom `without` was not given and who did not get it with
// their joining. Vaults need the key of the epoch in force only.
size_t KeyKeeper::add_recipients(const Given* without) {
  const Membership& membership = options_.mesh->membership();
  std::span<const Member> members = membership.members();
  bool in_force = without == nullptr || without->epoch == membership.current_epoch();
  bool recovery = without == nullptr || !without->recovery;
  std::array<uint64_t, kDeviceWords> have{};
  if (without != nullptr) {
    have = without->devices;
    for (size_t s = 0; s < membership.count(); ++s) {
      const StatementId& id = membership.id_at(s);
      if (membership.epoch_at(s) != without->epoch || !membership.is_valid(id)) continue;
      recovery = recovery && !membership.recovery_knew(id);
      for (size_t i = 0; i < members.size(); ++i)
        if (membership.was_added_knowing(members[i].id, id))
          have[i / 64] |= uint64_t{1} << (i % 64);
    }
  }
  size_t count = 0;
  for (size_t i = 0; i < members.size(); ++i) {
    bool needs = members[i].is_active() && (in_force || members[i].role == Role::kFull) &&
                 ((have[i / 64] >> (i % 64)) & 1) == 0;
    if (needs && count + 1 < write_.recipients.size())
      write_.recipients[count++] = epoch_recipient(members[i]);
  }
  if (recovery) write_.recipients[count++] = epoch_recipient(membership.recovery());
  return count;
}

bool KeyKeeper::plan_fresh() {
  const Membership& membership = options_.mesh->membership();
  if (membership.current_epoch() != 0) return false;
  write_.fresh = true;
  write_.epoch.id = membership.next_epoch_id(options_.mesh->self());
  write_.recipient_count = add_recipients(nullptr);
  return true;
}

bool KeyKeeper::plan_missing(const Given& given) {
  const Keyring& keyring = options_.keys->keyring;
  if (!keyring.has_epoch(given.epoch)) return false;
  write_.fresh = false;
  write_.recipient_count = add_recipients(&given);
  if (write_.recipient_count == 0) return false;
  for (size_t i = 0; i < keyring.epoch_count(); ++i)
    if (keyring.epoch_at(i).id == given.epoch) write_.epoch = keyring.epoch_at(i);
  return true;
}

// Rises to what every member speaks, each heard since our start.
bool KeyKeeper::plan_feature() {
  uint16_t level = options_.mesh->feature();
  for (const Peer& peer : options_.mesh->peers().all()) level = std::min(level, peer.feature);
  constexpr uint16_t kFirst = 1;  // of every mesh, without a word
  write_.feature = level;
  return level > std::max(options_.mesh->membership().feature_level(), kFirst);
}

// Its own word, at once: nobody else has to wait for a turn.
bool KeyKeeper::plan_retire() {
  write_.retire = options_.mesh->may_retire();
  hurried_ = hurried_ || write_.retire;
  return write_.retire;
}

bool KeyKeeper::plan_write() {
  write_.feature = 0;
  if (!options_.mesh->is_member()) return false;
  if (plan_retire()) return true;
  if (!is_full()) return false;
  if (plan_fresh()) return true;
  for (size_t i = 0; i < given_count_; ++i)
    if (plan_missing(given_[i])) return true;
  return plan_feature();
}

void KeyKeeper::tick(uint64_t now_ns) {
  if (!running_ || stopping_ || busy_ || now_ns < retry_ns_) return;
  const Membership& membership = options_.mesh->membership();
  reading_ = next_unread();
  if (reading_ < membership.count()) {
    read_.id = membership.id_at(reading_);
    busy_ = true;
    return options_.ports->lanes->submit(Lane::kStore, &read_);
  }
  constexpr uint64_t kLookNs = kSecondNs;  // members come and go without a statement, too
  bool changed = looked_revision_ != membership.revision() || hurried_;
  if (!changed && needed_since_ns_ == 0 && now_ns < looked_ns_ + kLookNs) return;
  looked_revision_ = membership.revision();
  looked_ns_ = now_ns;
  if (!plan_write()) {
    needed_since_ns_ = 0;
    hurried_ = false;
    return;
  }
  if (needed_since_ns_ == 0) needed_since_ns_ = now_ns;
  if (now_ns - needed_since_ns_ >= turn_ns()) write();
}

void KeyKeeper::read_done(Status status) {
  busy_ = false;
  if (ok(status)) {
    take(reading_);
    on_members_changed();
  } else {
    retry_ns_ = options_.ports->clock->up_ns() + kSecondNs;
  }
}

// ---- Writing it ----

void KeyKeeper::write() {
  write_.statement = read_.bytes;
  write_.parent_count = options_.mesh->membership().tips(write_.parents);
  busy_ = true;
  options_.ports->lanes->submit(Lane::kWork, &write_);
}

Status KeyKeeper::WriteJob::run() {
  Signer by{&keys->sign, false};
  Parents known(parents.data(), parent_count);
  Result<size_t> built = Status::kInvalid;
  if (retire) {
    built = build_retire(by, keys->mesh, known, keys->id(), statement);
  } else if (feature > 0) {
    built = build_feature(by, keys->mesh, known, feature, statement);
  } else {
    std::array<uint8_t, kEpochBlobsMax> blobs;
    size_t blobs_size = 0;
    if (fresh) DREY_TRY(random->fill(epoch.seed.mut()));
    DREY_TRY(seal_epoch(*random, keys->mesh, epoch,
                        std::span<const EpochRecipient>(recipients).first(recipient_count), blobs,
                        &blobs_size));
    built =
        build_epoch(by, keys->mesh, known, {epoch.id, Bytes(blobs).first(blobs_size)}, statement);
  }
  DREY_TRY(built.status());
  size = built.value();
  return Status::kOk;
}

void KeyKeeper::written(Status status) {
  wipe(write_.epoch.seed.mut());
  if (!ok(status) || stopping_) return published(status);
  publish_.kind = StatementKind::kMembership;
  publish_.statement = Bytes(read_.bytes).first(write_.size);
  options_.mesh->publish(&publish_);
}

void KeyKeeper::published(Status status) {
  busy_ = false;
  hurried_ = false;
  needed_since_ns_ = 0;
  if (ok(status) || status == Status::kExists || status == Status::kCancelled) return;
  retry_ns_ = options_.ports->clock->up_ns() + kRetryNs;
  if (options_.log != nullptr)
    options_.log->warning("keys: new ones could not be given out: %s; trying again",
                          status_name(status));
}

}  // namespace drey
