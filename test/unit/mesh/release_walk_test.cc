// F0: random walks of RELEASE beside everything else that takes pins or brings them. Five whole
// data services on simulated disks; two of them own records. Records are pushed and come by healing
// with old pins; all holders look for surplus at once, with different views of who weighs what;
// answers are refused or late; links break; devices are lost and come back; owners give up and need
// again.
//
// What must hold: once as many devices beside its owner as are needed have pinned a record, so many
// do for as long as it is needed. DREY_RELEASE_WALKS: how many (make ci-full: 4,000); a failure
// names its seed.
#include <algorithm>
#include <cstdlib>

#include "data_net.h"
#include "mesh/removal/release.h"

namespace drey::data_test {
namespace {

constexpr size_t kNodes = 5;
constexpr size_t kOwners = 2;
constexpr size_t kRecords = 5;
constexpr size_t kNeeded = 2;  // holders besides the owner

class ReleaseWalk {
 public:
  explicit ReleaseWalk(uint64_t seed) : home_(seed, true, 0), random_(seed * 31 + 7) {
    for (size_t i = 0; i < kNodes; ++i) home_.add();
    home_.meet();
    home_.connect_all();
    for (size_t i = 0; i < kRecords; ++i) records_.push_back(home_.record(150));
    // Answers cross, and some holders refuse for now.
    uint64_t latency_ms = 1 + below(200);
    for (auto& link : home_.links) dress(*link, latency_ms += below(20));
  }
  // What went wrong, or "".
  std::string run(size_t steps) {
    for (size_t i = 0; i < steps; ++i) {
      step();
      std::string wrong = judge();
      if (!wrong.empty()) return wrong + " after step " + std::to_string(i);
    }
    return "";
  }
  uint64_t released() const {
    uint64_t sum = 0;
    for (auto& node : home_.nodes) sum += node->data.unpins().released;
    return sum;
  }

 private:
  // By record and owner.
  struct Claim {
    bool needed = false;
    bool enough = false;  // as many as are needed had it
    uint64_t number = 0;  // of the newest pin
  };
  size_t below(size_t count) { return random_.next() % count; }
  Node& at(size_t index) { return *home_.nodes[index]; }
  void dress(FakeLink& link, uint64_t latency_ms) {
    link.latency_ns = latency_ms * kMillisecond;
    uint64_t refuse_one_in = below(3) == 0 ? 2 + below(3) : 0;
    link.filter = [this, refuse_one_in](FakeLink::Frame& frame) {
      if (frame.type == MessageType::kKept && refuse_one_in != 0 && below(refuse_one_in) == 0)
        frame.head[4] = static_cast<uint8_t>(Answer::kRefused);
      return true;
    };
  }
  void step() {
    switch (below(10)) {
      case 0:
      case 1:
      case 2:
        return back_up(below(kOwners), below(kRecords));
      case 3:
      case 4:
        return heal(below(kOwners), below(kRecords));
      case 5:
        return give_up(below(kOwners));
      case 6:
        return change_views();
      case 7:
        return break_or_mend();
      default:
        return release();
    }
  }
  // A backup that needs it: a pin at two devices or more, with a higher number than ever.
  void back_up(size_t owner, size_t index) {
    Claim& claim = claims_[owner][index];
    claim.number = ++number_;
    claim.needed = true;
    size_t first = below(kNodes);
    size_t copies = 0;
    for (size_t i = 0; i < kNodes && copies < kNeeded + below(3); ++i) {
      size_t holder = (first + i) % kNodes;
      if (holder == owner) continue;
      pin(holder, owner, index, claim.number);
      ++copies;
    }
    OwnedRecord row{records_[index].c, records_[index].d,
                    static_cast<uint32_t>(records_[index].bytes.size()), ChunkType::kData};
    Ticket ticket = 0;
    ASSERT_EQ(at(owner).store.own({&row, 1}, claim.number, &ticket), Status::kOk);
    commit(at(owner), ticket);
  }
  void pin(size_t holder, size_t owner, size_t index, uint64_t number) {
    const Record& record = records_[index];
    Ticket ticket = 0;
    Status status = at(holder).store.append_record(record.c, ChunkType::kData, record.bytes,
                                                   at(owner).id, number, &ticket);
    ASSERT_TRUE(ok(status) || status == Status::kExists);
    commit(at(holder), ticket);
  }
  // The node's own committer may be at work.
  void commit(Node& node, Ticket ticket) {
    DoneOp done;
    done.bind(&node.ready);
    CommitWaiter waiter;
    waiter.op = &done;
    node.committer.wait(ticket, &waiter);
    ASSERT_TRUE(home_.until([&] { return done.done(); }));
    ASSERT_EQ(done.status, Status::kOk);
  }
  // Another device brings the pin that it saw once, anywhere, the owner included.
  void heal(size_t owner, size_t index) {
    const Claim& claim = claims_[owner][index];
    if (claim.number == 0) return;
    pin(below(kNodes), owner, index, claim.number - below(2) * below(claim.number));
  }
  // A sweep approves; the UNPINs go out by themselves.
  void give_up(size_t owner) {
    Node& node = at(owner);
    uint64_t number = ++number_;
    for (size_t index = 0; index < kRecords; ++index) {
      if (below(3) != 0) continue;
      Claim& claim = claims_[owner][index];
      claim.needed = claim.enough = false;
      Ticket ticket = 0;
      ASSERT_EQ(node.store.append_unpin(node.id, number, {&records_[index].c, 1}, &ticket),
                Status::kOk);
      commit(node, ticket);
      ASSERT_EQ(node.store.update_holders({&records_[index].c, 1}, 0, ~uint64_t{0}), Status::kOk);
    }
    node.data.approve_unpins(number);
    node.data.recheck();
    home_.run(below(20) * kSecond);
  }
  // Each believes something else for a while; who is lost is asked by nobody.
  void change_views() {
    for (auto& node : home_.nodes) {
      for (auto& other : home_.nodes) {
        other->capacity_gib = below(3) == 0 ? 1'000'000 : 1 + static_cast<uint32_t>(below(100));
        other->lost = false;
      }
      if (below(4) == 0) at(below(kNodes)).lost = true;
      home_.tell(*node);
    }
    home_.run(kSecond);
  }
  void break_or_mend() {
    size_t one = below(kNodes), other = (one + 1 + below(kNodes - 1)) % kNodes;
    bool open = false;
    for (auto& link : home_.links)
      if (link->owner == &at(one) && link->other->owner == &at(other) && link->open) {
        link->cut();
        open = true;
      }
    home_.run(kSecond);
    if (open && below(2) == 0) return;
    FakeLink& left = home_.connect(at(one), at(other));
    dress(left, below(200));
    dress(*left.other, below(200));
    home_.run(kSecond);
  }
  // All holders at once.
  void release() {
    for (auto& node : home_.nodes) node->data.recheck();
    home_.run((1 + below(15)) * kSecond);
  }
  size_t copies(size_t owner, size_t index) {
    size_t count = 0;
    for (size_t i = 0; i < kNodes; ++i) {
      std::array<RecordPin, kNodeSlotsMax> pins;
      size_t pin_count = 0;
      if (i == owner || !Household::holds(at(i), records_[index].c)) continue;
      if (!ok(at(i).store.pins_of(records_[index].c, pins, &pin_count))) continue;
      for (size_t k = 0; k < pin_count; ++k) count += pins[k].owner == at(owner).id ? 1 : 0;
    }
    return count;
  }
  std::string judge() {
    for (size_t owner = 0; owner < kOwners; ++owner)
      for (size_t index = 0; index < kRecords; ++index) {
        Claim& claim = claims_[owner][index];
        if (!claim.needed) continue;
        size_t now = copies(owner, index);
        if (claim.enough && now < kNeeded)
          return "record " + std::to_string(index) + " of owner " + std::to_string(owner) +
                 " has " + std::to_string(now) + " copies";
        claim.enough = claim.enough || now >= kNeeded;
      }
    return "";
  }

  Household home_;
  SimRng random_;
  std::vector<Record> records_;
  Claim claims_[kOwners][kRecords];
  uint64_t number_ = 0;
};

TEST(ReleaseWalk, NoNeededCopyGoes) {
  const char* text = std::getenv("DREY_RELEASE_WALKS");
  uint64_t walks = text != nullptr ? std::strtoull(text, nullptr, 10) : 80;
  uint64_t released = 0;
  for (uint64_t seed = 1; seed <= walks; ++seed) {
    ReleaseWalk walk(seed);
    std::string wrong = walk.run(30);
    ASSERT_EQ(wrong, "") << "seed " << seed;
    released += walk.released();
  }
  // The walks are about something.
  EXPECT_GE(released, walks);
  RecordProperty("released", static_cast<int>(released));
}

}  // namespace
}  // namespace drey::data_test
