#include "sim/suite.h"

#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <map>

namespace drey::sim {
namespace {

void write_all(int fd, const void* from, size_t size) {
  const char* at = static_cast<const char*>(from);
  while (size > 0) {
    ssize_t done = write(fd, at, size);
    if (done <= 0) _exit(3);
    at += done;
    size -= static_cast<size_t>(done);
  }
}

[[noreturn]] void tell_and_end(int fd, const Outcome& outcome) {
  write_all(fd, &outcome.runs, sizeof(outcome.runs));
  write_all(fd, &outcome.value, sizeof(outcome.value));
  write_all(fd, outcome.wrong.data(), outcome.wrong.size());
  _exit(0);
}

std::string read_all(int fd) {
  std::string all;
  char part[4096];
  ssize_t size = 0;
  while ((size = read(fd, part, sizeof(part))) > 0) all.append(part, static_cast<size_t>(size));
  return all;
}

// In the child: true, and `to` is where its outcome goes. In the parent: what the child came to.
bool fork_off(unsigned patience_s, int* to, Outcome* outcome) {
  int ends[2];
  *outcome = Outcome();
  std::fflush(stdout);
  pid_t child = pipe(ends) == 0 ? fork() : -1;
  if (child < 0) outcome->wrong = "no process";
  if (child < 0) return false;
  if (child == 0) {
    // Of its own processor time: a simulation never waits, and a busy machine is no hang.
    itimerval limit{};
    limit.it_value.tv_sec = patience_s;
    setitimer(ITIMER_PROF, &limit, nullptr);
    close(ends[0]);
    *to = ends[1];
    return true;
  }
  close(ends[1]);
  std::string told = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  size_t head = sizeof(outcome->runs) + sizeof(outcome->value);
  if (WIFSIGNALED(status)) {
    const char* name = strsignal(WTERMSIG(status));
    outcome->wrong = WTERMSIG(status) == SIGPROF ? "it hangs" : std::string("it crashed: ") + name;
  } else if (told.size() < head) {
    outcome->wrong = "it ended without a word, exit code " + std::to_string(WEXITSTATUS(status));
  } else {
    std::memcpy(&outcome->runs, told.data(), sizeof(outcome->runs));
    std::memcpy(&outcome->value, told.data() + sizeof(outcome->runs), sizeof(outcome->value));
    outcome->wrong = told.substr(head);
  }
  return false;
}

}  // namespace

uint64_t mix(uint64_t a, uint64_t b, uint64_t c) {
  SimRng rng(a * 0x9e3779b97f4a7c15ull ^ b * 0xc2b2ae3d27d4eb4full ^ c * 0x165667b19e3779f9ull);
  return rng.next();
}

const SimDisk& fresh_disk(uint64_t seed) {
  static std::map<uint64_t, SimDisk> disks;
  auto [at, fresh] = disks.try_emplace(seed);
  if (!fresh) return at->second;
  SimWorld world(seed);
  SimNode& node = world.add_node("a");
  DREY_CHECK(ok(Device(&node).init()));
  at->second.copy_from(node.disk);
  return at->second;
}

void Suite::expect(uint64_t count) {
  cases = count;
  one_of_ = options_.cases == 0 ? options_.sample : std::max<uint64_t>(1, count / options_.cases);
}

bool Suite::wants(uint64_t index) {
  if (options_.only >= 0) return static_cast<uint64_t>(options_.only) == index;
  if (mix(seed_, index, 1) % one_of_ != 0) return false;
  return chosen_++ % options_.shards == options_.shard;
}

void Suite::count(uint64_t index, const Outcome& outcome) {
  runs += outcome.runs;
  if (!outcome.wrong.empty()) report(index, outcome.wrong);
}

Outcome Suite::run(uint64_t index, const std::function<Outcome()>& body) {
  Outcome outcome;
  if (options_.only >= 0) {
    outcome = body();
  } else if (int to = -1; fork_off(options_.patience_s, &to, &outcome)) {
    tell_and_end(to, body());
  }
  count(index, outcome);
  return outcome;
}

bool Suite::branch(uint64_t index) {
  Outcome outcome;
  if (options_.only >= 0 || fork_off(options_.patience_s, &told_to_, &outcome)) {
    branch_ = static_cast<int64_t>(index);
    return true;
  }
  count(index, outcome);
  return false;
}

void Suite::leave(const Outcome& outcome) {
  if (told_to_ >= 0) tell_and_end(told_to_, outcome);
  count(static_cast<uint64_t>(branch_), outcome);
  branch_ = -1;
}

bool Suite::split(Outcome* outcome) { return fork_off(options_.patience_s, &told_to_, outcome); }

void Suite::note(const std::string& wrong) {
  if (wrong.empty()) return;
  ++failures;
  std::printf("%s seed %llu, without any fault: %s\n", family_,
              static_cast<unsigned long long>(seed_), wrong.c_str());
}

void Suite::report(uint64_t index, const std::string& wrong) {
  ++failures;
  auto seed = static_cast<unsigned long long>(seed_);
  auto number = static_cast<unsigned long long>(index);
  std::printf("%s seed %llu case %llu: %s\n", family_, seed, number, wrong.c_str());
  std::printf("  replay: %s --test %s --seed %llu --only %llu\n", options_.program, family_, seed,
              number);
  std::fflush(stdout);
}

}  // namespace drey::sim
