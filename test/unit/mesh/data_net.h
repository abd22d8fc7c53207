// A household for tests of the data service: nodes with real stores on simulated disks and lanes,
// joined by links in memory that deliver in order, late, and may be cut, slowed or spoilt.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "crypto/hash.h"
#include "mesh/data/data_service.h"
#include "sim/sim_world.h"
#include "store/sqlite_runtime.h"

namespace drey::data_test {

struct DoneOp final : Op {
  Status status = Status::kBusy;
  size_t count = 0;
  void step(Status with) override {
    status = with;
    ++count;
  }
  bool done() const { return count > 0; }
};

class Net;

struct TickOp final : Op {
  std::function<void()> call;
  void step(Status) override { call(); }
};

struct Node {
  explicit Node(SimNode* of) : sim(of) {}
  SimNode* sim;
  NodeId id;
  KeyPair key;  // of a household with keys
  ReadyQueue ready;
  TickOp tick;
  Store store;
  Committer committer;
  DataService data;
  uint32_t capacity_gib = 100;
  bool lost = false;
  bool full = false;
  bool frozen = false;
};

// One end of a connection.
class FakeLink final : public DataLink {
 public:
  struct Frame {
    MessageType type;
    std::vector<uint8_t> head;
    std::vector<uint8_t> bulk;
    bool is_bulk = false;
    Op* sent = nullptr;
    Bytes source;  // of the bulk: copied when its last byte goes out
  };
  Status send(MessageType type, Bytes body) override {
    if (!open) return Status::kClosed;
    if (send_busy) return Status::kBusy;
    queue.push_back({type, {body.begin(), body.end()}, {}, false, nullptr, {}});
    kick();
    return Status::kOk;
  }
  Status send_bulk(MessageType type, Bytes head, Bytes bulk, Op* sent) override {
    if (!open) return Status::kClosed;
    for (const Frame& frame : queue)
      if (frame.is_bulk) return Status::kBusy;
    queue.push_back({type, {head.begin(), head.end()}, {}, true, sent, bulk});
    kick();
    return Status::kOk;
  }
  void drop_bulk() override { dropped = true; }
  void close(Status) override { cut(); }
  // Both ends: what is on its way is lost; the owners hear of it a little later.
  void cut() {
    if (!open) return;
    open = other->open = false;
    for (FakeLink* end : {this, other})
      world->after(100 * kMicrosecond, nullptr, [end] { end->tell_closed(); });
  }

  SimWorld* world = nullptr;
  Node* owner = nullptr;
  FakeLink* other = nullptr;
  bool open = true;
  bool told = false;
  bool send_busy = false;
  bool stalled = false;  // nothing gets through, nobody notices
  uint64_t latency_ns = 300 * kMicrosecond;
  uint64_t bytes_per_second = 100'000'000;
  // Looks at, changes or drops (false) what this end is about to deliver.
  std::function<bool(Frame&)> filter;
  uint64_t bulk_count = 0;
  uint64_t frame_count = 0;
  uint64_t dropped_count = 0;

 private:
  void kick() {
    if (sending || queue.empty() || !open) return;
    sending = true;
    begun = false;
    Frame& frame = queue.front();
    size_t size = 8 + frame.head.size() + frame.source.size();
    if (frame.is_bulk) {
      world->after(latency_ns, nullptr, [this] { begin_bulk(); });
    }
    world->after(latency_ns + size * kSecond / bytes_per_second, nullptr, [this] { deliver(); });
  }
  void begin_bulk() {
    if (!open) return;
    if (stalled) return world->after(10 * kMillisecond, nullptr, [this] { begin_bulk(); });
    begun = true;
    Frame& frame = queue.front();
    if (filter && !filter(frame)) {
      skip = true;
      return;
    }
    other->dropped = false;
    other->room =
        other->owner->data.link_bulk_begin(*other, frame.type, frame.head, frame.source.size());
    other->receiving = !other->dropped;
    if (other->dropped) {
      ++other->dropped_count;
    } else if (other->room.empty()) {
      other->receiving = false;
      close(Status::kInvalid);
    }
  }
  void deliver() {
    if (!open) return;
    if (stalled || (queue.front().is_bulk && !begun))
      return world->after(10 * kMillisecond, nullptr, [this] { deliver(); });
    Frame frame = std::move(queue.front());
    queue.pop_front();
    sending = false;
    if (!frame.is_bulk) {
      ++frame_count;
      if (!filter || filter(frame)) other->owner->data.link_message(*other, frame.type, frame.head);
    } else {
      ++bulk_count;
      if (other->receiving) {
        other->receiving = false;
        std::copy(frame.source.begin(), frame.source.end(), other->room.begin());
        if (spoil) spoil(other->room.first(frame.source.size()));
        other->owner->data.link_bulk_end(*other, frame.type, frame.head,
                                         other->room.first(frame.source.size()), Status::kOk);
      }
      skip = false;
      frame.sent->complete(Status::kOk);
    }
    kick();
  }
  void tell_closed() {
    if (told) return;
    told = true;
    if (receiving) {
      receiving = false;
      std::fill(room.begin(), room.end(), uint8_t{0xee});  // half of something
      owner->data.link_bulk_end(*this, other->bulk_type(), {}, room, Status::kClosed);
    }
    for (Frame& frame : queue)
      if (frame.is_bulk) frame.sent->complete(Status::kClosed);
    queue.clear();
    owner->data.link_closed(*this);
  }
  MessageType bulk_type() const { return MessageType::kPut; }

 public:
  std::function<void(MutBytes)> spoil;  // what arrives at the other end

 private:
  std::deque<Frame> queue;
  bool sending = false;
  bool begun = false;  // of the bulk at the front
  bool skip = false;
  bool dropped = false;
  bool receiving = false;
  MutBytes room;
};

struct Record {
  std::vector<uint8_t> bytes;
  ChunkId c;
  ContentId d;
};

class Household {
 public:
  // With keys its nodes can unpin what they pinned at each other; UNPINs wait for `minimum_age_s`.
  explicit Household(uint64_t seed = 1, bool with_keys = false, uint64_t minimum_age_s = 0)
      : world(seed), with_keys_(with_keys), minimum_age_s_(minimum_age_s), rng_(seed + 77) {
    static std::array<uint8_t, 16 * 1024 * 1024> arena;
    static SimRandom random(1);
    (void)sqlite_runtime_start(arena, &random);  // another test may have been first
  }
  ~Household() {
    for (auto& node : nodes) node->sim->host.stop();
  }

  Node& add(uint64_t store_capacity = 0) {
    size_t index = nodes.size();
    SimNode& sim = world.add_node("n" + std::to_string(index));
    nodes.push_back(std::make_unique<Node>(&sim));
    Node& node = *nodes.back();
    node.id.raw.fill(static_cast<uint8_t>(0x11 * (index + 1)));
    if (with_keys_) {
      node.key.secret.raw[31] = static_cast<uint8_t>(index + 1);
      EXPECT_EQ(derive_public(&node.key), Status::kOk);
      node.id = node_id(node.key.pub);
    }
    boot(node, store_capacity);
    return node;
  }
  void boot(Node& node, uint64_t store_capacity = 0) {
    StoreOptions store;
    store.disk = store.log_disk = &node.sim->disk;
    store.clock = &node.sim->clock;
    store.random = &node.sim->random;
    store.self = node.id;
    store.capacity_bytes = store_capacity;
    EXPECT_EQ(node.store.open(store), Status::kOk);
    node.committer.bind(&node.ready);
    node.committer.start(&node.store, &node.sim->lanes);
    DataOptions options;
    options.store = &node.store;
    options.committer = &node.committer;
    options.lanes = &node.sim->lanes;
    options.clock = &node.sim->clock;
    if (with_audits) options.random = &node.sim->random;
    options.ready = &node.ready;
    options.self = node.id;
    if (with_keys_) options.identity = &node.key;
    options.mesh.raw.fill(0x77);
    options.minimum_age_s = minimum_age_s_;
    options.quota_bytes = quota_bytes;
    node.data.start(options);
    node.tick.call = [&node] { node.data.tick(node.sim->clock.up_ns()); };
    node.tick.bind(&node.ready);
    node.sim->host.attach(&node.ready, &node.tick, 100);
  }
  // Tells every node who belongs to the mesh.
  void meet(size_t copies = 2) {
    for (auto& node : nodes) tell(*node, copies);
    run(5 * kMillisecond);
  }
  void tell(Node& node, size_t copies = 2) {
    std::vector<DataMember> members;
    for (auto& other : nodes) {
      DataMember member;
      member.id = other->id;
      member.capacity_gib = other->capacity_gib;
      member.lost = other->lost;
      member.full = other->full;
      member.frozen = other->frozen;
      members.push_back(member);
    }
    node.data.set_members(members, copies);
    node.data.set_recovery_key(recovery.pub);
  }
  // The end that `a` holds; sends from a to b.
  FakeLink& connect(Node& a, Node& b) {
    links.push_back(std::make_unique<FakeLink>());
    FakeLink& left = *links.back();
    links.push_back(std::make_unique<FakeLink>());
    FakeLink& right = *links.back();
    left.world = right.world = &world;
    left.owner = &a;
    right.owner = &b;
    left.other = &right;
    right.other = &left;
    if (with_keys_) {  // as HELLO does
      a.data.number_told(b.id, b.data.number_stored_for(a.id));
      b.data.number_told(a.id, a.data.number_stored_for(b.id));
    }
    a.data.link_ready(left, b.id, true);
    b.data.link_ready(right, a.id, true);
    return left;
  }
  void connect_all() {
    for (size_t i = 0; i < nodes.size(); ++i)
      for (size_t k = i + 1; k < nodes.size(); ++k) connect(*nodes[i], *nodes[k]);
  }

  Record record(size_t size) {
    Record record;
    record.bytes.resize(size);
    for (uint8_t& byte : record.bytes) byte = static_cast<uint8_t>(rng_.next());
    record.c = ChunkId::from(sha256(record.bytes));
    for (uint8_t& byte : record.d.raw) byte = static_cast<uint8_t>(rng_.next());
    return record;
  }
  void run(uint64_t duration_ns) { world.run_for(duration_ns); }
  bool until(const std::function<bool()>& done, uint64_t limit_ns = 300 * kSecond) {
    return world.run_until(done, limit_ns);
  }

  struct Push {
    PushRequest request;
    DoneOp op;
    Record record;
  };
  Push& begin_push(Node& node, const Record& record, ChunkType type = ChunkType::kData) {
    pushes.push_back(std::make_unique<Push>());
    Push& push = *pushes.back();
    push.record = record;
    push.op.bind(&node.ready);
    push.request.c = record.c;
    push.request.d = record.d;
    push.request.type = type;
    push.request.record = push.record.bytes;
    push.request.number = ++number_;  // the store's counter belongs to its lane
    push.request.op = &push.op;
    node.data.push(&push.request);
    return push;
  }
  Push& push(Node& node, const Record& record, ChunkType type = ChunkType::kData) {
    Push& push = begin_push(node, record, type);
    EXPECT_TRUE(until([&] { return push.op.done(); }));
    return push;
  }
  Status flush(Node& node) {
    DoneOp op;
    op.bind(&node.ready);
    FlushRequest request;
    request.op = &op;
    node.data.flush(&request);
    EXPECT_TRUE(until([&] { return op.done(); }));
    return op.status;
  }
  Status fetch(Node& node, const ChunkId& c, std::vector<uint8_t>* to) {
    DoneOp op;
    op.bind(&node.ready);
    std::vector<uint8_t> room(limits::kRecordBytesMax);
    FetchRequest request;
    request.c = c;
    request.room = room;
    request.op = &op;
    node.data.fetch(&request);
    EXPECT_TRUE(until([&] { return op.done(); }));
    to->assign(room.begin(), room.begin() + static_cast<ptrdiff_t>(request.size));
    return op.status;
  }
  bool settle(Node& node, uint64_t limit_ns = 300 * kSecond) {
    return until([&] { return node.data.replication().settled; }, limit_ns);
  }
  static bool holds(Node& node, const ChunkId& c) {
    RecordState state;
    return node.store.find(c, &state) == Status::kOk && state.held;
  }
  static RecordState state(Node& node, const ChunkId& c) {
    RecordState state;
    (void)node.store.find(c, &state);
    return state;
  }

  KeyPair recovery;          // in force; zeros: nobody has told the nodes
  uint64_t quota_bytes = 0;  // of nodes added later
  SimWorld world;
  bool with_audits = false;
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<std::unique_ptr<FakeLink>> links;
  std::vector<std::unique_ptr<Push>> pushes;

 private:
  bool with_keys_ = false;
  uint64_t minimum_age_s_ = 0;
  SimRng rng_;
  uint64_t number_ = 0;
};

}  // namespace drey::data_test
