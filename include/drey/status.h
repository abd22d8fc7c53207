// Status and Result: how every layer reports an outcome. One byte, never dropped ([[nodiscard]]).
// A code exists only where some caller acts differently; the detail (errno, SQLite code, offset)
// is logged once, where it is first known.
#pragma once

#include <cstdint>
#include <utility>

namespace drey {

enum class [[nodiscard]] Status : uint8_t{
    kOk = 0,
    kBusy,         // a pool, arena or queue is full: try again later, nothing changed
    kAgain,        // would block: wait for readiness, then call again
    kEnd,          // a scan or stream is finished: not an error
    kNotFound,     // no such record, file, node, snapshot
    kExists,       // already there: the caller keeps what is there
    kInvalid,      // malformed input (disk, net, user): reject it
    kUnsupported,  // well-formed but of a newer version or feature: refuse untouched
    kTooLarge,     // beyond a named limit: reject, tell which
    kCorrupt,      // checksum, tag or hash mismatch: use another copy, heal
    kDenied,       // authentication or permission refused
    kIo,           // the device failed: the writer stays failed until reopened
    kFull,         // no space: refuse new data, keep what is there
    kReadOnly,     // the device accepts no writes: keep serving reads
    kTimeout,      // a deadline passed: the other side may still be fine
    kClosed,       // peer or owner is gone
    kCancelled,    // the caller withdrew the request
    kNotEnough,    // too few devices or copies for what was asked
    kChanged,      // the source changed under the reader: read again
};

// Stable lower-case word for logs and JSON, e.g. "not_found". Never null.
const char* status_name(Status status);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)), status_(Status::kOk) {}  // NOLINT(runtime/explicit)
  Result(Status status) : value_(), status_(status) {}                 // NOLINT(runtime/explicit)
  bool ok() const { return status_ == Status::kOk; }
  Status status() const { return status_; }
  const T& value() const { return value_; }
  T& value() { return value_; }

 private:
  T value_;
  Status status_;
};

inline bool ok(Status status) { return status == Status::kOk; }

}  // namespace drey

// Returns the Status of `expr` from the enclosing function unless it is kOk.
#define DREY_TRY(expr)                                                                     \
  do {                                                                                     \
    if (::drey::Status try_status_ = (expr); !::drey::ok(try_status_)) return try_status_; \
  } while (0)
