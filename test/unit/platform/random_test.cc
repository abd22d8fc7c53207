#include "posix/posix_random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace drey {
namespace {

int calls = 0;

// Interrupted, then one byte, then the rest.
ssize_t stutter(void* to, size_t count, unsigned) {
  ++calls;
  if (calls % 3 == 1) {
    errno = EINTR;
    return -1;
  }
  size_t given = calls % 3 == 2 ? 1 : count;
  std::memset(to, 0x5a, given);
  return static_cast<ssize_t>(given);
}
ssize_t missing(void*, size_t, unsigned) {
  errno = ENOSYS;
  return -1;
}
ssize_t zeros(void* to, size_t count, unsigned) {
  std::memset(to, 0, count);
  return static_cast<ssize_t>(count);
}
ssize_t nothing(void*, size_t, unsigned) { return 0; }
ssize_t too_much(void*, size_t count, unsigned) { return static_cast<ssize_t>(count + 1); }
ssize_t half_then_error(void* to, size_t count, unsigned) {
  if (count == 32) {
    std::memset(to, 0x5a, 16);
    return 16;
  }
  errno = EIO;
  return -1;
}

TEST(PosixRandom, InterruptedAndShortAnswersAreContinued) {
  calls = 0;
  PosixRandom random(&stutter);
  std::array<uint8_t, 32> key{};
  ASSERT_EQ(Status::kOk, random.fill(key));
  EXPECT_TRUE(std::all_of(key.begin(), key.end(), [](uint8_t byte) { return byte == 0x5a; }));
  EXPECT_EQ(3, calls);
}

TEST(PosixRandom, ASourceThatFailsIsAnErrorAndLeavesNoHalfKey) {
  for (PosixRandom::Source source : {&missing, &nothing, &too_much, &half_then_error}) {
    PosixRandom random(source);
    std::array<uint8_t, 32> key;
    key.fill(0x77);
    EXPECT_EQ(Status::kIo, random.fill(key));
    EXPECT_TRUE(std::all_of(key.begin(), key.end(), [](uint8_t byte) { return byte == 0; }));
  }
}

TEST(PosixRandom, AKeyOfZerosIsRefused) {
  PosixRandom random(&zeros);
  std::array<uint8_t, 32> key;
  EXPECT_EQ(Status::kIo, random.fill(key));
  EXPECT_EQ(Status::kOk, random.fill(MutBytes(key).first(15)));  // short ones happen by chance
}

TEST(PosixRandom, NothingAskedIsNothingDone) {
  PosixRandom random(&missing);
  EXPECT_EQ(Status::kOk, random.fill({}));
}

}  // namespace
}  // namespace drey
