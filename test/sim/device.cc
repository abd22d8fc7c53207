#include "sim/device.h"

#include "base/text.h"
#include "crypto/kernels.h"
#include "crypto/self_test.h"
#include "node/genesis_file.h"
#include "node/key_keeper.h"
#include "node/node.h"
#include "sim/joining.h"
#include "sim/sim_kernels.h"
#include "sim/stream_reader.h"
#include "store/sqlite_runtime.h"

namespace drey::sim {
namespace {

constexpr uint64_t kAnswerNs = 120 * kSecond;
constexpr uint16_t kPort = 4747;

struct ListSink final : SnapshotSink {
  std::vector<SnapshotInfo> rows;
  bool row(const SnapshotInfo& info) override {
    rows.push_back(info);
    return true;
  }
};

Address address_of(SimNode& node) {
  Address at = node.net.address();
  at.port = kPort;
  return at;
}

}  // namespace

struct Device::Waiter final : Op {
  bool done = false;
  Status status = Status::kOk;
  void step(Status with) override {
    done = true;
    status = with;
  }
};

void start_process() {
  CryptoKernels kernels;
  kernels.sha256_blocks = sim_sha256_blocks();
  install_crypto_kernels(kernels);
  DREY_CHECK(ok(crypto_self_test()));
  static std::array<uint8_t, 16 * board::kSqliteArenaBytes> arena;
  static SimRandom random(1);
  DREY_CHECK(ok(sqlite_runtime_start(arena, &random)));
}

// One run of the daemon.
struct Device::Parts {
  explicit Parts(SimNode* node) : ports(node->ports()), log(&node->clock, &node->host), sim(node) {}
  struct TickOp final : Op {
    Parts* parts = nullptr;
    void step(Status) override { parts->on_tick(); }
  };
  struct MaintainJob final : Job {
    Store* store = nullptr;
    size_t lost_count = 0;
    std::array<LostStatement, 16> lost;
    Status run() override {
      Status status = store->maintain();
      lost_count = store->take_lost_statements(lost);
      return status;
    }
  };
  struct CompactJob final : Job {
    Store* store = nullptr;
    bool more = false;
    Status run() override { return store->compact(CompactMode::kUrgent, 1 << 20, &more); }
  };
  void on_tick() {
    uint64_t now = ports.clock->up_ns();
    log.tick();
    mesh.tick(now);
    keeper.tick(now);
    backup.tick(now);
    if (stopping || maintaining || now < next_maintain_ns) return;
    maintaining = true;
    next_maintain_ns = now + kSecond;
    maintain.op = &maintained_op;
    ports.lanes->submit(Lane::kStore, &maintain);
  }
  void maintained(Status) {
    maintaining = false;
    mesh.statements_lost(std::span<const LostStatement>(maintain.lost).first(maintain.lost_count));
    StoreStats stats = store.stats();
    mesh.tell_free_space(stats.free_bytes, static_cast<uint8_t>(stats.state));
  }
  CompactJob compact;
  bool stopped() const {
    return backup.idle() && mesh.stopped() && committer.idle() && !maintaining && keeper.idle();
  }

  Ports ports;
  ReadyQueue ready;
  Log log;
  SimNode* sim;
  NodeKeys keys;
  Store store;
  StateLog state;
  Committer committer;
  KeyKeeper keeper;
  Mesh mesh;
  CompressorSet compressors;
  OriginPool origin;
  BackupService backup;
  TickOp tick;
  MaintainJob maintain;
  DataSignal<Parts> maintained_op;
  bool maintaining = false;
  bool stopping = false;
  uint64_t next_maintain_ns = 0;
  std::vector<std::unique_ptr<Waiter>> waiters;
  ListSink listing;
  StreamReader stream;
};

Device::Device(SimNode* sim) : sim_(sim) {}
Device::~Device() { drop(); }

// ---- making ----

Status Device::init() {
  Config config;
  auto node = std::make_unique<Node>(&sim_->clock, &sim_->host);
  NodeOptions options;
  options.ports = sim_->ports();
  options.config = &config;
  Node::InitRequest request;
  request.node_name = sim_->name();
  request.mesh_name = "home";
  request.compression = "auto";
  char phrase[160];
  size_t size = 0;
  Explanation why;
  Status status = node->init(options, request, phrase, &size, &why);
  node.reset();
  sim_->kill();  // the process ends, its locks with it
  return status;
}

Status Device::join(Device& host) { return admit(*host.sim_, *sim_, NodeRole::kFull); }

// ---- the daemon ----

Status Device::open_parts() {
  Parts& p = *parts_;
  DREY_TRY(load_keys(sim_->disk, &p.keys));
  StoreOptions store;
  store.disk = p.ports.disk;
  store.log_disk = p.ports.store;
  store.clock = p.ports.clock;
  store.random = p.ports.random;
  store.log = &p.log;
  store.self = p.keys.id();
  DREY_TRY(p.store.open(store));
  DREY_TRY(p.state.open(p.ports.disk, &p.log));
  p.committer.bind(&p.ready);
  p.committer.start(&p.store, p.ports.lanes);
  p.maintain.store = &p.store;
  p.maintained_op.set(&p.ready, &p, &Parts::maintained);
  DREY_TRY(keep_genesis(sim_->disk, p.store, p.keys.mesh, &p.log));
  return p.mesh.load(&p.store, p.keys.mesh);
}

Status Device::start_mesh() {
  Parts& p = *parts_;
  Address any;
  any.port = kPort;
  std::vector<Address> others;
  for (size_t i = 0; i < sim_->world().node_count(); ++i)
    if (i != sim_->index()) others.push_back(address_of(sim_->world().node(i)));
  p.keeper.load({&p.ports, &p.ready, &p.log, &p.store, &p.mesh, &p.keys});
  MeshOptions mesh;
  mesh.clock = p.ports.clock;
  mesh.random = p.ports.random;
  mesh.net = p.ports.net;
  mesh.lanes = p.ports.lanes;
  mesh.ready = &p.ready;
  mesh.log = &p.log;
  mesh.store = &p.store;
  mesh.committer = &p.committer;
  mesh.state = &p.state;
  mesh.board = "sim";
  mesh.capacity_bytes = p.store.stats().capacity_bytes;
  mesh.identity = &p.keys.sign;
  mesh.mesh = p.keys.mesh;
  mesh.listen = std::span<const Address>(&any, 1);
  mesh.peers = others;
  std::array<DiscoveryKey, Keyring::kBeaconKeysMax> discovery;
  for (size_t i = 0; i < p.keys.beacon_key_count; ++i)
    discovery[i] = {p.keys.beacon_keys[i].number, p.keys.beacon_keys[i].key};
  mesh.discovery_keys = std::span<const DiscoveryKey>(discovery).first(p.keys.beacon_key_count);
  mesh.courier = &p.keeper;
  mesh.plain = plain;
  DREY_TRY(p.mesh.start(mesh));
  p.keeper.start();
  return Status::kOk;
}

Status Device::start_backup() {
  Parts& p = *parts_;
  const MeshSettings& settings = p.mesh.membership().settings();
  BackupOptions backup;
  backup.ports = &p.ports;
  backup.ready = &p.ready;
  backup.log = &p.log;
  backup.store = &p.store;
  backup.mesh = &p.mesh;
  backup.committer = &p.committer;
  backup.keyring = &p.keys.keyring;
  backup.compressors = &p.compressors;
  backup.origin = &p.origin;
  backup.sign_key = &p.keys.sign;
  backup.self = p.mesh.self();
  DREY_TRY(parse_compression(settings.compression, &backup.compression));
  backup.chunk_sizes = {settings.chunk_bytes_min, settings.chunk_bytes_average,
                        settings.chunk_bytes_max};
  p.backup.start(backup);
  return Status::kOk;
}

Status Device::start() {
  DREY_CHECK(parts_ == nullptr);
  parts_ = std::make_unique<Parts>(sim_);
  Status status = open_parts();
  if (ok(status)) status = start_mesh();
  if (ok(status)) status = start_backup();
  if (!ok(status)) {
    kill();
    return status;
  }
  parts_->tick.parts = parts_.get();
  parts_->tick.bind(&parts_->ready);
  sim_->host.attach(&parts_->ready, &parts_->tick, 100);
  return Status::kOk;
}

bool Device::stop() {
  Parts& p = *parts_;
  p.stopping = true;
  p.keeper.stop();
  p.backup.stop();
  p.mesh.stop();
  bool in_time = sim_->world().run_until([&p] { return p.stopped(); }, 10 * kSecond);
  sim_->host.stop();
  (void)p.store.close();
  (void)p.state.close();
  drop();
  sim_->kill();
  return in_time;
}

// Objects go first, on a disk that answers nothing any more: a dead process writes nothing.
void Device::drop() {
  if (parts_ == nullptr) return;
  ++ends_;
  sim_->host.stop();
  sim_->disk.cut_now();
  sim_->store.cut_now();
  parts_.reset();
}

void Device::kill() {
  drop();
  sim_->kill();
}

void Device::lose_power(const SimDisk::Crash& how) {
  drop();
  sim_->power_off(how);
  sim_->power_on();
}

Mesh& Device::mesh() { return parts_->mesh; }
Store& Device::store() { return parts_->store; }
BackupService& Device::service() { return parts_->backup; }

// ---- what a person asks ----

// Everything an op may touch lives as long as the daemon: an answer that comes too late harms
// nobody.
Device::Waiter& Device::ask() {
  parts_->waiters.push_back(std::make_unique<Waiter>());
  Waiter& waiter = *parts_->waiters.back();
  waiter.bind(&parts_->ready);
  return waiter;
}

Status Device::answer(const Waiter& waiter) {
  uint64_t ends = ends_;  // the waiter goes with its daemon
  bool done = sim_->world().run_until([&] { return ends_ != ends || waiter.done; }, kAnswerNs);
  if (ends_ != ends) return Status::kClosed;
  return done ? waiter.status : Status::kTimeout;
}

Status Device::back_up(std::string_view path, std::string_view set, StatementId* snapshot) {
  BackupRequest request;
  request.paths = {&path, 1};
  request.set = set;
  Waiter& waiter = ask();
  DREY_TRY(service().backup(request, &waiter));
  DREY_TRY(answer(waiter));
  const BackupResult& result = service().result();
  if (result.progress.errors > 0) return Status::kChanged;
  *snapshot = result.snapshot;
  return result.status;
}

Status Device::list(std::vector<SnapshotInfo>* to) {
  to->clear();
  parts_->listing.rows.clear();
  Waiter& waiter = ask();
  DREY_TRY(service().list_snapshots(&parts_->listing, &waiter));
  DREY_TRY(answer(waiter));
  *to = parts_->listing.rows;
  return service().unreadable_heads() == 0 ? Status::kOk : Status::kCorrupt;
}

Status Device::forget(const StatementId& snapshot) {
  std::array<char, 2 * StatementId::kSize> hex;
  DREY_CHECK(hex_encode(snapshot.bytes(), hex));
  std::string_view name(hex.data(), hex.size());
  ForgetRequest request;
  request.snapshots = {&name, 1};
  Waiter& waiter = ask();
  DREY_TRY(service().forget(request, &waiter));
  return answer(waiter);
}

Status Device::sweep() {
  uint64_t ends = ends_;
  (void)sim_->world().run_until([&] { return ends_ != ends || parts_->mesh.forgotten_settled(); },
                                30 * kSecond);
  if (ends_ != ends) return Status::kClosed;
  if (!parts_->mesh.forgotten_settled()) return Status::kBusy;  // a fault keeps heads in the log
  Waiter& waiter = ask();
  DREY_TRY(service().sweep(&waiter));
  return answer(waiter);
}

Status Device::compact() {
  // A step at a time: others' commits come between.
  for (int step = 0; step < 400; ++step) {
    Waiter& waiter = ask();
    parts_->compact.store = &parts_->store;
    parts_->compact.op = &waiter;
    parts_->ports.lanes->submit(Lane::kStore, &parts_->compact);
    Status status = answer(waiter);
    if (status == Status::kBusy) sim_->world().run_for(20 * kMillisecond);
    if (status == Status::kBusy && parts_ != nullptr) continue;
    if (!ok(status) || parts_ == nullptr || !parts_->compact.more) return status;
  }
  return Status::kTimeout;
}

Restored Device::restore(const SnapshotInfo& snapshot) {
  StreamReader& sink = parts_->stream;
  sink.reset();
  StreamRequest request;
  request.snapshot = snapshot;
  Waiter& waiter = ask();
  Result<StreamNumber> number = service().open_stream(request, &sink, &waiter);
  Status status = number.ok() ? answer(waiter) : number.status();
  Restored restored;
  if (status != Status::kClosed) restored = sink.take();
  restored.status = status;
  return restored;
}

}  // namespace drey::sim
