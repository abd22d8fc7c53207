// Runs the cases of a family: chooses them, gives each a process of its own, counts, and tells for
// each failure the command that replays it.
#pragma once

#include <functional>
#include <string>

#include "sim/workload.h"

namespace drey::sim {

struct Options {
  uint64_t seed = 1;
  uint64_t count = 1;     // seeds: seed, seed + 1, ...
  std::string test;       // empty: every family
  uint64_t sample = 1;    // one of so many cases, chosen by the seed
  uint64_t cases = 0;     // instead: about so many cases of each family; 0 = `sample` rules
  uint64_t inner = 1000;  // second crashes per first one, at most
  uint64_t shard = 0;     // of `shards`: every process takes its share
  uint64_t shards = 1;
  int64_t only = -1;          // this case, in this process
  unsigned patience_s = 300;  // processor time for one case; then it hangs
  const char* program = "drey_simulate";
};

// What one case came to.
struct Outcome {
  uint64_t runs = 1;
  uint64_t value = 0;  // for who compares
  std::string wrong;   // empty: nothing
};

class Suite {
 public:
  Suite(const Options& options, const char* family, uint64_t seed)
      : options_(options), family_(family), seed_(seed) {}
  const Options& options() const { return options_; }
  uint64_t seed() const { return seed_; }
  // How many cases there are: to be called before the first wants().
  void expect(uint64_t count);
  // Whether this process is to run the case.
  bool wants(uint64_t index);
  // Runs it in a child; counts and reports.
  Outcome run(uint64_t index, const std::function<Outcome()>& body);
  // The same in the midst of a run, so that what comes before it is done once for all cases. True
  // in the child, which goes on as the case and ends by leave(); false in the parent once the child
  // has ended. With --only this process is the child.
  bool branch(uint64_t index);
  bool in_branch() const { return branch_ >= 0; }
  void leave(const Outcome& outcome);
  // A branch of a case, whose outcome is the parent's to judge: true in the child.
  bool split(Outcome* outcome);
  // A reference run that must succeed came to this.
  void note(const std::string& wrong);

  uint64_t cases = 0;
  uint64_t runs = 0;
  uint64_t failures = 0;

 private:
  void report(uint64_t index, const std::string& wrong);
  void count(uint64_t index, const Outcome& outcome);
  const Options& options_;
  const char* family_;
  uint64_t seed_;
  uint64_t one_of_ = 1;
  uint64_t chosen_ = 0;
  int64_t branch_ = -1;  // the case this process has become
  int told_to_ = -1;     // where the child's outcome goes
};

// Pseudo-random bits of three numbers, the same everywhere.
uint64_t mix(uint64_t a, uint64_t b, uint64_t c = 0);

struct Family {
  const char* id;
  const char* what;
  void (*run)(Suite& suite);
};

// The disk of a fresh node, made once per seed.
const SimDisk& fresh_disk(uint64_t seed);

// crash_families.cc
void run_kill(Suite& suite);          // A1
void run_power(Suite& suite);         // A2
void run_second_crash(Suite& suite);  // A7
// fault_families.cc
void run_read_errors(Suite& suite);   // B1
void run_write_errors(Suite& suite);  // B2
void run_sync_errors(Suite& suite);   // B3
void run_full_disk(Suite& suite);     // B4
void run_no_handles(Suite& suite);    // B7
void run_same_trace(Suite& suite);    // L2

// chaos_family.cc
void run_chaos(Suite& suite);  // L1s
// pair_families.cc
void run_owner_falls(Suite& suite);         // A1p
void run_holder_falls(Suite& suite);        // D1
void run_owner_sync_errors(Suite& suite);   // B3o
void run_holder_sync_errors(Suite& suite);  // B3h
void run_short_calls(Suite& suite);         // B6
void run_no_accept(Suite& suite);           // B7a
void run_no_connect(Suite& suite);          // B7c
// index_family.cc
void run_index_damage(Suite& suite);  // A8
// rot_families.cc
void run_collateral(Suite& suite);         // A4
void run_rotten_log(Suite& suite);         // C2p
void run_wire_flips(Suite& suite);         // C3
void run_bad_memory(Suite& suite);         // C4
void run_misdirected(Suite& suite);        // C5
void run_rotten_statements(Suite& suite);  // C8

// fleet_chaos.cc
void run_mesh_chaos(Suite& suite);  // L1
void run_mesh_trace(Suite& suite);  // L2m
// fleet_heal.cc
void run_device_dies(Suite& suite);  // heal
void run_nights(Suite& suite);       // nights
void run_splits(Suite& suite);       // D4
void run_scrub_heals(Suite& suite);  // C2
void run_whatif(Suite& suite);       // whatif
// fleet_cards.cc
void run_empty_card(Suite& suite);  // D10
void run_old_card(Suite& suite);    // D10o
void run_clone(Suite& suite);       // D11
// fleet_time.cc
void run_clock_jumps(Suite& suite);   // E1
void run_suspend(Suite& suite);       // E2
void run_years_apart(Suite& suite);   // E3
void run_long_absence(Suite& suite);  // D9
void run_flapping(Suite& suite);      // D12
// fleet_forget.cc
void run_backup_and_forget(Suite& suite);  // F1
void run_sleeping_backup(Suite& suite);    // F7
// fleet_overlap.cc
void run_restore_beside_forgetting(Suite& suite);  // F4
void run_all_forget(Suite& suite);                 // F2
void run_long_backup(Suite& suite);                // F5
void run_first_backup(Suite& suite);               // F6
// fleet_falls.cc
void run_restore_falls(Suite& suite);  // D2
void run_healing_falls(Suite& suite);  // D3
// fleet_same.cc
void run_same_content(Suite& suite);  // F8
// fleet_net.cc
void run_losses(Suite& suite);     // D5
void run_latencies(Suite& suite);  // D6
void run_one_way(Suite& suite);    // D8
// fleet_hostile.cc
void run_hostile_owner(Suite& suite);  // F10

}  // namespace drey::sim
