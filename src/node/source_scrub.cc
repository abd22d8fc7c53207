// ScrubSource: asks for a scrub and follows it.

#include "node/node.h"

namespace drey {
namespace {

constexpr uint64_t kProgressNs = 500'000'000;

}  // namespace

void ScrubSource::start(bool wait, Connection* connection) {
  node_->scrubber().hurry();
  wait_ = wait;
  passes_ = node_->scrubber().figures().passes;
  damaged_ = node_->scrubber().figures().damaged;
  next_progress_ns_ = 0;
  attach(connection);
}

void ScrubSource::tick(uint64_t now_ns) {
  if (!attached() || now_ns < next_progress_ns_) return;
  next_progress_ns_ = now_ns + kProgressNs;
  wake();
}

// One line per tick; the summary once a whole pass has ended.
Status ScrubSource::produce(MutBytes room, size_t* size) {
  const Scrubber::Figures& figures = node_->scrubber().figures();
  bool ended = !wait_ || !figures.hurried;
  TextWriter out{std::span<char>(reinterpret_cast<char*>(room.data()), room.size())};
  out.text("{\"type\":").json_string(ended ? "summary" : "progress");
  if (ended)
    out.text(",\"status\":").json_string(wait_ ? "ok" : "started");
  else
    out.text(",\"read_bytes\":").decimal(figures.read_bytes);
  out.text(",\"stored_bytes\":").decimal(node_->store_stats().stored_bytes);
  out.text(",\"damaged\":").decimal(figures.damaged - damaged_).text("}\n");
  *size = out.size();
  return ended ? Status::kEnd : Status::kAgain;
}

}  // namespace drey
