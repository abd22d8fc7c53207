// State machines under valid messages in any order: members, recovering devices and joiners who
// hold the right keys talk to a whole mesh that pushes and fetches meanwhile. Nothing crashes, all
// that was reserved comes back, and a session that keeps the order is served afterwards.
#include "unit/mesh/wrong_order_support.h"

#include <algorithm>
#include <cstdlib>

namespace drey::test {
namespace {

uint64_t sessions_wanted() {
  const char* text = std::getenv("DREY_SESSIONS");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 500;
}

struct OwnWork {
  Known known;
  PushRequest push;
  FetchRequest fetch;
  ByteVector room;
  Waiter pushed, fetched;
};

// One victim and its callers.
class Street : public MeshTest {
 public:
  explicit Street(uint64_t seed) : MeshTest(seed), gossip_(seed + 1000) {
    for (int member : {1, 2, 3, 4, 5, 6}) view_.add(0, member);
    view_.retire(0, 4);
    victim_ = &add_member(0, view_);
    gossip_.mesh = view_.membership->mesh();
    gossip_.disc = disc;
    gossip_.victim = victim_->address();
    gossip_.owners = {0, 1, 2, 3, 4, 5, 6, 9};
    gossip_.records.reserve(100);  // pointed at
    for (uint64_t i = 0; i < 12; ++i)
      gossip_.records.push_back(make_known(seed * 100 + i, 200 + 90 * i));
    gossip_.records.push_back(make_known(seed * 100 + 50, limits::kRecordBytesMax));
    learn_statements();
    SimNode& node = world.add_node("street");
    node.host.attach(&ready_, &tick_, 100);
    tick_.bind(&ready_);
    auto caller = [&](SessionKind kind, int number, uint64_t pause_ns = kMillisecond) {
      callers_.push_back(std::make_unique<Caller>(&world, &node, &ready_, &gossip_, kind, number));
      callers_.back()->pause_ns = pause_ns;
    };
    for (int member : {1, 2, 5, 6}) caller(SessionKind::kMember, member);
    caller(SessionKind::kMember, 9, kSecond / 5);  // nobody the victim knows
    caller(SessionKind::kMember, 3, kSecond);
    caller(SessionKind::kMember, 3, 10 * kSecond);  // a clone
    caller(SessionKind::kMember, 4, 10 * kSecond);  // retired
    caller(SessionKind::kRecovery, 10, kSecond / 5);
    caller(SessionKind::kRecovery, 11, kSecond / 5);
    caller(SessionKind::kPairing, 12, kSecond / 2);
    caller(SessionKind::kPairing, 13, kSecond / 2);
    tick_.call = [this, &node] {
      for (auto& one : callers_) one->sessions->tick(node.clock.up_ns());
      if (!victim_->mesh->inviting()) invite();
      if (inviting_ && gossip_.rng.below(50) == 0) victim_->mesh->cancel_invite();
    };
  }
  ~Street() override { world.node(1).host.stop(); }
  void TestBody() override {}

  void run(uint64_t sessions) {
    for (auto& one : callers_) one->call();
    for (int i = 0; i < 12; ++i) begin_work(static_cast<uint64_t>(i));
    ASSERT_TRUE(until([&] { return opened() >= sessions; }, 50 * sessions)) << opened();
    for (auto& one : callers_) one->calls = false;
    inviting_ = false;
    EXPECT_TRUE(until([&] { return whole(); }, 600)) << describe();
    victim_->mesh->cancel_invite();
    for (auto& work : works_) {
      EXPECT_EQ(work->pushed.count, 1);
      EXPECT_EQ(work->fetched.count, 1);
    }
    Known fresh = make_known(world.seed() + 7777, 5000);
    Caller& member = *callers_[1];
    member.honest = &fresh;
    member.calls = true;
    member.call();
    EXPECT_TRUE(until([&] { return member.served; }, 200)) << describe();
    victim_->mesh->stop();
    EXPECT_TRUE(until([&] { return victim_->mesh->stopped(); }, 60)) << "a session slot is held";
    member.calls = false;
  }
  uint64_t opened() const {
    uint64_t sum = 0;
    for (auto& one : callers_) sum += one->opened;
    return sum;
  }
  const Gossip& gossip() const { return gossip_; }

 private:
  void learn_statements() {
    for (const ByteVector& bytes : view_.bytes) gossip_.know(bytes);
    gossip_.know(view_.make_add(View::node(1), 20));
    gossip_.know(view_.make_add(View::node(3), 21, Role::kVault));
    gossip_.know(view_.make_heir(View::words(), 4, 1));
    View other = view_.copy();  // parents the victim may not have yet
    other.add(1, 22);
    gossip_.know(other.make_add(View::node(1), 23));
    gossip_.know(other.bytes.back());
    gossip_.know(other.make_revoke(View::node(2), 3));
    for (int owner : {1, 2, 3, 4, 9})
      for (uint64_t sequence : {1, 2, 3, 40})
        gossip_.know_head(owner, sequence, make_head(owner, sequence));
    gossip_.know_head(3, 3, make_head(3, 3, "forked"));
  }
  void invite() {
    if (!inviting_) return;
    invite_op_.bind(victim_->ready.get());
    invite_.room = 0x1234;
    invite_.code.raw.fill(0x77);
    invite_.role = Role::kFull;
    invite_.uses = 9;
    invite_.op = &invite_op_;
    (void)victim_->mesh->invite(&invite_);
  }
  // The victim's own backup and restore go on all the time.
  void begin_work(uint64_t number) {
    works_.push_back(std::make_unique<OwnWork>());
    OwnWork& work = *works_.back();
    work.known = make_known(world.seed() * 1000 + number, 300 + 100 * number);
    gossip_.records.push_back(work.known);
    work.pushed.bind(victim_->ready.get());
    work.fetched.bind(victim_->ready.get());
    work.push.c = work.known.c;
    work.push.d = work.known.d;
    work.push.record = work.known.bytes;
    work.push.number = number + 1;
    work.push.op = &work.pushed;
    work.room.resize(limits::kRecordBytesMax);
    work.fetch.c = number % 2 == 0 ? gossip_.records[number].c : make_known(number, 50).c;
    work.fetch.room = work.room;
    work.fetch.op = &work.fetched;
    world.after(number * 2 * kSecond, nullptr, [this, &work] {
      victim_->mesh->push(&work.push);
      victim_->mesh->fetch(&work.fetch);
    });
  }
  bool whole() const {
    DataService& data = victim_->mesh->data();
    bool done = std::all_of(works_.begin(), works_.end(), [](const auto& work) {
      return work->pushed.count > 0 && work->fetched.count > 0;
    });
    return done && victim_->mesh->session_count() == 0 && data.idle() &&
           data.receive_pool().free_count() == limits::kReceiveSlots &&
           data.serve_pool().free_count() == limits::kServeSlots;
  }
  std::string describe() const {
    DataService& data = victim_->mesh->data();
    std::string text = "sessions " + std::to_string(victim_->mesh->session_count()) + " idle " +
                       std::to_string(data.idle()) + " receive " +
                       std::to_string(data.receive_pool().free_count()) + " serve " +
                       std::to_string(data.serve_pool().free_count()) + " requests";
    for (const auto& work : works_)
      text += " " + std::to_string(work->pushed.count) + std::to_string(work->fetched.count);
    return text;
  }

  View view_;
  Gossip gossip_;
  Device* victim_;
  ReadyQueue ready_;
  Tick tick_;
  bool inviting_ = true;
  InviteRequest invite_;
  Waiter invite_op_;
  std::vector<std::unique_ptr<Caller>> callers_;
  std::vector<std::unique_ptr<OwnWork>> works_;
};

TEST(WrongOrder, ValidMessagesInAnyOrderBreakNothingAndTheHonestAreServed) {
  constexpr uint64_t kPerStreet = 250;
  uint64_t sessions = 0, messages = 0, stored = 0, bulks = 0, accepted = 0;
  std::set<int> said;
  for (uint64_t seed = 1; sessions < sessions_wanted() && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Street street(seed);
    street.run(kPerStreet);
    sessions += street.opened();
    stored += street.gossip().stored;
    bulks += street.gossip().bulks;
    accepted += street.gossip().accepted;
    for (const auto& [type, count] : street.gossip().said) {
      messages += count;
      if (count > 0) said.insert(type);
    }
  }
  std::printf(
      "%llu sessions, %llu messages of %zu types; %llu records stored, %llu served, %llu "
      "devices let in\n",
      static_cast<unsigned long long>(sessions), static_cast<unsigned long long>(messages),
      said.size(), static_cast<unsigned long long>(stored), static_cast<unsigned long long>(bulks),
      static_cast<unsigned long long>(accepted));
  // Order is wrong, but not so wrong that nobody listens.
  EXPECT_GT(messages, 5 * sessions);
  EXPECT_GE(said.size(), 20u);
  EXPECT_GT(stored, sessions / 50);
  EXPECT_GT(bulks, sessions / 10);
  EXPECT_GT(accepted, 0u);
}

}  // namespace
}  // namespace drey::test
