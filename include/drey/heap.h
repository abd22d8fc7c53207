// The process heap: libraries that cannot be given an arena of their own (mbedTLS, libuv, libc)
// allocate from one fixed arena, and each kind of user has a share of it that it cannot exceed.
//
// platform/heap implements malloc and this header; it is linked into `drey` only. Everywhere else
// (tests, simulator, fuzzers, sanitizers) src/base provides versions that do nothing.
//
// Any thread. An exhausted arena or share returns null from malloc and is counted: the request
// fails, the process goes on. Nothing here survives a crash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace drey {

enum class HeapUser : uint8_t {
  kOther,    // libc and whoever did not say; the rest of the arena
  kMbedTls,  // TLS contexts, big numbers, certificates
  kUv,       // the loop's tables
};
inline constexpr size_t kHeapUserCount = 3;

struct HeapUse {
  uint64_t used_bytes = 0;  // headers and rounding included
  uint64_t peak_bytes = 0;
  uint64_t limit_bytes = 0;  // 0 = only the arena's end
  uint64_t failures = 0;     // requests answered with null
};

struct HeapStats {
  uint64_t capacity_bytes = 0;  // 0: this build has no arena
  uint64_t used_bytes = 0;
  uint64_t peak_bytes = 0;
  uint64_t failures = 0;
  uint64_t allocations = 0;  // requests served since start
  std::array<HeapUse, kHeapUserCount> users{};
};

HeapStats heap_stats();

// From now on this thread allocates as `user`; returns who it was before. What a block counts for
// is fixed when it is allocated, whoever frees it.
HeapUser heap_set_user(HeapUser user);

// A share of the arena; 0 takes the limit away.
void heap_set_limit(HeapUser user, size_t bytes);

// Short-lived command-line processes use std containers: no shares, and the arena grows by pages
// from the kernel. Call it first in main. Never in the daemon.
void heap_unlimited();

// Makes every page of the arena resident, so that memory is a constant from `ready` on.
void heap_prefault();

class HeapUserScope {
 public:
  explicit HeapUserScope(HeapUser user) : before_(heap_set_user(user)) {}
  HeapUserScope(const HeapUserScope&) = delete;
  HeapUserScope& operator=(const HeapUserScope&) = delete;
  ~HeapUserScope() { heap_set_user(before_); }

 private:
  HeapUser before_;
};

}  // namespace drey
