// F0: random walks of one owner and three holders. The holders are the real store and the real
// UnpinBook on simulated disks; the owner is a model that follows the rules of DATA.md, "Giving
// up": backups, forgetting, sweeps, announcements, UNPINs that come late, again, to the wrong
// holder or from an older image of the owner's card, devices that are lost and come back, heals
// that bring old pins along, restarts, rebuilt indexes, time.
//
// What must hold: a copy that a holder has acknowledged of a record that is still needed stays
// pinned there. DREY_WALKS: how many (make ci-full: 20,000); a failure names its seed.
#include <cstdlib>
#include <map>
#include <set>

#include "mesh/removal/unpin_book.h"
#include "unit/store/store_fixture.h"

namespace drey {
namespace {

constexpr size_t kHolders = 3;
constexpr size_t kRecords = 6;
constexpr uint64_t kMinimumAgeS = 1000;

// What the model may do wrong, to see that the walks would notice.
enum class Wrong { kNothing, kNumberNotAnnounced, kSweepBesideABackup, kNotHeard };

const TestRecord& record_of(size_t index) {
  static const std::vector<TestRecord> records = [] {
    std::vector<TestRecord> made;
    for (size_t i = 0; i < kRecords; ++i) made.push_back(make_record(i + 1, 100));
    std::sort(made.begin(), made.end(), [](auto& x, auto& y) { return x.c < y.c; });
    return made;
  }();
  return records[index];
}

struct Holder {
  SimDisk disk;
  TestClock clock;
  TestRandom random{1};
  NodeId id;
  NodeId owner;
  Store store;
  UnpinBook book;
  uint64_t announced = 0;

  void open() {
    StoreOptions options;
    options.disk = options.log_disk = &disk;
    options.clock = &clock;
    options.random = &random;
    options.self = id;
    ASSERT_EQ(store.open(options), Status::kOk);
    book.start({&store, nullptr, &clock, id, kMinimumAgeS});
    std::array<UnpinBook::Announced, kNodeSlotsMax> rows;
    size_t count = 0;
    ASSERT_EQ(book.load(rows, &count), Status::kOk);
    announced = count > 0 ? rows[0].number : 0;
  }
  void restart(bool without_index) {
    ASSERT_EQ(store.close(), Status::kOk);
    if (without_index) {
      ASSERT_EQ(disk.remove("drey.index"), Status::kOk);
    }
    open();
  }
  void commit(Ticket ticket) {
    if (ticket != 0) {
      ASSERT_EQ(store.commit(ticket), Status::kOk);
    }
  }
  void pin(size_t index, uint64_t number) {
    const TestRecord& record = record_of(index);
    Ticket ticket = 0;
    Status status =
        store.append_record(record.c, record.type, record.bytes, owner, number, &ticket);
    ASSERT_TRUE(ok(status) || status == Status::kExists);
    commit(ticket);
  }
  // 0: none.
  uint64_t pin_of(size_t index) {
    std::array<RecordPin, kNodeSlotsMax> pins;
    size_t count = 0;
    if (!ok(store.pins_of(record_of(index).c, pins, &count))) return 0;
    return count > 0 ? pins[0].number : 0;
  }
  bool lists(size_t index) {
    std::array<ChunkId, 1> chunk;
    size_t count = 0;
    ChunkId after = record_of(index).c;
    for (size_t at = after.raw.size(); at-- > 0 && after.raw[at]-- == 0;) {
    }
    EXPECT_EQ(book.refresh(), Status::kOk);
    EXPECT_EQ(store.scan_pinned(owner, record_of(index).c.raw[0], after, chunk, &count),
              Status::kOk);
    return count == 1 && chunk[0] == record_of(index).c;
  }
  void announce(uint64_t number) {
    if (number <= announced) return;
    Ticket ticket = 0;
    ASSERT_EQ(book.announce(owner, number, &ticket), Status::kOk);
    commit(ticket);
    announced = number;
  }
  void take(Bytes statement, uint64_t up_to) {
    Ticket ticket = 0;
    if (!ok(book.accept(statement, owner, up_to, &ticket)) || ticket == 0) return;
    commit(ticket);
    ASSERT_EQ(book.mark(statement), Status::kOk);
  }
  void run_due() {
    UnpinBook::Due due;
    Ticket ticket = 0;
    ASSERT_EQ(book.run_due({&owner, 1}, &due, &ticket), Status::kOk);
    commit(ticket);
    bool more = false;
    (void)store.compact(CompactMode::kUrgent, 1 << 20, &more);
  }
};

class Walk {
 public:
  Walk(uint64_t seed, Wrong wrong) : random_(seed * 7 + 1), wrong_(wrong) {
    key_.pub.fill(4);
    for (size_t i = 0; i < kHolders; ++i) {
      holders_[i].id = make_node(static_cast<uint8_t>(10 + i));
      holders_[i].owner = node_id(key_.pub);
      holders_[i].open();
    }
    image_ = {counter_, claims_};
  }
  ~Walk() {
    for (Holder& holder : holders_) (void)holder.store.close();
  }
  // The first needed copy that went, or "".
  std::string run(size_t steps) {
    for (size_t i = 0; i < steps; ++i) {
      step();
      std::string wrong = judge();
      if (!wrong.empty()) return wrong + " after step " + std::to_string(i);
    }
    for (Holder& holder : holders_) holder.clock.now_ns += 2 * kMinimumAgeS * 1'000'000'000;
    for (Holder& holder : holders_) holder.run_due();
    return judge();
  }

 private:
  struct Image {
    uint64_t counter = 0;
    std::set<size_t> claims;
  };
  size_t below(size_t count) { return random_.next() % count; }

  void step() {
    switch (below(13)) {
      case 0:
      case 1:
        return backup_running_ ? back_up() : begin_backup();
      case 2:
        return backup_running_ ? end_backup() : begin_backup();
      case 3:
        needed_.erase(below(kRecords));
        return;
      case 4:
        return sweep();
      case 5:
        for (size_t at = 0; at < kHolders; ++at)
          if (below(4) != 0) announce(at);
        return;
      case 6:
      case 7:
        return unpin(below(kHolders));
      case 8:
        return replay();
      case 9:
        return heal();
      case 10:
        return old_card();
      case 11: {
        size_t at = below(kHolders);
        if (below(3) == 0) lost_[at] = !lost_[at];
        heard_[at] = heard_[at] && !lost_[at];
        return holders_[at].restart(below(4) == 0);
      }
      default: {
        Holder& holder = holders_[below(kHolders)];
        holder.clock.now_ns += below(2 * kMinimumAgeS) * 1'000'000'000;
        return holder.run_due();
      }
    }
  }
  // HELLO: own numbers go on above what the holder has stored.
  void meet(size_t at) {
    heard_[at] = true;
    told_[at] = holders_[at].announced;
    counter_ = std::max(counter_, told_[at] + 1);
  }
  void announce(size_t at) {
    if (lost_[at]) return;
    meet(at);
    if (approved_ != 0 && wrong_ != Wrong::kNumberNotAnnounced) holders_[at].announce(approved_);
    told_[at] = holders_[at].announced;
  }
  void begin_backup() {
    backup_running_ = true;
    number_ = ++counter_;
  }
  // One record of it.
  void back_up() {
    size_t index = below(kRecords);
    if (claims_.count(index) != 0) {
      draft_.insert(index);
      return;
    }
    std::set<size_t> acked;
    for (size_t at = 0; at < kHolders; ++at) {
      if (lost_[at] || below(2) == 0) continue;
      meet(at);
      // Push: the backup's number, or above what any member has told.
      uint64_t floor = 0;
      for (size_t i = 0; i < kHolders; ++i)
        if (heard_[i]) floor = std::max(floor, told_[i] + 1);
      holders_[at].pin(index, std::max(number_, floor));
      acked.insert(at);
    }
    if (acked.empty()) return;
    pending_[index] = acked;  // its claim is on its way
    draft_.insert(index);
  }
  void end_backup() {
    backup_running_ = false;
    for (const auto& [index, acked] : pending_) {
      claims_.insert(index);
      acked_[index] = acked;
    }
    for (size_t index : draft_)
      if (claims_.count(index) != 0) needed_.insert(index);
    pending_.clear();
    draft_.clear();
  }
  bool heard_everybody() const {
    if (wrong_ == Wrong::kNotHeard) return true;
    for (size_t at = 0; at < kHolders; ++at)
      if (!lost_[at] && !heard_[at]) return false;
    return true;
  }
  void sweep() {
    if (backup_running_ && wrong_ != Wrong::kSweepBesideABackup) return;
    if (!heard_everybody()) return;
    uint64_t number = ++counter_;
    bool unclaimed = false;
    for (size_t index = 0; index < kRecords; ++index) {
      bool needs = needed_.count(index) != 0 && (wrong_ != Wrong::kNotHeard || knows_heads_);
      if (needs && claims_.insert(index).second) unclaimed = true;
      bool gone = !needs && claims_.erase(index) != 0;
      if (gone && needed_.count(index) == 0) acked_.erase(index);
    }
    if (!unclaimed) approved_ = number;
  }
  void unpin(size_t at) {
    if (approved_ == 0 || lost_[at]) return;
    for (size_t i = 0; i < kHolders; ++i)
      if (!lost_[i] && told_[i] < approved_ && wrong_ != Wrong::kNumberNotAnnounced) return;
    std::vector<ChunkId> surplus;
    for (size_t index = 0; index < kRecords; ++index)
      if (claims_.count(index) == 0 && holders_[at].lists(index))
        surplus.push_back(record_of(index).c);
    if (surplus.empty()) return;
    statements_.push_back({at, statement(at, approved_, surplus)});
    deliver(at, statements_.back().second);
  }
  std::vector<uint8_t> statement(size_t at, uint64_t number, const std::vector<ChunkId>& chunks) {
    std::vector<uint8_t> bytes(kUnpinFixedBytes + chunks.size() * ChunkId::kSize);
    ByteWriter to(bytes);
    to.u8(1);
    to.bytes(key_.pub);
    to.bytes(holders_[at].id.bytes());
    to.u64(number);
    to.u16(static_cast<uint16_t>(chunks.size()));
    for (const ChunkId& c : chunks) to.bytes(c.bytes());
    to.zeros(sizeof(Signature));  // looked at before the book sees it
    return bytes;
  }
  void deliver(size_t at, const std::vector<uint8_t>& bytes) {
    bool any = wrong_ == Wrong::kNumberNotAnnounced;
    holders_[at].take(bytes, any ? UINT64_MAX : holders_[at].announced);
  }
  // Anything ever said, to anybody.
  void replay() {
    if (statements_.empty()) return;
    deliver(below(kHolders), statements_[below(statements_.size())].second);
  }
  // Another member brings a pin, as old as it was when it saw it.
  void heal() {
    if (below(2) == 0) {
      old_index_ = below(kRecords);
      old_number_ = holders_[below(kHolders)].pin_of(old_index_);
    } else if (old_number_ != 0) {
      holders_[below(kHolders)].pin(old_index_, old_number_);
    }
  }
  void old_card() {
    size_t what = below(8);
    if (what == 0) image_ = {counter_, claims_};
    if (what < 5) return;
    // The card comes back as it was. Its heads come from the members that it hears.
    counter_ = image_.counter;
    claims_ = image_.claims;
    knows_heads_ = false;
    approved_ = 0;
    heard_ = {};
    told_ = {};
    backup_running_ = false;
    pending_.clear();
    draft_.clear();
    // What the newer card was told holds: the sweep claims it again.
  }
  std::string judge() {
    for (const auto& [index, holders] : acked_) {
      if (needed_.count(index) == 0) continue;
      for (size_t at : holders)
        if (holders_[at].pin_of(index) == 0)
          return "record " + std::to_string(index) + " is gone at holder " + std::to_string(at);
    }
    return "";
  }

  TestRandom random_;
  Wrong wrong_;
  KeyPair key_;
  std::array<Holder, kHolders> holders_;
  std::array<bool, kHolders> lost_{};
  std::array<bool, kHolders> heard_{};
  std::array<uint64_t, kHolders> told_{};
  // The owner's card.
  uint64_t counter_ = 0;
  std::set<size_t> claims_;
  // In its memory only.
  uint64_t approved_ = 0;
  bool backup_running_ = false;
  uint64_t number_ = 0;
  std::set<size_t> draft_;
  std::map<size_t, std::set<size_t>> pending_;
  bool knows_heads_ = true;
  Image image_;
  // The truth: what kept snapshots need, and who said "durable" for it.
  std::set<size_t> needed_;
  std::map<size_t, std::set<size_t>> acked_;
  std::vector<std::pair<size_t, std::vector<uint8_t>>> statements_;
  size_t old_index_ = 0;
  uint64_t old_number_ = 0;
};

constexpr size_t kSteps = 120;

std::string walk(uint64_t seed, Wrong wrong) {
  static std::vector<uint8_t> arena(4 * board::kSqliteArenaBytes);
  static TestRandom random(7);
  (void)sqlite_runtime_start(arena, &random);  // another test may have been first
  return std::make_unique<Walk>(seed, wrong)->run(kSteps);
}

TEST(UnpinWalk, NoNeededCopyGoes) {
  const char* text = std::getenv("DREY_WALKS");
  uint64_t walks = text != nullptr ? std::strtoull(text, nullptr, 10) : 60;
  for (uint64_t seed = 1; seed <= walks; ++seed) {
    std::string wrong = walk(seed, Wrong::kNothing);
    ASSERT_EQ(wrong, "") << "seed " << seed;
  }
}

// A model that breaks a rule is found out: the walks can fail.
TEST(UnpinWalk, ABrokenRuleLosesANeededCopy) {
  for (Wrong wrong : {Wrong::kNumberNotAnnounced, Wrong::kSweepBesideABackup, Wrong::kNotHeard}) {
    bool found = false;
    for (uint64_t seed = 1; seed <= 400 && !found; ++seed) found = !walk(seed, wrong).empty();
    EXPECT_TRUE(found) << static_cast<int>(wrong);
  }
}

}  // namespace
}  // namespace drey
