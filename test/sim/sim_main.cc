// drey_simulate: the real code of a node on simulated disks, alone, beside a holder, or in a mesh
// of several, under the faults of test groups A to F.
//   drey_simulate [--test ID] [--seed N] [--count N] [--sample 1/N | --cases N] [--inner N]
//                 [--shard I/N] [--only CASE]
// Prints one line per family and exits 1 when anything failed; every failure tells its replay.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sim/suite.h"

namespace drey::sim {
namespace {

constexpr Family kFamilies[] = {
    {"A1", "kill before and in the midst of a call", run_kill},
    {"A2", "power-loss images", run_power},
    {"A7", "second crash during recovery", run_second_crash},
    {"A8", "index damage under a whole device", run_index_damage},
    {"B1", "EIO at a read", run_read_errors},
    {"B2", "EIO at a write", run_write_errors},
    {"B3", "EIO at a sync, two models", run_sync_errors},
    {"B4", "no space from a write on", run_full_disk},
    {"B7", "no handles at an open", run_no_handles},
    {"A1p", "the owner falls beside a holder", run_owner_falls},
    {"D1", "the holder falls during backups", run_holder_falls},
    {"B3o", "EIO at a sync of the owner, beside a holder", run_owner_sync_errors},
    {"B3h", "EIO at a sync of the holder", run_holder_sync_errors},
    {"B6", "short reads and writes, EAGAIN on sockets", run_short_calls},
    {"B7a", "no handles at an accept", run_no_accept},
    {"B7c", "no handles at a connect", run_no_connect},
    {"A4", "power cut and synced blocks spoiled", run_collateral},
    {"C3", "bits flip on the wire, below TLS", run_wire_flips},
    {"C4", "bits flip in memory before a write", run_bad_memory},
    {"C5", "misdirected and duplicated entries", run_misdirected},
    {"C8", "statements, heads, pages rot one at a time", run_rotten_statements},
    {"C2p", "the owner's log rots, the holder has it", run_rotten_log},
    {"L1", "a day of five devices, all faults", run_mesh_chaos},
    {"heal", "a device dies, nobody does anything", run_device_dies},
    {"nights", "a laptop sleeps at night", run_nights},
    {"D2", "a device falls during a restore", run_restore_falls},
    {"D3", "a device falls during healing", run_healing_falls},
    {"D5", "lost packets", run_losses},
    {"D6", "latency, reordering, repeats", run_latencies},
    {"D8", "links that carry one way", run_one_way},
    {"F8", "three devices back up the same", run_same_content},
    {"D4", "splits of four and five devices", run_splits},
    {"C2", "1,000 bits flip in 100 records, three devices", run_scrub_heals},
    {"whatif", "what is said to be lost is lost", run_whatif},
    {"E1", "clocks jump", run_clock_jumps},
    {"E2", "a suspend of 30 days", run_suspend},
    {"E3", "clocks are years apart", run_years_apart},
    {"D9", "back after months", run_long_absence},
    {"D10", "an empty card", run_empty_card},
    {"D10o", "an older card", run_old_card},
    {"D11", "a card twice", run_clone},
    {"D12", "one comes and goes every ten seconds", run_flapping},
    {"F1", "backups beside forgetting", run_backup_and_forget},
    {"F2", "all give up and compact at once", run_all_forget},
    {"F4", "restores beside giving up and compaction", run_restore_beside_forgetting},
    {"F5", "a backup of nine days", run_long_backup},
    {"F6", "a first backup beside two runs of giving up", run_first_backup},
    {"F10", "a hostile owner orders everything deleted", run_hostile_owner},
    {"F7", "asleep in the midst of a backup", run_sleeping_backup},
    {"L2m", "the same day twice, the same trace", run_mesh_trace},
    {"L1s", "all faults in any order, one device", run_chaos},
    {"L2", "same seed, same trace", run_same_trace},
};

uint64_t number(const char* text) { return std::strtoull(text, nullptr, 10); }

// "2/7" -> 2 and 7.
bool fraction(const char* text, uint64_t* over, uint64_t* under) {
  const char* slash = std::strchr(text, '/');
  if (slash == nullptr) return false;
  *over = number(text);
  *under = number(slash + 1);
  return *under > 0;
}

bool parse(int argc, char** argv, Options* options) {
  options->program = argv[0];
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string_view name = argv[i];
    const char* value = argv[i + 1];
    uint64_t one = 1;
    bool good = true;
    if (name == "--seed") {
      options->seed = number(value);
    } else if (name == "--count") {
      options->count = number(value);
    } else if (name == "--test") {
      options->test = value;
    } else if (name == "--cases") {
      options->cases = number(value);
    } else if (name == "--inner") {
      options->inner = std::max<uint64_t>(1, number(value));
    } else if (name == "--only") {
      options->only = static_cast<int64_t>(number(value));
    } else if (name == "--sample") {
      good = fraction(value, &one, &options->sample) && one == 1;
    } else if (name == "--shard") {
      good = fraction(value, &options->shard, &options->shards) && options->shard < options->shards;
    } else {
      good = false;
    }
    if (!good) return false;
  }
  return argc % 2 == 1;
}

// False when anything failed.
bool run_family(const Family& family, const Options& options) {
  uint64_t cases = 0;
  uint64_t runs = 0;
  uint64_t failures = 0;
  auto begin = std::chrono::steady_clock::now();
  for (uint64_t i = 0; i < options.count; ++i) {
    Suite suite(options, family.id, options.seed + i);
    family.run(suite);
    cases += suite.cases;
    runs += suite.runs;
    failures += suite.failures;
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%s %llu runs, %llu failures (%s; %llu cases; %.1f s)\n", family.id,
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(failures),
              family.what, static_cast<unsigned long long>(cases), took.count());
  std::fflush(stdout);
  return failures == 0;
}

int run_all(const Options& options) {
  start_process();
  bool good = true;
  bool any = false;
  for (const Family& family : kFamilies) {
    if (!options.test.empty() && options.test != family.id) continue;
    any = true;
    good = run_family(family, options) && good;
  }
  if (!any) std::fprintf(stderr, "there is no test %s\n", options.test.c_str());
  return good && any ? 0 : 1;
}

}  // namespace
}  // namespace drey::sim

int main(int argc, char** argv) {
  drey::sim::Options options;
  if (!drey::sim::parse(argc, argv, &options)) {
    std::fprintf(stderr,
                 "usage: %s [--test ID] [--seed N] [--count N] [--sample 1/N | --cases N]\n"
                 "       [--inner N] [--shard I/N] [--only CASE]\n",
                 argv[0]);
    return 2;
  }
  return drey::sim::run_all(options);
}
