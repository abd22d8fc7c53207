#include "node/scrub.h"

#include <algorithm>

namespace drey {
namespace {

constexpr std::string_view kStateKey = "scrub";
// u32 segment, u64 offset, u64 passes, u64 damaged, u64 read bytes; little endian.
constexpr size_t kStateBytes = 36;

}  // namespace

void Scrubber::PieceJob::load_position() {
  std::array<uint8_t, kStateBytes> bytes{};
  size_t size = 0;
  if (!ok(state->get(kStateKey, bytes, &size)) || size != bytes.size()) return;
  ByteReader reader{Bytes(bytes)};
  at.segment = reader.u32();
  at.offset = reader.u64();
  figures.passes = reader.u64();
  figures.damaged = reader.u64();
  figures.read_bytes = reader.u64();
}

Status Scrubber::PieceJob::save_position() const {
  std::array<uint8_t, kStateBytes> bytes{};
  ByteWriter writer{MutBytes(bytes)};
  writer.u32(at.segment);
  writer.u64(at.offset);
  writer.u64(figures.passes);
  writer.u64(figures.damaged);
  writer.u64(figures.read_bytes);
  return state->put(kStateKey, bytes);
}

Status Scrubber::PieceJob::run() {
  if (load) {
    load_position();
    return Status::kOk;
  }
  uint32_t segment = at.segment;
  DREY_TRY(store->scrub(&at, kPieceBytes, &piece));
  figures.read_bytes += piece.read_bytes;
  figures.damaged += piece.damaged;
  if (piece.pass_ended) {
    ++figures.passes;
    figures.read_bytes = 0;
  }
  // A position that could not be kept costs some reading after the next start, no more.
  if (at.segment != segment || piece.pass_ended) (void)save_position();
  return Status::kOk;
}

void Scrubber::start(Store* store, StateLog* state, Lanes* lanes, ReadyQueue* ready,
                     uint64_t now_ns) {
  lanes_ = lanes;
  job_.store = store;
  job_.state = state;
  job_.load = true;
  read_.set(ready, this, &Scrubber::piece_read);
  next_ns_ = now_ns;
}

void Scrubber::hurry() {
  figures_.hurried = true;
  restart_ = true;
  next_ns_ = 0;
}

void Scrubber::tick(uint64_t now_ns, uint64_t stored_bytes) {
  if (reading_ || stopping_ || now_ns < next_ns_) return;
  // After a piece its share of kPassNs, so that all of stored_bytes take that long.
  uint64_t share_ns = kPassNs / std::max<uint64_t>(stored_bytes, 1) * job_.piece.read_bytes;
  uint64_t wait_ns = job_.load ? kFirstWaitNs : std::max(share_ns, kSecondNs);
  if (failed_) wait_ns = kRetryNs;
  next_ns_ = now_ns + (figures_.hurried ? std::min(wait_ns, kSecondNs) : wait_ns);
  read();
}

void Scrubber::read() {
  if (restart_ && !job_.load) {
    restart_ = false;
    at_ = {};
    figures_.read_bytes = 0;
  }
  reading_ = true;
  job_.at = at_;
  job_.figures = figures_;
  job_.op = &read_;
  lanes_->submit(Lane::kStore, &job_);
}

void Scrubber::piece_read(Status status) {
  reading_ = false;
  bool loaded = std::exchange(job_.load, false);
  failed_ = !ok(status);
  if (failed_) return;
  // hurry() may have come while the piece was being read.
  bool hurried = figures_.hurried;
  at_ = job_.at;
  figures_ = job_.figures;
  figures_.hurried = hurried;
  if (loaded) return;
  if (job_.piece.damaged != 0) ++findings_;
  if (job_.piece.pass_ended && !restart_) figures_.hurried = false;
  if (figures_.hurried && !stopping_) read();  // behind whatever waits for the lane meanwhile
}

void Scrubber::write_status(TextWriter& out, uint64_t stored_bytes) const {
  out.text(",\"scrub\":{\"passes\":").decimal(figures_.passes);
  out.text(",\"damaged\":").decimal(figures_.damaged);
  out.text(",\"read_bytes\":").decimal(figures_.read_bytes);
  out.text(",\"stored_bytes\":").decimal(stored_bytes);
  out.text(",\"running\":").text(figures_.hurried ? "true" : "false").text("}");
}

}  // namespace drey
