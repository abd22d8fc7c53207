// The n-th allocation of a handshake fails, for every n, with the right and with a wrong key behind
// the certificate: the handshake ends, nobody gets in who should not, nothing leaks. mbedTLS has no
// hook for this in Debian's build, so calloc itself is replaced; sanitizers own calloc, therefore
// not under them. DREY_EVERY=1: every n; without it a sample.
#include <gtest/gtest.h>

#include <cstdlib>

#include "channel_pair.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {
long fail_at = -1;  // counts down to the one that fails
bool counting = false;

// What was allocated while counting and not freed yet; found by address, so that blocks of others
// pass.
constexpr size_t kLiveMax = size_t{1} << 16;
constexpr size_t kProbesMax = 64;
void* live[kLiveMax];
size_t live_count = 0;
bool live_overflow = false;

size_t slot_of(const void* block, size_t probe) {
  return (reinterpret_cast<uintptr_t>(block) / 16 * 0x9e3779b97f4a7c15ull >> 40) + probe;
}
void keep(void* block) {
  for (size_t probe = 0; probe < kProbesMax; ++probe) {
    void*& slot = live[slot_of(block, probe) % kLiveMax];
    if (slot != nullptr) continue;
    slot = block;
    ++live_count;
    return;
  }
  live_overflow = true;
}
void forget(const void* block) {
  for (size_t probe = 0; probe < kProbesMax; ++probe) {
    void*& slot = live[slot_of(block, probe) % kLiveMax];
    if (slot != block) continue;
    slot = nullptr;
    --live_count;
    return;
  }
}
}  // namespace

extern "C" void* __libc_calloc(size_t count, size_t size);
extern "C" void __libc_free(void* block);
extern "C" void* calloc(size_t count, size_t size) {
  if (counting && fail_at >= 0 && fail_at-- == 0) return nullptr;
  void* block = __libc_calloc(count, size);
  if (counting && block != nullptr) keep(block);
  return block;
}
extern "C" void free(void* block) {
  if (block != nullptr && live_count != 0) forget(block);
  __libc_free(block);
}

namespace drey {
namespace {

// False when the handshake needed no more than n allocations.
bool handshake_with_failure_at(long n, const Person& callee, bool right) {
  bool failed = false;
  {
    ChannelPair<TlsChannel> pair;
    counting = true;
    fail_at = n;
    Ends ends;
    if (ok(pair.open(*pair.client, false, alice(), bob().id())) &&
        ok(pair.open(*pair.server, true, callee))) {
      ends = pair.shake();
    }
    failed = fail_at < 0;
    counting = false;
    fail_at = -1;
    // Whoever opened has the right peer before it.
    if (!right) {
      EXPECT_NE(ends.client, Status::kOk) << n;
    }
    if (ends.client == Status::kOk) {
      EXPECT_EQ(pair.client->peer_key(), bob().pair.pub) << n;
    }
    if (ends.server == Status::kOk) {
      EXPECT_EQ(pair.server->peer_key(), alice().pair.pub) << n;
    }
    if (right && !failed) {
      EXPECT_TRUE(ends.both_open());
      EXPECT_GT(live_count, 0u);  // what is counted below
    }
  }
  EXPECT_EQ(live_count, 0u) << "blocks leaked by failure " << n;
  EXPECT_FALSE(live_overflow);
  return failed;
}

TEST(TlsMemory, EveryFailedAllocationEndsTheHandshake) {
  const char* every = std::getenv("DREY_EVERY");
  const long step = every != nullptr ? std::atol(every) : 0;
  // First uses: keys made, tables of the library filled.
  ASSERT_FALSE(handshake_with_failure_at(1'000'000, bob(), true));
  ASSERT_FALSE(handshake_with_failure_at(1'000'000, mallory(), false));
  for (bool right : {true, false}) {
    int failures = 0;
    for (long n = 0;; ++n) {
      ASSERT_LT(n, 200'000);
      // Dense at the beginning, where objects are made; a sample of the arithmetic afterwards.
      if (step > 0 ? n % step != 0 : n > 200 && n % 211 != 0) continue;
      if (!handshake_with_failure_at(n, right ? bob() : mallory(), right)) break;
      ++failures;
    }
    EXPECT_GT(failures, 50);
    RecordProperty(right ? "failures" : "failures_with_a_wrong_key", failures);
  }
}

}  // namespace
}  // namespace drey

#endif
