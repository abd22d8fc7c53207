// A household of whole meshes in the simulator: stores on simulated disks, sessions over plain
// channels, beacons over simulated multicast. What src/node does around Mesh is done here.
#pragma once

#include <functional>

#include "mesh/mesh.h"
#include "sim/sim_world.h"
#include "store/sqlite_runtime.h"
#include "unit/mesh/membership_support.h"

namespace drey::test {

struct Waiter final : Op {
  Status status = Status::kBusy;
  int count = 0;
  void step(Status with) override {
    status = with;
    ++count;
  }
};

struct Tick final : Op {
  std::function<void()> call;
  void step(Status) override { call(); }
};

// Wraps nothing: the "keyring" is a text that names whom it is for.
struct TestCourier final : KeyringCourier {
  int exports = 0;
  int changes = 0;
  Status export_for(const PublicKey& wrap_key, MutBytes to, size_t* size) override {
    ++exports;
    std::copy(wrap_key.begin(), wrap_key.end(), to.begin());
    *size = wrap_key.size();
    return Status::kOk;
  }
  void on_members_changed() override { ++changes; }
};

struct TestGuide final : RecoveryGuide {
  int new_node = 0;
  std::string name = "phoenix";
  std::string replace;
  Status refuse = Status::kOk;
  size_t keyring_bytes = 0;
  std::vector<uint64_t> epochs;
  size_t heads_seen = 0;
  Status take_keyring(const MeshId&, Bytes wrapped) override {
    keyring_bytes = wrapped.size();
    return refuse;
  }
  Status take_epoch(uint64_t epoch, Bytes) override {
    epochs.push_back(epoch);
    return Status::kOk;
  }
  Status make_plan(const Membership& membership, RecoverPlan* plan) override {
    plan->identity = key(new_node);
    plan->wrap_key = key(200000).pub;
    plan->name_size = name.size();
    std::copy(name.begin(), name.end(), plan->name.begin());
    if (replace.empty()) return Status::kOk;
    for (const Member& member : membership.members())
      if (member.name() == replace) plan->replaced = member.id;
    return plan->replaced.is_zero() ? Status::kNotFound : Status::kOk;
  }
};

inline Address group_address() {
  Address group;
  group.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 239, 255, 47, 47};
  group.port = 4747;
  return group;
}

class Device {
 public:
  // `identity`: number of its key; negative: a fresh device that joins or recovers.
  Device(SimNode* sim_node, int identity) : sim(sim_node), number(identity) {}
  ~Device() { kill(); }

  SimNode* sim;
  int number;
  bool plain = true;  // false: real TLS
  MeshId mesh_id;
  std::vector<DiscoveryKey> keys;
  std::vector<Address> fixed;
  std::vector<Address> groups{group_address()};
  TestCourier courier;
  KeyringCourier* keeper = nullptr;           // takes the courier's place
  std::function<void(Device&)> before_start;  // the statements are loaded
  std::function<void()> on_tick;
  uint16_t feature = limits::kFeatureLevel;
  std::unique_ptr<ReadyQueue> ready;
  std::unique_ptr<Log> log;
  std::unique_ptr<Store> store;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<StateLog> state;
  std::unique_ptr<Tick> tick;
  std::unique_ptr<Mesh> mesh;

  void boot(const std::vector<ByteVector>& statements = {}) {
    mesh.reset();
    tick = std::make_unique<Tick>();
    committer = std::make_unique<Committer>();
    store = std::make_unique<Store>();
    state = std::make_unique<StateLog>();
    ready = std::make_unique<ReadyQueue>();
    log = std::make_unique<Log>(&sim->clock, &sim->host);
    mesh = std::make_unique<Mesh>();
    StoreOptions options;
    options.disk = options.log_disk = &sim->disk;
    options.clock = &sim->clock;
    options.random = &sim->random;
    options.self = number >= 0 ? id(number) : NodeId{};
    options.capacity_bytes = 64 * limits::kSegmentBytes;
    ASSERT_EQ(store->open(options), Status::kOk);
    ASSERT_EQ(state->open(&sim->disk, log.get()), Status::kOk);
    for (const ByteVector& statement : statements) {
      StatementKey k{};
      StatementId sid = id_of(statement);
      std::copy(sid.raw.begin(), sid.raw.end(), k.begin());
      Ticket ticket = 0;
      Status status = store->append_statement(StatementKind::kMembership, k, statement, &ticket);
      ASSERT_TRUE(status == Status::kOk || status == Status::kExists);
      ASSERT_EQ(store->commit(ticket), Status::kOk);
    }
    committer->bind(ready.get());
    committer->start(store.get(), &sim->lanes);
    ASSERT_EQ(mesh->load(store.get(), mesh_id), Status::kOk);
    if (before_start) before_start(*this);
    start();
  }
  void start() {
    MeshOptions options;
    options.clock = &sim->clock;
    options.random = &sim->random;
    options.net = &sim->net;
    options.lanes = &sim->lanes;
    options.ready = ready.get();
    options.log = log.get();
    options.store = store.get();
    options.committer = committer.get();
    options.state = state.get();
    options.groups = groups;
    options.peers = fixed;
    options.plain = plain;
    Address any;
    any.port = 4747;
    if (number >= 0) {
      options.identity = &key(number);
      options.mesh = mesh_id;
      options.courier = keeper != nullptr ? keeper : &courier;
      options.feature = feature;
      options.discovery_keys = keys;
      options.listen = std::span<const Address>(&any, 1);
      options.capacity_bytes = 100ull << 30;
      options.board = "sim";
    }
    ASSERT_EQ(mesh->start(options), Status::kOk);
    tick->call = [this] {
      mesh->tick(sim->clock.up_ns());
      if (on_tick) on_tick();
    };
    tick->bind(ready.get());
    sim->host.attach(ready.get(), tick.get(), 100);
  }
  // The process ends and starts again, on the same disk.
  void restart() {
    kill();
    boot();
  }
  // Its objects go first: the store closes its files.
  void kill() {
    sim->host.stop();
    mesh.reset();
    committer.reset();
    state.reset();
    store.reset();
    sim->kill();
  }
  Address address() const {
    Address at = sim->net.address();
    at.port = 4747;
    return at;
  }
  const Membership& membership() const { return mesh->membership(); }
  bool sees_alive(int other) const {
    const Peer* peer = mesh->peers().find(id(other));
    return peer != nullptr && peer->state == PeerState::kAlive && peer->session != nullptr;
  }
  bool knows(int other, MemberState as = MemberState::kActive) const {
    const Member* member = membership().find(id(other));
    return member != nullptr && member->state == as;
  }
};

class MeshTest : public ::testing::Test {
 protected:
  explicit MeshTest(uint64_t seed = 1) : world(seed) {
    static std::array<uint8_t, 16 * 1024 * 1024> arena;
    static SimRandom random(1);
    (void)sqlite_runtime_start(arena, &random);  // another test may have been first
    disc.number = 1;
    disc.key.raw.fill(0x5a);
  }

  SimWorld world;
  DiscoveryKey disc;
  bool plain = true;
  std::vector<std::unique_ptr<Device>> devices;

  Device& add_fresh() {
    SimNode& sim = world.add_node("n" + std::to_string(devices.size()));
    devices.push_back(std::make_unique<Device>(&sim, -1));
    devices.back()->plain = plain;
    devices.back()->boot();
    return *devices.back();
  }
  // A member whose log holds the statements of `view`.
  Device& add_member(int number, const View& view) {
    SimNode& sim = world.add_node("n" + std::to_string(devices.size()));
    devices.push_back(std::make_unique<Device>(&sim, number));
    Device& device = *devices.back();
    device.mesh_id = view.membership->mesh();
    device.keys = {disc};
    device.plain = plain;
    device.boot(view.bytes);
    return device;
  }
  bool until(const std::function<bool()>& done, uint64_t seconds = 60) {
    return world.run_until(done, seconds * kSecond);
  }
  Status publish(Device& device, StatementKind kind, const ByteVector& bytes) {
    StatementRequest request;
    Waiter waiter;
    waiter.bind(device.ready.get());
    request.kind = kind;
    request.statement = bytes;
    request.op = &waiter;
    device.mesh->publish(&request);
    EXPECT_TRUE(until([&] { return waiter.count > 0; }));
    return waiter.status;
  }
  ByteVector make_head(int owner, uint64_t sequence, const std::string& sealed = "sealed") {
    Head head;
    head.owner = id(owner);
    head.sequence = sequence;
    head.epoch = 1;
    head.sealed = as_bytes(sealed);
    MeshId mesh;
    mesh.raw = id_of(genesis()).raw;
    ByteVector to(limits::kHeadBytesMax);
    Result<size_t> size = encode_head(key(owner), mesh, &head, to);
    EXPECT_EQ(size.status(), Status::kOk);
    to.resize(size.value());
    return to;
  }
};

}  // namespace drey::test
