// F10: a full member that turned hostile orders everything deleted, with its own key and in the
// names of the others, and is gone. What others own is untouched; what it owned itself stays for
// the minimum age, so that its person can still find out: it has no phrase to shorten that with.
#include <algorithm>

#include "mesh/heads/forget.h"
#include "mesh/removal/unpin.h"
#include "sim/fleet.h"

namespace drey::sim {
namespace {

constexpr uint64_t kAge = 14 * kDay;

std::vector<ChunkId> held_at(Node& node) {
  std::vector<ChunkId> held;
  std::array<RecordRow, 256> rows;
  ChunkId after;
  for (size_t count = rows.size(); count == rows.size();) {
    if (!ok(node.store().scan_records(after, rows, &count))) break;
    for (size_t i = 0; i < count; ++i)
      if (rows[i].state.held) held.push_back(rows[i].c);
    if (count > 0) after = rows[count - 1].c;
  }
  return held;
}

// How many records at this node have a pin of `owner`.
size_t pinned_at(Node& node, const NodeId& owner) {
  size_t found = 0;
  for (const ChunkId& c : held_at(node)) {
    std::array<RecordPin, kNodeSlotsMax> pins;
    size_t count = 0;
    if (!ok(node.store().pins_of(c, pins, &count))) continue;
    for (size_t i = 0; i < count; ++i) found += pins[i].owner == owner ? 1 : 0;
  }
  return found;
}

class Attacker {
 public:
  Attacker(Fleet& fleet, size_t self) : fleet_(fleet), self_(self) {
    number_ = node().store().highest_number() + 1'000'000;
  }
  // "" = every order was said.
  std::string order_everything() {
    for (size_t i = 0; i < fleet_.size(); ++i) {
      if (i == self_) continue;
      victim_ = i;
      say(AnnounceMessage{++request_, number_});
      for (size_t owner = 0; owner < fleet_.size(); ++owner) unpin_all(in_name_of(owner), true);
      for (size_t owner = 0; owner < fleet_.size(); ++owner) unpin_all(in_name_of(owner), false);
      for (size_t owner = 0; owner < fleet_.size(); ++owner) forget_all(in_name_of(owner), owner);
    }
    return lost_ == 0 ? "" : "an order was not said";
  }

 private:
  Node& node() { return fleet_.at(self_).node(); }
  // The name of that device; the key is the own one, there is no other.
  KeyPair in_name_of(size_t owner) {
    KeyPair key = node().keys().sign;
    key.pub = fleet_.at(owner).node().keys().sign.pub;
    return key;
  }
  template <class M>
  void say(const M& message) {
    const Peer* peer = node().mesh().peers().find(fleet_.at(victim_).mesh().self());
    if (peer == nullptr || peer->session == nullptr || !ok(peer->session->send(message))) ++lost_;
    fleet_.world.run_for(300 * kMillisecond);
  }
  // For each record that lies there, whoever needs it. `now`: as if the phrase had agreed; it has
  // not been stolen, so what is there instead is the own signature, and none.
  void unpin_all(const KeyPair& key, bool now) {
    std::vector<ChunkId> chunks = held_at(fleet_.at(victim_).node());
    for (size_t at = 0; at < chunks.size();) {
      auto draft = std::make_unique<UnpinDraft>();
      draft->begin(fleet_.at(victim_).mesh().self(), number_);
      while (at < chunks.size() && !draft->full()) draft->add(chunks[at++]);
      if (!ok(draft->sign(key, node().keys().mesh))) ++lost_;
      if (!now) {
        say(UnpinMessage{++request_, draft->bytes()});
        continue;
      }
      UnpinNowMessage message{++request_, {}, draft->bytes()};
      say(message);
      (void)cosign_unpin(node().keys().sign, node().keys().mesh, draft->bytes(),
                         &message.cosignature);
      message.request = ++request_;
      say(message);
    }
  }
  void forget_all(const KeyPair& key, size_t owner) {
    RangeBuilder ranges;
    ranges.begin(nullptr);
    const HeadTable::Highest* highest = node().mesh().heads().find(fleet_.at(owner).mesh().self());
    uint64_t last = highest == nullptr ? 1 : highest->sequence;
    for (uint64_t sequence = 1; sequence <= last; ++sequence) (void)ranges.add(sequence);
    (void)ranges.finish();
    Forget forget;
    forget.owner = fleet_.at(owner).mesh().self();
    forget.number = number_;
    forget.highest = last;
    if (highest != nullptr) forget.highest_hash = highest->hash;
    forget.range_count = ranges.count();
    forget.ranges = ranges.bytes();
    std::array<uint8_t, limits::kStatementBytesMax> bytes;
    Result<size_t> size = encode_forget(key, node().keys().mesh, &forget, bytes);
    if (!size.ok()) {
      ++lost_;
      return;
    }
    say(StatementMessage{static_cast<uint8_t>(StatementKind::kForget),
                         Bytes(bytes).first(size.value())});
  }

  Fleet& fleet_;
  size_t self_;
  size_t victim_ = 0;
  uint64_t number_ = 0;
  uint32_t request_ = 1'000'000;
  int lost_ = 0;
};

std::string live(Fleet& fleet, size_t hostile) {
  std::string wrong = fleet.mend();
  if (wrong.empty() && !fleet.together()) wrong = "they do not find each other";
  for (size_t i = 0; i < fleet.size(); ++i) fleet.back_up(i);
  if (!fleet.quiet()) return "a backup does not end";
  if (wrong.empty()) wrong = fleet.settle();
  if (!wrong.empty()) return wrong;
  NodeId owner = fleet.at(hostile).mesh().self();
  std::vector<size_t> before(fleet.size());
  for (size_t i = 0; i < fleet.size(); ++i) before[i] = pinned_at(fleet.at(i).node(), owner);
  wrong = Attacker(fleet, hostile).order_everything();
  fleet.lose(hostile);  // it neither repents nor repairs
  size_t ordered = 0;
  for (int day = 0; day < 15 && wrong.empty(); ++day) {
    wrong = fleet.check_all(true);
    for (size_t i = 0; i < fleet.size() && wrong.empty(); ++i) {
      if (i == hostile) continue;
      if (pinned_at(fleet.at(i).node(), owner) < before[i])
        wrong = "its own records went before the minimum age, day " + std::to_string(day);
      ordered += day == 0 ? fleet.at(i).mesh().data().unpins().waiting : 0;
    }
    // The last look is an hour short of the minimum age.
    fleet.world.run_for(day == 0 ? kDay - kHour : kDay);
  }
  if (!wrong.empty()) return wrong;
  if (ordered == 0) return "no order was taken at all: nothing was tried";
  fleet.world.run_for(kDay);
  size_t left = 0;
  for (size_t i = 0; i < fleet.size(); ++i)
    left += i == hostile ? 0 : pinned_at(fleet.at(i).node(), owner);
  if (left > 0) return "its own order was never carried out";
  return fleet.check_all(true);
}

}  // namespace

void run_hostile_owner(Suite& suite) {
  constexpr uint64_t kCases = 20;
  suite.expect(kCases);
  for (uint64_t index = 0; index < kCases; ++index) {
    if (!suite.wants(index)) continue;
    suite.run(index, [&] {
      FleetOptions options;
      options.count = 3 + index % 2;
      options.files = 6;
      options.shared_files = index % 4 < 2;
      options.minimum_age_s = kAge / kSecond;
      Fleet fleet(mix(suite.seed(), index, 81), options);
      return Outcome{1, 0, live(fleet, index % options.count)};
    });
  }
}

}  // namespace drey::sim
