// Clock on CLOCK_BOOTTIME and CLOCK_REALTIME. No state; any thread.
#pragma once

#include "drey/ports.h"

namespace drey {

class PosixClock final : public Clock {
 public:
  uint64_t up_ns() override;
  int64_t wall_ns() override;
  // Of the time zone that tzset() found at the start.
  int32_t local_offset_s(int64_t wall_ns) override;
};

}  // namespace drey
