// malloc of the drey program, in a process of its own: no GoogleTest here, it would allocate too.
// Prints what does not hold; exit 0 when all holds.
#include <errno.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "drey/heap.h"
#include "drey/limits.h"

namespace {

int broken = 0;
void expect(bool holds, const char* what) {
  if (holds) return;
  std::printf("does not hold: %s\n", what);
  broken = 1;
}

// The compiler must not see that the memory is unused.
void* keep(void* p) {
  asm volatile("" : "+r"(p) : : "memory");
  return p;
}

void basics() {
  drey::HeapStats before = drey::heap_stats();
  expect(before.capacity_bytes > drey::board::kHeapArenaBytes - 64, "the board's arena is there");
  auto* zeros = static_cast<unsigned char*>(keep(calloc(100, 100)));
  bool all_zero = true;
  for (int i = 0; i < 10000; ++i) all_zero = all_zero && zeros[i] == 0;
  expect(all_zero, "calloc gives zeros");
  expect(drey::heap_stats().used_bytes >= before.used_bytes + 10000, "calloc comes from the arena");
  expect(malloc_usable_size(zeros) >= 10000, "the usable size is told");
  free(zeros);
  free(nullptr);
  expect(drey::heap_stats().used_bytes == before.used_bytes, "free gives it back");
  volatile size_t half = SIZE_MAX / 2;
  expect(keep(calloc(half, 3)) == nullptr && errno == ENOMEM, "calloc sees an overflow");
  void* aligned = nullptr;
  expect(posix_memalign(&aligned, 3, 10) == EINVAL, "an odd alignment is refused");
  expect(posix_memalign(&aligned, 4096, 10) == 0, "a page's alignment is given");
  expect(reinterpret_cast<size_t>(aligned) % 4096 == 0, "and is one");
  free(aligned);
  void* grown = keep(realloc(keep(malloc(10)), 1000));
  expect(grown != nullptr && keep(realloc(grown, 0)) == nullptr, "realloc grows and frees");
}

void shares() {
  drey::heap_set_limit(drey::HeapUser::kMbedTls, 64 * 1024);
  uint64_t failures = drey::heap_stats().failures;
  {
    drey::HeapUserScope scope(drey::HeapUser::kMbedTls);
    expect(keep(malloc(128 * 1024)) == nullptr, "a share is a wall");
  }
  void* p = keep(malloc(128 * 1024));
  expect(p != nullptr, "for its user only");
  free(p);
  expect(drey::heap_stats().failures == failures + 1, "a refusal is counted");
}

void exhaustion() {
  std::vector<void*> held;
  held.reserve(10000);
  while (void* p = keep(malloc(4000))) held.push_back(p);
  expect(errno == ENOMEM, "an exhausted arena says ENOMEM");
  expect(held.size() > drey::board::kHeapArenaBytes / 5000, "after most of it was given out");
  for (void* p : held) free(p);
}

void threads() {
  uint64_t before = drey::heap_stats().used_bytes;
  std::vector<std::thread> workers;
  for (int t = 0; t < 4; ++t) {
    workers.emplace_back([t] {
      std::map<int, std::string> words;
      for (int i = 0; i < 20000; ++i) {
        words[i % 97] = std::string(static_cast<size_t>(i % 300), static_cast<char>('a' + t));
        for (char c : words[(i * 7) % 97])
          if (c != 'a' + t) std::abort();
      }
    });
  }
  for (auto& worker : workers) worker.join();
  workers.clear();
  workers.shrink_to_fit();
  expect(drey::heap_stats().used_bytes < before + 64 * 1024, "threads leave nothing behind");
}

void command_line() {
  drey::heap_unlimited();
  uint64_t failures = drey::heap_stats().failures;
  std::vector<std::string> names;
  for (int i = 0; i < 200000; ++i)
    names.push_back("a name of some length, number " + std::to_string(i));
  expect(names[199999].ends_with("199999"), "a command's containers grow beyond the arena");
  void* big = keep(malloc(size_t{300} << 20));
  expect(big != nullptr, "one request above the largest extent is served");
  free(big);
  expect(drey::heap_stats().failures == failures, "growing is no failure");
}

}  // namespace

int main() {
  drey::heap_prefault();
  basics();
  shares();
  exhaustion();
  threads();
  command_line();
  return broken;
}
