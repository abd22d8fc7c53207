// Takes a restore stream apart, as the command line does, and keeps what it gave.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "backup/stream_format.h"
#include "backup/types.h"

namespace drey::sim {

// What a restore gave.
struct Restored {
  struct File {
    std::string bytes;                                  // zeros where it said it has none
    uint64_t size = 0;                                  // as its entry says
    std::vector<std::pair<uint64_t, uint64_t>> absent;  // offset and length
  };
  Status status = Status::kOk;
  bool ended = false;      // END came
  bool malformed = false;  // a frame that cannot be: never acceptable
  uint64_t missing = 0;    // ranges and pages that nobody has
  std::map<std::string, File> files;
};

class StreamReader final : public StreamSink {
 public:
  void reset();
  Restored take() { return std::move(restored_); }
  MutBytes room() override;
  void produced(size_t size) override;

 private:
  void frame(FrameType type, Bytes body);
  void entry(Bytes body);
  bool fill(uint64_t offset, uint64_t length);

  Restored restored_;
  Restored::File* file_ = nullptr;
  std::vector<uint8_t> bytes_;  // not taken apart yet
  size_t end_ = 0;
};

}  // namespace drey::sim
