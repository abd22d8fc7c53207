// Reads the daemon's restore stream (backup/STREAM.md) and hands its frames to a visitor.
#pragma once

#include <string>
#include <vector>

#include "backup/stream_format.h"
#include "cli/client.h"

namespace drey::cli {

class FrameVisitor {
 public:
  virtual ~FrameVisitor() = default;
  // False stops the stream.
  virtual bool on_entry(const EntryFrame& frame) = 0;
  virtual bool on_data(const DataFrame&) { return true; }
  virtual bool on_range(FrameType, const RangeFrame&) { return true; }  // HOLE, MISSING
  virtual bool on_lost(Status) { return true; }
};

struct StreamOutcome {
  int exit = kExitError;  // kExitOk: END was seen
  bool stopped = false;   // by the visitor
  EndFrame end;
};

struct StreamQuery {
  std::string snapshot;
  std::string path;
  bool data = false;
  bool one_level = false;
  std::vector<std::string> lose;  // devices: what would be missing without them?
};

// "SNAP" or "SNAP:PATH"; "NODE:latest" and "NODE:latest:PATH" name a node's newest snapshot.
StreamQuery parse_snapshot_argument(const std::string& text);

StreamOutcome read_stream(Context& context, const StreamQuery& query, FrameVisitor& visitor);

// Cuts a byte stream into frames. False: malformed, or the visitor stopped (stopped() tells).
class FrameSplitter {
 public:
  explicit FrameSplitter(FrameVisitor& visitor) : visitor_(visitor) {}
  bool feed(std::string_view part);
  bool stopped() const { return stopped_; }
  bool ended() const { return ended_; }
  const EndFrame& end() const { return end_; }

 private:
  bool dispatch(FrameType type, Bytes body);
  FrameVisitor& visitor_;
  std::vector<uint8_t> pending_;
  bool started_ = false, ended_ = false, stopped_ = false;
  EndFrame end_;
};

}  // namespace drey::cli
