// One component of a path with its terminating NUL. Stateless; lives for one call.
#pragma once

#include <cstring>
#include <string_view>

#include "drey/limits.h"
#include "drey/status.h"

namespace drey {

class TreeName {
 public:
  // status(): kOk; kInvalid for "", ".", ".." and names with a slash or a NUL; kTooLarge.
  explicit TreeName(std::string_view name) {
    bool bad = name.empty() || name == "." || name == ".." ||
               name.find('/') != std::string_view::npos ||
               name.find('\0') != std::string_view::npos;
    status_ = bad                                       ? Status::kInvalid
              : name.size() > limits::kFileNameBytesMax ? Status::kTooLarge
                                                        : Status::kOk;
    if (!ok(status_)) return;
    std::memcpy(text_, name.data(), name.size());
    text_[name.size()] = '\0';
  }
  Status status() const { return status_; }
  const char* c_str() const { return text_; }

 private:
  Status status_;
  char text_[limits::kFileNameBytesMax + 1];
};

}  // namespace drey
