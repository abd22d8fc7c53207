// One simulated device with a real store and keys, and a mesh that is a map: for tests of the whole
// backup service. Requests complete late and out of order.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "backup/backup.h"
#include "backup/stream_format.h"
#include "crypto/hash.h"
#include "mesh/heads/forget.h"
#include "sim/sim_world.h"
#include "store/commit.h"
#include "store/sqlite_runtime.h"

namespace drey::test {

// Levels of index pages over 4,000 entries. With the large pages of a real board a second one would
// take 100,000s of files; board sim has it.
inline constexpr uint8_t kIndexLevels = limits::kChunkBytesMax <= 64 * 1024 ? 2 : 1;

class MapSpace final : public RecordSpace {
 public:
  SimWorld* world = nullptr;
  SimNode* node = nullptr;
  Store* store = nullptr;
  std::map<ChunkId, std::string> records;
  std::map<ChunkId, OwnedRecord> claims;
  std::set<ChunkId> unreachable;
  Status push_status = Status::kOk;
  Status flush_status = Status::kOk;
  uint64_t pushes_before_failure = UINT64_MAX;
  uint64_t pushes = 0;
  uint64_t fetches = 0;
  bool missing = false;
  uint64_t delay_ns_max = 20 * kMillisecond;

  void push(PushRequest* request) override {
    ++pushes;
    Status status = pushes > pushes_before_failure ? push_status : Status::kOk;
    later([this, request, status] {
      if (ok(status)) {
        records[request->c] = std::string(as_text(request->record));
        OwnedRecord row{request->c, request->d, static_cast<uint32_t>(request->record.size()),
                        request->type};
        claim(row);
      }
      request->op->complete(status);
    });
  }
  void claim(const OwnedRecord& row) {
    claims[row.c] = row;
    Ticket ticket = 0;
    EXPECT_EQ(store->own({&row, 1}, 1, &ticket), Status::kOk);
    EXPECT_EQ(store->commit(ticket), Status::kOk);
    EXPECT_EQ(store->update_holders({&row.c, 1}, 2, 0), Status::kOk);
  }
  void fetch(FetchRequest* request) override {
    ++fetches;
    later([this, request] {
      auto found = records.find(request->c);
      bool here = found != records.end() && !unreachable.contains(request->c);
      if (here) {
        std::copy(found->second.begin(), found->second.end(), request->room.begin());
        request->size = found->second.size();
      }
      request->op->complete(here ? Status::kOk : Status::kNotFound);
    });
  }
  void flush(FlushRequest* request) override {
    later([this, request] { request->op->complete(flush_status); });
  }
  void publish(StatementRequest* request) override {
    later([this, request] { request->op->complete(keep(request->kind, request->statement)); });
  }
  Status keep(StatementKind kind, Bytes statement) {
    return kind == StatementKind::kForget ? obey(statement) : keep_head(statement);
  }
  Status obey(Bytes statement) {
    Forget forget;
    DREY_TRY(decode_forget(statement, &forget));
    EXPECT_EQ(verify_forget(statement, mesh, owner_key), Status::kOk);
    EXPECT_EQ(forget.highest, newest_[forget.owner]);
    EXPECT_GT(forget.number, forgets[forget.owner]);
    Ticket ticket = 0;
    HeadKey key = forget_key(forget.owner, forget.number);
    DREY_TRY(store->append_statement(StatementKind::kForget, key, statement, &ticket));
    DREY_TRY(store->commit(ticket));
    forgets[forget.owner] = forget.number;
    for (uint64_t n = 1; n <= forget.highest; ++n) {
      if (!forget.contains(n)) continue;
      Status status =
          store->remove_statement(StatementKind::kHead, head_key(forget.owner, n), &ticket);
      if (status == Status::kNotFound) continue;
      DREY_TRY(status);
      EXPECT_EQ(store->commit(ticket), Status::kOk);
    }
    return Status::kOk;
  }
  uint64_t forget_number(const NodeId& owner) override { return forgets[owner]; }
  std::map<NodeId, uint64_t> forgets;
  MeshId mesh;
  PublicKey owner_key{};
  Status keep_head(Bytes statement) {
    Head head;
    DREY_TRY(decode_head(statement, &head));
    HeadKey key = head_key(head.owner, head.sequence);
    Ticket ticket = 0;
    DREY_TRY(store->append_statement(StatementKind::kHead, key, statement, &ticket));
    DREY_TRY(store->commit(ticket));
    EXPECT_EQ(head.previous, hashes_[head.owner]);
    newest_[head.owner] = head.sequence;
    hashes_[head.owner] = head_hash(statement);
    return Status::kOk;
  }
  bool newest_head(const NodeId& owner, uint64_t* sequence, Key32* hash) override {
    if (!newest_.contains(owner)) return false;
    *sequence = newest_[owner];
    *hash = hashes_[owner];
    return true;
  }
  Status find_node(std::string_view text, NodeId* to) override {
    auto found = names.find(std::string(text));
    if (found == names.end()) return Status::kNotFound;
    *to = found->second;
    return Status::kOk;
  }
  bool records_missing() override { return missing; }
  std::map<std::string, NodeId> names;

 private:
  void later(std::function<void()> action) {
    world->after(world->rng().between(1, delay_ns_max), node, std::move(action));
  }
  std::map<NodeId, uint64_t> newest_;
  std::map<NodeId, Key32> hashes_;
};

struct DoneOp : Op {
  bool done = false;
  Status status = Status::kOk;
  void step(Status result) override {
    done = true;
    status = result;
  }
};

struct CollectSink : StreamSink {
  std::vector<uint8_t> buffer = std::vector<uint8_t>(20000);
  std::vector<uint8_t> bytes;
  size_t budget = SIZE_MAX;  // bytes taken before it is full
  MutBytes room() override { return MutBytes(buffer).first(std::min(budget, buffer.size())); }
  void produced(size_t size) override {
    bytes.insert(bytes.end(), buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(size));
    budget -= size;
  }
  // Contents by path ("?" for missing bytes); the end frame.
  std::map<std::string, std::string> files(EndFrame* end = nullptr) const {
    std::map<std::string, std::string> all;
    std::string* file = nullptr;
    for (size_t at = 0; at < bytes.size();) {
      StreamFrameHeader header;
      EXPECT_EQ(decode_frame_header(Bytes(bytes).subspan(at), &header), Status::kOk);
      Bytes body = Bytes(bytes).subspan(at + kFrameHeaderBytes, header.size);
      at += kFrameHeaderBytes + header.size;
      EntryFrame entry;
      DataFrame data;
      RangeFrame range;
      if (header.type == FrameType::kEntry) {
        EXPECT_EQ(decode_entry_frame(body, &entry), Status::kOk);
        file = &all[std::string(entry.path)];
      } else if (header.type == FrameType::kData) {
        EXPECT_EQ(decode_data_frame(body, &data), Status::kOk);
        *file += as_text(data.bytes);
      } else if (header.type == FrameType::kHole || header.type == FrameType::kMissing) {
        EXPECT_EQ(decode_range_frame(header.type, body, &range), Status::kOk);
        file->append(range.length, header.type == FrameType::kHole ? '\0' : '?');
      } else if (header.type == FrameType::kEnd && end != nullptr) {
        EXPECT_EQ(decode_end_frame(body, end), Status::kOk);
      }
    }
    return all;
  }
};

struct ListSink : SnapshotSink {
  std::vector<SnapshotInfo> rows;
  size_t most = SIZE_MAX;
  bool row(const SnapshotInfo& info) override {
    rows.push_back(info);
    return rows.size() < most;
  }
};

class ServiceWorld {
 public:
  explicit ServiceWorld(uint64_t seed) : world(seed), node(world.add_node("a")) {
    static std::array<uint8_t, 4 * board::kSqliteArenaBytes> arena;
    static SimRandom random(1);
    (void)sqlite_runtime_start(arena, &random);  // another test may have been first
    EXPECT_TRUE(ok(generate_key(node.random, &key)));
    self = node_id(key.pub);
    Secret<32> secret;
    secret.raw[0] = 7;
    MeshId mesh;
    mesh.raw[0] = 9;
    keyring.reset(mesh, secret);
    space.mesh = mesh;
    space.owner_key = key.pub;
    Epoch epoch;
    epoch.id = 1;
    EXPECT_TRUE(ok(keyring.add_epoch(epoch)));
    open_store();
    tick.world = this;
    tick.bind(&ready);
    node.host.attach(&ready, &tick, 100);
    ports = node.ports();
    start_service();
  }
  ~ServiceWorld() {
    node.host.stop();
    EXPECT_EQ(origin->free_count(), limits::kOriginSlots);
    EXPECT_EQ(node.tree.open_count(), 0u);
  }

  void open_store() {
    store = std::make_unique<Store>();
    StoreOptions options;
    options.disk = options.log_disk = &node.disk;
    options.clock = &node.clock;
    options.random = &node.random;
    options.self = self;
    options.capacity_bytes = 1ull << 30;
    EXPECT_EQ(store->open(options), Status::kOk);
    space.world = &world;
    space.node = &node;
    space.store = store.get();
  }
  void start_service() {
    committer = std::make_unique<Committer>();
    committer->bind(&ready);
    committer->start(store.get(), ports.lanes);
    service = std::make_unique<BackupService>();
    BackupOptions options;
    options.ports = &ports;
    options.ready = &ready;
    options.store = store.get();
    options.records = &space;
    options.committer = committer.get();
    options.keyring = &keyring;
    options.compressors = compressors.get();
    options.origin = origin.get();
    options.sign_key = &key;
    options.self = self;
    service->start(options);
  }
  // Power is cut, then the process starts on what its disk kept.
  void stop_and_start() {
    node.host.stop();
    service.reset();
    committer.reset();
    store.reset();
    origin = std::make_unique<OriginPool>();
    node.kill();
    open_store();
    start_service();
    node.host.attach(&ready, &tick, 100);
  }
  bool wait(const DoneOp& op) {
    return world.run_until([&] { return op.done; }, 1200 * kSecond);
  }
  Status back_up(std::vector<std::string_view> paths, std::string_view set = "default") {
    BackupRequest request;
    request.paths = paths;
    request.set = set;
    DoneOp done;
    done.bind(&ready);
    Status status = service->backup(request, &done);
    if (!ok(status)) return status;
    EXPECT_TRUE(wait(done));
    EXPECT_EQ(done.status, service->result().status);
    return done.status;
  }
  Status forget(const ForgetRequest& request) {
    DoneOp done;
    done.bind(&ready);
    Status status = service->forget(request, &done);
    if (!ok(status)) return status;
    EXPECT_TRUE(wait(done));
    EXPECT_EQ(done.status, service->forget_result().status);
    return done.status;
  }
  std::vector<SnapshotInfo> snapshots() {
    ListSink sink;
    DoneOp done;
    done.bind(&ready);
    EXPECT_EQ(service->list_snapshots(&sink, &done), Status::kOk);
    EXPECT_TRUE(wait(done));
    return sink.rows;
  }
  Status resolve(std::string_view text, SnapshotInfo* to) {
    DoneOp done;
    done.bind(&ready);
    Status status = service->resolve_snapshot(text, to, &done);
    if (!ok(status)) return status;
    EXPECT_TRUE(wait(done));
    return done.status;
  }
  StreamResult stream(CollectSink& sink, const SnapshotInfo& info, std::string_view path = "") {
    StreamRequest request;
    request.snapshot = info;
    request.path = path;
    DoneOp done;
    done.bind(&ready);
    Result<StreamNumber> number = service->open_stream(request, &sink, &done);
    EXPECT_TRUE(number.ok());
    if (!number.ok()) return {};
    EXPECT_TRUE(wait(done));
    return service->stream_result(number.value());
  }

  struct TickOp : Op {
    ServiceWorld* world = nullptr;
    void step(Status) override { world->service->tick(world->node.clock.up_ns()); }
  };
  SimWorld world;
  SimNode& node;
  ReadyQueue ready;
  TickOp tick;
  KeyPair key;
  NodeId self;
  Keyring keyring;
  Ports ports;
  MapSpace space;
  std::unique_ptr<Store> store;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<CompressorSet> compressors = std::make_unique<CompressorSet>();
  std::unique_ptr<OriginPool> origin = std::make_unique<OriginPool>();
  std::unique_ptr<BackupService> service;
};

}  // namespace drey::test
