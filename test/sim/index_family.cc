// A8 on a whole device: whatever happens to the index, the daemon starts by itself, lists and
// restores the same, and finds every piece again, so that the next backup stores none twice.
#include "mesh/mesh.h"
#include "sim/log_map.h"
#include "sim/suite.h"

namespace drey::sim {
namespace {

constexpr const char* kIndex = "drey.index";
constexpr const char* kWal = "drey.index-wal";
constexpr size_t kPage = 1024;

enum class Damage : uint64_t {
  kPageNoise,
  kHalfPage,
  kPageZeros,
  kTruncated,
  kMissing,
  kEmpty,
  kForeign,
  kNoWal,
  kNoiseWal,
  kCount
};

void fill_noise(std::vector<uint8_t>* bytes, size_t from, size_t to, SimRng& rng) {
  for (size_t at = from; at < std::min(to, bytes->size()); ++at)
    (*bytes)[at] = static_cast<uint8_t>(rng.next());
}

// The nth damage of its kind.
void spoil_index(SimDisk* disk, Damage damage, uint64_t nth, SimRng& rng) {
  const std::vector<uint8_t>* old = disk->peek(kIndex);
  DREY_CHECK(old != nullptr);
  std::vector<uint8_t> bytes = *old;
  size_t page = nth * kPage % std::max(bytes.size(), kPage);
  switch (damage) {
    case Damage::kPageNoise:
      fill_noise(&bytes, page, page + kPage, rng);
      break;
    case Damage::kHalfPage:
      fill_noise(&bytes, page + kPage / 2, page + kPage, rng);
      break;
    case Damage::kPageZeros:
      for (size_t at = page; at < std::min(page + kPage, bytes.size()); ++at) bytes[at] = 0;
      break;
    case Damage::kTruncated:
      bytes.resize(bytes.size() * (nth % 20) / 20);
      break;
    case Damage::kEmpty:
      bytes.clear();
      break;
    case Damage::kForeign:
      fill_noise(&bytes, 0, bytes.size(), rng);
      break;
    case Damage::kMissing:
      return drop_index(disk);
    case Damage::kNoWal:
      (void)disk->remove(kWal);
      return;
    case Damage::kNoiseWal:
      bytes.assign(40 * kPage, 0);
      fill_noise(&bytes, 0, bytes.size(), rng);
      return disk->put(kWal, bytes);
    case Damage::kCount:
      break;
  }
  disk->put(kIndex, bytes);
}

}  // namespace

void run_index_damage(Suite& suite) {
  constexpr uint64_t kCases = 504;
  suite.expect(kCases);
  Run run(suite.seed(), fresh_disk(suite.seed()));
  suite.note(run.work());
  // Once more with nothing new: what a backup costs that knows every piece.
  if (run.device.is_running()) suite.note(ok(run.back_up()) ? "" : "the reference backup failed");
  run.world.run_for(5 * kSecond);
  uint64_t before = run.device.store().stats().records;
  for (uint64_t index = 0; index < kCases; ++index) {
    if (!suite.wants(index)) continue;
    suite.run(index, [&] {
      SimRng rng(mix(suite.seed(), index, 11));
      auto damage = static_cast<Damage>(index % static_cast<uint64_t>(Damage::kCount));
      uint64_t nth = index / static_cast<uint64_t>(Damage::kCount);
      if (nth % 2 == 0) {
        if (!run.device.stop()) return Outcome{1, 0, "the daemon does not stop"};
      } else {
        run.device.kill();
      }
      spoil_index(&run.node.disk, damage, nth, rng);
      Status status = run.device.start();
      if (!ok(status)) return Outcome{1, 0, failed("start", status)};
      std::string wrong = run.oracle.check(run.device, true);
      if (!wrong.empty()) return Outcome{1, 0, wrong};
      if (run.device.store().stats().records != before) return Outcome{1, 0, "records are absent"};
      status = run.back_up();
      if (!ok(status)) return Outcome{1, 0, failed("the next backup", status)};
      // The root of the new snapshot is the same tree: no record is new.
      uint64_t after = run.device.store().stats().records;
      if (after != before) wrong = std::to_string(after - before) + " records were stored again";
      return Outcome{1, 0, wrong};
    });
  }
}

}  // namespace drey::sim
