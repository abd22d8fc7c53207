// init, join and recover: how a directory becomes a node. They run in a short-lived process with a
// loop of its own; the phrase never enters the daemon.
//
// The key file is written last: until then the directory holds no node, and what a broken attempt
// left is removed by the next one.

#include <algorithm>

#include "codec/phrase.h"
#include "node/node.h"
#include "store/store_remove.h"

namespace drey {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint32_t kFirstBeaconKey = 1;
constexpr uint64_t kFirstEpoch = 1;
constexpr uint64_t kJoinSeconds = 30;  // ten beacons: a code nobody shows is refused after it

Status fresh_identity(Random& random, NodeKeys* keys) {
  DREY_TRY(generate_key(random, &keys->sign));
  return generate_key(random, &keys->wrap);
}

// M, the first epoch and the first beacon key, all random. The mesh's id is set once it is known.
Status fresh_keyring(Random& random, Keyring* keyring) {
  Secret<32> mesh_secret;
  Epoch epoch;
  BeaconKey beacon;
  epoch.id = kFirstEpoch;
  beacon.number = kFirstBeaconKey;
  DREY_TRY(random.fill(mesh_secret.mut()));
  DREY_TRY(random.fill(epoch.seed.mut()));
  DREY_TRY(random.fill(beacon.key.mut()));
  keyring->reset(MeshId{}, mesh_secret);
  DREY_TRY(keyring->add_epoch(epoch));
  return keyring->add_beacon_key(beacon);
}

void take_beacon_keys(const Keyring& keyring, NodeKeys* keys) {
  keys->beacon_key_count = keyring.beacon_key_count();
  for (size_t i = 0; i < keys->beacon_key_count; ++i)
    keys->beacon_keys[i] = keyring.beacon_key_at(i);
}

}  // namespace

// Refuses a directory that holds a node; removes what a broken attempt left.
Status Node::prepare_fresh_dir(const NodeOptions& options, Explanation* why) {
  DREY_TRY(open_disk(options, why));
  Status status = load_keys(*ports_.disk, &keys_);
  if (status != Status::kNotFound) {
    why->say("this directory holds a node already; nothing was changed");
    return Status::kExists;
  }
  status = remove_store(ports_.disk, ports_.store);
  if (status == Status::kExists)
    why->say(
        "the disk that keeps the pieces holds those of another node; nothing was touched; choose "
        "another folder for store =, or empty that one when nobody needs them");
  if (status == Status::kUnsupported)
    why->say("this directory was written by a newer version of drey; nothing was touched");
  return status;
}

Status Node::found_mesh(const InitRequest& request, const KeyPair& recovery,
                        const KeyPair& unwrapping, Explanation* why) {
  Random& random = *ports_.random;
  keys_.role = NodeRole::kFull;
  DREY_TRY(fresh_keyring(random, &keys_.keyring));
  std::array<uint8_t, Keyring::kEncodedBytesMax + kHpkeOverheadBytes> wrapped;
  size_t wrapped_size = 0;
  DREY_TRY(wrap_keyring(random, Envelope::kRecovery, unwrapping.pub, keys_.keyring, wrapped,
                        &wrapped_size));
  GenesisBody genesis;
  genesis.founder.name = request.node_name;
  genesis.founder.wrap_key = keys_.wrap.pub;
  DREY_TRY(sign_card(keys_.sign, &genesis.founder));
  genesis.recovery.sign_key = recovery.pub;
  genesis.recovery.unwrap_key = unwrapping.pub;
  genesis.mesh_name = request.mesh_name;
  genesis.settings.copies = request.copies;
  genesis.settings.compression = request.compression;
  genesis.epoch = kFirstEpoch;
  genesis.keyring = Bytes(wrapped).first(wrapped_size);
  std::array<uint8_t, limits::kStatementBytesMax> statement;
  Result<size_t> size = build_genesis(keys_.sign, genesis, statement);
  if (!size.ok()) {
    why->say("the names or settings are not possible: names have 1 to 63 bytes, copies 1 to %zu",
             limits::kCopiesMax);
    return size.status();
  }
  Statement decoded;
  Bytes bytes = Bytes(statement).first(size.value());
  DREY_TRY(decode_statement(bytes, &decoded));
  StatementId id = statement_id(decoded);
  keys_.mesh = MeshId::from(id.bytes());
  keys_.keyring.set_mesh(keys_.mesh);
  take_beacon_keys(keys_.keyring, &keys_);
  DREY_TRY(open_store(keys_.id(), why));
  StatementKey key{};
  std::copy(id.raw.begin(), id.raw.end(), key.begin());
  Ticket ticket = 0;
  DREY_TRY(store_.append_statement(StatementKind::kMembership, key, bytes, &ticket));
  DREY_TRY(store_.commit(ticket));
  DREY_TRY(store_.close());
  DREY_TRY(state_.close());
  return save_keys(*ports_.disk, keys_);
}

Status Node::init(const NodeOptions& options, const InitRequest& request,
                  std::span<char> phrase_text, size_t* phrase_size, Explanation* why) {
  DREY_TRY(prepare_fresh_dir(options, why));
  Phrase phrase;
  KeyPair signing, unwrapping;
  Compression compression;
  if (!is_name(request.node_name) || !is_name(request.mesh_name)) {
    why->say("a name has 1 to 63 bytes of UTF-8, without '/' and control characters");
    return Status::kInvalid;
  }
  if (!ok(parse_compression(request.compression, &compression))) {
    why->say("compression is auto, none, zstd[:1-19] or zlib[:1-9]");
    return Status::kInvalid;
  }
  Status status = phrase_generate(*ports_.random, &phrase);
  if (ok(status)) status = phrase_keys(phrase, &signing, &unwrapping);
  if (ok(status)) status = fresh_identity(*ports_.random, &keys_);
  if (ok(status)) status = found_mesh(request, signing, unwrapping, why);
  if (!ok(status)) {
    if (why->size == 0) why->say("the mesh could not be made: %s", status_name(status));
    return status;
  }
  MutBytes room(reinterpret_cast<uint8_t*>(phrase_text.data()), phrase_text.size());
  *phrase_size = phrase_format(phrase, room).size();
  return Status::kOk;
}

void Node::setup_done(Status status) {
  setup_status_ = status;
  stop();
}

Status Node::run_setup() {
  tick_.node = terminate_.node = this;
  tick_.bind(&ready_);
  terminate_.bind(&ready_);
  setup_status_ = Status::kCancelled;
  ports_.host->on_terminate(&terminate_);
  ports_.host->run(&ready_, &tick_, 100);
  Status closed = store_.close();
  (void)state_.close();
  store_open_ = false;
  return ok(setup_status_) ? closed : setup_status_;
}

Status Node::take_keyring(const JoinRequest& request) {
  keys_.mesh = request.mesh;
  keys_.role = request.role == Role::kFull ? NodeRole::kFull : NodeRole::kVault;
  keys_.beacon_key_count = 1;
  keys_.beacon_keys[0] = {request.discovery.number, request.discovery.key};
  if (keys_.role == NodeRole::kVault) return Status::kOk;
  DREY_TRY(unwrap_keyring(Envelope::kJoin, keys_.wrap, keys_.mesh, request.keyring.bytes(),
                          &keys_.keyring));
  // The key of the newest epoch follows from its seed; this device's is the first epoch's, and
  // whatever the inviter uses now.
  take_beacon_keys(keys_.keyring, &keys_);
  bool known = false;
  for (size_t i = 0; i < keys_.beacon_key_count; ++i)
    known = known || keys_.beacon_keys[i].number == request.discovery.number;
  if (!known && keys_.beacon_key_count < keys_.beacon_keys.size())
    keys_.beacon_keys[keys_.beacon_key_count++] = {request.discovery.number, request.discovery.key};
  return Status::kOk;
}

Status Node::join(const NodeOptions& options, const JoinWords& words, Explanation* why) {
  DREY_TRY(prepare_fresh_dir(options, why));
  PairCode code;
  if (!is_name(words.name) || !ok(pair_code_parse(words.code, &code))) {
    why->say("the code or the device's name is malformed");
    return Status::kInvalid;
  }
  DREY_TRY(fresh_identity(*ports_.random, &keys_));
  DREY_TRY(open_store(keys_.id(), why));
  DREY_TRY(start_mesh(false, why));
  setup_done_.set(&ready_, this, &Node::setup_done);
  join_.room = code.room;
  std::copy(code.secret.raw.begin(), code.secret.raw.end(), join_.code.raw.begin());
  join_.identity = &keys_.sign;
  join_.wrap_key = keys_.wrap.pub;
  join_.name = words.name;
  join_.capacity_gib = static_cast<uint32_t>(stats_.capacity_bytes >> 30);
  join_.timeout_ns = (words.timeout_s > 0 ? words.timeout_s : kJoinSeconds) * kSecondNs;
  join_.op = &setup_done_;
  Status status = mesh_.join(&join_);
  if (ok(status)) status = run_setup();
  if (ok(status)) status = take_keyring(join_);
  if (ok(status)) status = save_keys(*ports_.disk, keys_);
  if (status == Status::kDenied)
    why->say("the code is wrong, expired or used; ask for a new one with drey invite");
  if (status == Status::kTimeout)
    why->say(
        "no device shows this code: is drey invite open, and are both on one network? --peer "
        "ADDRESS:PORT helps "
        "where multicast does not reach");
  if (status == Status::kCancelled) why->say("interrupted; this device has not joined");
  if (!ok(status) && why->size == 0) why->say("joining failed: %s", status_name(status));
  return status;
}

namespace {

// Opens the keyrings with the phrase's key and decides who the new device is.
class Guide : public RecoveryGuide {
 public:
  Guide(const KeyPair& signing, const KeyPair& unwrapping, NodeKeys* keys, std::string_view name,
        std::string_view replace)
      : signing_(signing), unwrapping_(unwrapping), keys_(keys), name_(name), replace_(replace) {}

  Status take_keyring(const MeshId& mesh, Bytes wrapped) override {
    return unwrap_keyring(Envelope::kRecovery, unwrapping_, mesh, wrapped, &keys_->keyring);
  }
  // What was wrapped to an older phrase only comes from the devices.
  Status take_epoch(uint64_t id, Bytes blobs) override {
    EpochTag tag;
    Key32 key_id = recovery_key_id(signing_.pub);
    std::copy_n(key_id.begin(), tag.size(), tag.begin());
    Epoch epoch;
    epoch.id = id;
    Status status = open_epoch(unwrapping_, keys_->keyring.mesh(), id, blobs, EpochShare::kRecovery,
                               tag, &epoch.seed);
    if (!ok(status)) return status == Status::kBusy ? status : Status::kOk;
    status = keys_->keyring.add_epoch(epoch);
    return status == Status::kFull ? status : Status::kOk;
  }

  Status make_plan(const Membership& membership, RecoverPlan* plan) override {
    plan->identity = keys_->sign;
    plan->wrap_key = keys_->wrap.pub;
    std::string_view name = name_;
    if (!replace_.empty()) {
      const Member* old = nullptr;
      for (const Member& member : membership.members())
        if (member.name() == replace_ && member.heir.is_zero()) old = &member;
      if (old == nullptr) return Status::kNotFound;
      plan->replaced = old->id;
      name = old->name();
    }
    std::copy(name.begin(), name.end(), plan->name.begin());
    plan->name_size = name.size();
    return Status::kOk;
  }

 private:
  const KeyPair& signing_;
  const KeyPair& unwrapping_;
  NodeKeys* keys_;
  std::string_view name_, replace_;
};

}  // namespace

Status Node::recover(const NodeOptions& options, const RecoverWords& words, Explanation* why) {
  DREY_TRY(prepare_fresh_dir(options, why));
  Phrase phrase;
  KeyPair signing, unwrapping;
  if (!is_name(words.name) || !ok(phrase_parse(words.phrase, &phrase))) {
    why->say("the phrase or the device's name is malformed");
    return Status::kInvalid;
  }
  DREY_TRY(phrase_keys(phrase, &signing, &unwrapping));
  DREY_TRY(fresh_identity(*ports_.random, &keys_));
  keys_.role = NodeRole::kFull;
  DREY_TRY(open_store(keys_.id(), why));
  DREY_TRY(start_mesh(false, why));
  setup_done_.set(&ready_, this, &Node::setup_done);
  Guide guide(signing, unwrapping, &keys_, words.name, words.replace);
  recover_.recovery = &signing;
  recover_.guide = &guide;
  if (words.timeout_s > 0) recover_.timeout_ns = words.timeout_s * kSecondNs;
  recover_.op = &setup_done_;
  Status status = mesh_.recover(&recover_);
  if (ok(status)) status = run_setup();
  keys_.mesh = recover_.mesh;
  take_beacon_keys(keys_.keyring, &keys_);
  if (ok(status)) status = save_keys(*ports_.disk, keys_);
  if (status == Status::kTimeout)
    why->say(
        "no device answers that knows this phrase: start one that survived, a vault is enough; "
        "--peer "
        "ADDRESS:PORT helps where multicast does not reach");
  if (status == Status::kDenied)
    why->say("these words do not open this mesh; were they replaced by newer ones?");
  if (status == Status::kNotFound)
    why->say(
        "the mesh has no device of that name to replace; recover without --replace and look with "
        "drey peers");
  if (status == Status::kCancelled) why->say("interrupted; this device is not part of the mesh");
  if (!ok(status) && why->size == 0) why->say("recovery failed: %s", status_name(status));
  return status;
}

}  // namespace drey
