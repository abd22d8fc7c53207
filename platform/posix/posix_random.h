// Random on getrandom(2). No state but the system call; any thread.
#pragma once

#include <sys/types.h>

#include "drey/ports.h"

namespace drey {

class PosixRandom final : public Random {
 public:
  using Source = ssize_t (*)(void* to, size_t count, unsigned flags);
  PosixRandom();                                            // the kernel's getrandom
  explicit PosixRandom(Source source) : source_(source) {}  // a test's own, to let it fail
  // Interrupted and short answers are continued. Any other error, and 16 or more bytes that are all
  // zero (a source that lies), wipe `to` and give kIo: the caller must not go on.
  Status fill(MutBytes to) override;

 private:
  Source source_;
};

}  // namespace drey
