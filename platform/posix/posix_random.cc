#include "posix/posix_random.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>

namespace drey {

PosixRandom::PosixRandom() : source_(&::getrandom) {}

Status PosixRandom::fill(MutBytes to) {
  size_t done = 0;
  while (done < to.size()) {
    ssize_t count = source_(to.data() + done, to.size() - done, 0);
    if (count < 0 && errno == EINTR) continue;
    // 0 bytes without an error would loop for ever; more than asked cannot be true.
    if (count <= 0 || static_cast<size_t>(count) > to.size() - done) {
      std::fill(to.begin(), to.end(), uint8_t{0});
      return Status::kIo;
    }
    done += static_cast<size_t>(count);
  }
  // 16 zero bytes by chance happen once in 2^128: it is a broken source, not luck.
  bool all_zero = std::all_of(to.begin(), to.end(), [](uint8_t byte) { return byte == 0; });
  return all_zero && to.size() >= 16 ? Status::kIo : Status::kOk;
}

}  // namespace drey
