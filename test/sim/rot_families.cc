// Group C and A4: bits and blocks go bad on the disk, in memory on the way to it, and on the wire.
// Beside a holder everything comes back; alone nothing wrong is ever returned.
#include "mesh/mesh.h"
#include "sim/log_map.h"
#include "sim/pair.h"

namespace drey::sim {
namespace {

size_t warnings(const SimNode& node) {
  size_t count = 0;
  for (const auto& [level, line] : node.host.logged) count += level <= 4 ? 1 : 0;
  return count;
}

// The index knows what an entry's header said: while the daemon runs only the body is read again.
void flip_any_bit(SimDisk* disk, const LogPlace& place, bool body_only, SimRng& rng) {
  uint64_t from = body_only ? kEntryHeaderBytes : 0;
  uint64_t at = from + rng.below(kEntryHeaderBytes + place.header.length - from);
  DREY_CHECK(disk->flip(place.file, place.offset + at, static_cast<uint8_t>(1 << rng.below(8))));
}

void each_case(Suite& suite, uint64_t cases,
               const std::function<std::string(uint64_t index, SimRng& rng)>& body) {
  suite.expect(cases);
  for (uint64_t index = 0; index < cases; ++index) {
    if (!suite.wants(index)) continue;
    suite.run(index, [&] {
      SimRng rng(mix(suite.seed(), index, 7));
      return Outcome{1, 0, body(index, rng)};
    });
  }
}

// Until the owner says that nothing is missing, and restores everything.
std::string healed(Pair& pair, uint64_t within_s) {
  uint64_t end = pair.world.now_ns() + within_s * kSecond;
  std::string wrong = "never looked";
  while (!wrong.empty() && pair.world.now_ns() < end) {
    pair.world.run_for(5 * kSecond);
    wrong = pair.oracle.check(pair.owner, true);
  }
  if (wrong.empty() && pair.owner.mesh().missing_statements() != 0) return "statements are missing";
  return wrong;
}

// The owner alone on its log, without its index: only what the log itself holds counts.
std::string heads_in_own_log(Pair& pair) {
  pair.holder.kill();
  pair.owner.kill();
  drop_index(&pair.a.disk);
  Status status = pair.owner.start();
  if (!ok(status)) return failed("start without the index", status);
  std::vector<SnapshotInfo> rows;
  status = pair.owner.list(&rows);
  if (!ok(status)) return failed("list without the index", status);
  bool all = rows.size() >= pair.oracle.acknowledged();
  return all ? "" : "the heads did not come back into the own log";
}

enum class Victim : uint64_t { kGenesis, kGenesisFile, kMember, kNewestHead, kOldHead, kPage };
constexpr uint64_t kVictims = 6;

bool spoil(SimDisk* disk, Victim victim, bool body_only, SimRng& rng) {
  if (victim == Victim::kGenesisFile) {
    const std::vector<uint8_t>* bytes = disk->peek("drey.genesis");
    return bytes != nullptr && disk->flip("drey.genesis", rng.below(bytes->size()), 1);
  }
  std::vector<LogPlace> found;
  for (const LogPlace& place : log_places(*disk)) {
    bool member = place.is_statement(StatementKind::kMembership);
    bool head = place.is_statement(StatementKind::kHead);
    bool wanted = victim == Victim::kPage                                       ? place.is_page()
                  : victim == Victim::kNewestHead || victim == Victim::kOldHead ? head
                                                                                : member;
    if (wanted) found.push_back(place);
  }
  if (found.empty()) return false;
  bool first = victim == Victim::kGenesis || victim == Victim::kOldHead;
  flip_any_bit(disk, first ? found.front() : found.back(), body_only, rng);
  return true;
}

}  // namespace

// C8: one statement, head or page at a time, at rest or while the daemon runs, with the index or
// without.
void run_rotten_statements(Suite& suite) {
  each_case(suite, 240, [&](uint64_t index, SimRng& rng) -> std::string {
    auto victim = static_cast<Victim>(index % kVictims);
    bool running = index / kVictims % 2 == 0;
    bool without_index = index / kVictims % 4 == 1;
    Pair pair(suite.seed());
    std::string wrong = pair.work();
    pair.world.run_for(10 * kSecond);
    if (!wrong.empty()) return wrong;
    size_t before = warnings(pair.a);
    if (!running) pair.owner.kill();
    if (!spoil(&pair.a.disk, victim, running || !without_index, rng))
      return "there is nothing to spoil";
    if (without_index) drop_index(&pair.a.disk);
    // While it runs nobody reads the membership again: that shows at the next start.
    bool read_again =
        victim == Victim::kNewestHead || victim == Victim::kOldHead || victim == Victim::kPage;
    if (running && !read_again) pair.owner.kill();
    Status status = pair.owner.is_running() ? Status::kOk : pair.owner.start();
    if (!ok(status)) return failed("start", status);
    wrong = healed(pair, 70);
    if (!wrong.empty()) return wrong;
    bool told = warnings(pair.a) > before || pair.owner.store().stats().corrupt > 0;
    // A page is also where the holder has it; nobody may have read the own copy.
    if (!told && victim != Victim::kPage) return "nobody was told";
    return victim == Victim::kPage ? "" : heads_in_own_log(pair);
  });
}

// C2p: twenty bits in every segment at once.
void run_rotten_log(Suite& suite) {
  each_case(suite, 500, [&](uint64_t index, SimRng& rng) -> std::string {
    Pair pair(suite.seed());
    std::string wrong = pair.work();
    pair.world.run_for(10 * kSecond);
    if (!wrong.empty()) return wrong;
    for (const std::string& name : pair.a.disk.names()) {
      if (!name.starts_with("log/")) continue;
      uint64_t size = pair.a.disk.peek(name)->size();
      for (int i = 0; i < 20; ++i)
        pair.a.disk.flip(name, rng.below(size), static_cast<uint8_t>(1 << rng.below(8)));
    }
    if (index % 2 == 1) {
      pair.owner.kill();
      Status status = pair.owner.start();
      if (!ok(status)) return failed("start", status);
    }
    return healed(pair, 70);
  });
}

namespace {

void spoil_block(SimDisk* disk, const std::string& file, uint64_t block, SimRng& rng) {
  constexpr uint64_t kBlock = 4096;
  std::vector<uint8_t> bytes = *disk->peek(file);
  uint64_t end = std::min<uint64_t>(bytes.size(), (block + 1) * kBlock);
  for (uint64_t at = block * kBlock; at < end; ++at) bytes[at] = static_cast<uint8_t>(rng.next());
  disk->put(file, bytes);
}

// 1 to 64 synced blocks; those whose records are hit.
std::vector<ChunkId> spoil_blocks(SimDisk* disk, SimRng& rng) {
  std::vector<LogPlace> places = log_places(*disk);
  std::vector<std::pair<std::string, uint64_t>> blocks;
  for (const std::string& name : disk->names())
    for (uint64_t at = 0; name.starts_with("log/") && at * 4096 < disk->peek(name)->size(); ++at)
      blocks.emplace_back(name, at);
  std::set<std::pair<std::string, uint64_t>> spoiled;
  uint64_t wanted = rng.between(1, std::min<uint64_t>(64, blocks.size()));
  while (spoiled.size() < wanted) spoiled.insert(blocks[rng.below(blocks.size())]);
  for (const auto& [name, block] : spoiled) spoil_block(disk, name, block, rng);
  std::vector<ChunkId> hit;
  for (const LogPlace& place : places) {
    if (!place.is_record()) continue;
    uint64_t end = place.offset + kEntryHeaderBytes + place.header.length;
    for (uint64_t block = place.offset / 4096; block * 4096 < end; ++block) {
      if (!spoiled.contains({place.file, block})) continue;
      hit.push_back(ChunkId::from(place.header.key));
      break;
    }
  }
  return hit;
}

}  // namespace

// A4: power fails, and blocks that were synced long ago are bad. Every record in them must be known
// to be gone once the daemon has started, and be healed within a minute beside a holder; alone,
// every byte that is given back must be right and what is missing must be said.
void run_collateral(Suite& suite) {
  each_case(suite, 500, [&](uint64_t index, SimRng& rng) -> std::string {
    Pair pair(suite.seed());
    std::string wrong = pair.work();
    pair.world.run_for(10 * kSecond);
    if (!wrong.empty()) return wrong;
    bool alone = index % 3 == 2;
    if (alone) pair.holder.kill();
    pair.owner.lose_power({SimDisk::Keep::kNothing, index, 4096});
    std::vector<ChunkId> hit = spoil_blocks(&pair.a.disk, rng);
    if (index % 2 == 1) drop_index(&pair.a.disk);
    Status status = pair.owner.start();
    // Both places of the genesis are never hit: the second is not in the log.
    if (!ok(status)) return failed("start", status);
    for (const ChunkId& c : hit) {
      RecordState state;
      Status found = pair.owner.store().find(c, &state);
      if (ok(found) && state.held) return "a spoiled record counts as held after the start";
    }
    if (!alone) return healed(pair, 60);
    wrong = pair.oracle.check(pair.owner, false);
    if (wrong.empty()) wrong = pair.oracle.check(pair.owner, false);
    return wrong;
  });
}

// C5: the disk writes a valid entry to a wrong place, over another or behind the end, in the same
// segment or in another.
void run_misdirected(Suite& suite) {
  each_case(suite, 500, [&](uint64_t index, SimRng& rng) -> std::string {
    Pair pair(suite.seed());
    std::string wrong = pair.work();
    pair.world.run_for(10 * kSecond);
    if (!wrong.empty()) return wrong;
    bool running = index % 3 == 0;
    if (!running) pair.owner.kill();
    SimDisk& disk = pair.a.disk;
    std::vector<LogPlace> places = log_places(disk);
    const LogPlace& from = places[rng.below(places.size())];
    const LogPlace& to = places[rng.below(places.size())];
    std::vector<uint8_t> bytes = *disk.peek(from.file);
    std::vector<uint8_t> target = *disk.peek(to.file);
    uint64_t count = std::min<uint64_t>(from.bytes(), bytes.size() - from.offset);
    uint64_t at = index % 5 == 4 ? round_to_step(target.size()) : to.offset;
    if (index % 7 == 6) at += kStepBytes * rng.below(8);
    if (target.size() < at + count) target.resize(at + count);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(from.offset), count,
                target.begin() + static_cast<std::ptrdiff_t>(at));
    disk.put(to.file, target);
    if (!running) {
      if (index % 2 == 1) drop_index(&disk);
      Status status = pair.owner.start();
      if (!ok(status)) return failed("start", status);
    }
    return healed(pair, 70);
  });
}

// C4: a bit flips in memory after a record was hashed, on its way to the segment: at the owner or
// at the holder. It is found before anybody is given it, and everything is there in the end.
void run_bad_memory(Suite& suite) {
  constexpr uint64_t kVariants = 2;
  Pair whole(suite.seed());
  suite.note(whole.work());
  uint64_t calls = whole.a.disk.call_count(SimDisk::Call::kWrite) +
                   whole.b.disk.call_count(SimDisk::Call::kWrite);
  suite.expect(calls * kVariants);
  Pair pair(suite.seed());
  uint64_t number = 0;
  auto touch = [&](MutBytes bytes) {
    for (uint64_t variant = 0; variant < kVariants && !suite.in_branch(); ++variant) {
      uint64_t index = number * kVariants + variant;
      if (!suite.wants(index) || !suite.branch(index)) continue;
      SimRng rng(mix(suite.seed(), index, 8));
      bytes[rng.below(bytes.size())] ^= static_cast<uint8_t>(1 << rng.below(8));
      pair.strict = false;
    }
    ++number;
  };
  pair.a.disk.touch_log_write = pair.b.disk.touch_log_write = touch;
  std::string wrong = pair.work();
  if (!suite.in_branch()) return;
  if (wrong.empty()) wrong = healed(pair, 70);
  if (wrong.empty()) wrong = pair.finish();
  suite.leave({1, 0, wrong});
}

// C3: a bit flips on the wire, below TLS. The connection ends, and nothing wrong arrives.
void run_wire_flips(Suite& suite) {
  constexpr uint64_t kPerSend = 16;
  Pair whole(suite.seed());
  whole.owner.plain = whole.holder.plain = false;
  uint64_t sends = 0;
  whole.a.net.touch_sent = whole.b.net.touch_sent = [&sends](MutBytes) { ++sends; };
  suite.note(whole.work());
  suite.expect(sends * kPerSend);
  Pair pair(suite.seed());
  pair.owner.plain = pair.holder.plain = false;
  uint64_t number = 0;
  uint64_t closed = 0;
  auto judge = [&] {
    bool went_on = pair.a.net.streams_closed + pair.b.net.streams_closed == closed;
    return std::string(went_on ? "the connection went on" : "");
  };
  // A length that grew waits for bytes that the next pings bring.
  uint64_t watched_s = 0;
  std::function<void()> watch = [&] {
    if (judge().empty() || ++watched_s > 150) return suite.leave({1, 0, judge()});
    pair.world.after(kSecond, nullptr, watch);
  };
  auto touch = [&](MutBytes bytes) {
    for (uint64_t variant = 0; variant < kPerSend && !suite.in_branch(); ++variant) {
      uint64_t index = number * kPerSend + variant;
      if (!suite.wants(index) || !suite.branch(index)) continue;
      SimRng rng(mix(suite.seed(), index, 9));
      bytes[rng.below(bytes.size())] ^= static_cast<uint8_t>(1 << rng.below(8));
      pair.strict = false;
      closed = pair.a.net.streams_closed + pair.b.net.streams_closed;
      // One in sixteen lives on to the end of W.
      if (variant != 0) watch();
    }
    ++number;
  };
  pair.a.net.touch_sent = pair.b.net.touch_sent = touch;
  std::string wrong = pair.work();
  if (!suite.in_branch()) return;
  // The flip may have been one of the last of W.
  for (int second = 0; second < 150 && !judge().empty(); ++second) pair.world.run_for(kSecond);
  if (wrong.empty()) wrong = judge();
  if (wrong.empty()) wrong = pair.finish();
  suite.leave({1, 0, wrong});
}

}  // namespace drey::sim
