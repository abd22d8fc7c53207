#include "posix/posix_clock.h"

#include <time.h>

#include "drey/check.h"

namespace drey {
namespace {

int64_t nanoseconds(clockid_t clock) {
  timespec now{};
  DREY_CHECK(clock_gettime(clock, &now) == 0);  // fails only for a clock that does not exist
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

uint64_t PosixClock::up_ns() { return static_cast<uint64_t>(nanoseconds(CLOCK_BOOTTIME)); }

int64_t PosixClock::wall_ns() { return nanoseconds(CLOCK_REALTIME); }

int32_t PosixClock::local_offset_s(int64_t wall_ns) {
  time_t seconds = wall_ns / 1'000'000'000;
  tm local{};
  return ::localtime_r(&seconds, &local) != nullptr ? static_cast<int32_t>(local.tm_gmtoff) : 0;
}

}  // namespace drey
