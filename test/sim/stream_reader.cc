#include "sim/stream_reader.h"

namespace drey::sim {
namespace {

constexpr size_t kRoom = 20'000;

}  // namespace

void StreamReader::reset() {
  restored_ = Restored();
  file_ = nullptr;
  bytes_.clear();
  end_ = 0;
}

MutBytes StreamReader::room() {
  bytes_.resize(end_ + kRoom);
  return MutBytes(bytes_).subspan(end_);
}

void StreamReader::produced(size_t size) {
  end_ += size;
  size_t at = 0;
  StreamFrameHeader header;
  while (end_ - at >= kFrameHeaderBytes) {
    if (!ok(decode_frame_header(Bytes(bytes_).subspan(at), &header))) {
      restored_.malformed = true;
      at = end_;
      break;
    }
    if (end_ - at < kFrameHeaderBytes + header.size) break;
    frame(header.type, Bytes(bytes_).subspan(at + kFrameHeaderBytes, header.size));
    at += kFrameHeaderBytes + header.size;
  }
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(at));
  end_ -= at;
}

void StreamReader::frame(FrameType type, Bytes body) {
  DataFrame data;
  RangeFrame range;
  EndFrame end;
  Status lost = Status::kOk;
  bool good = !restored_.ended;
  switch (type) {
    case FrameType::kStart:
      good = good && ok(decode_start(body));
      break;
    case FrameType::kEntry:
      entry(body);
      break;
    case FrameType::kData:
      good = good && ok(decode_data_frame(body, &data)) && fill(data.offset, data.bytes.size());
      if (good) file_->bytes.replace(data.offset, data.bytes.size(), as_text(data.bytes));
      break;
    case FrameType::kHole:
    case FrameType::kMissing:
      good = good && ok(decode_range_frame(type, body, &range)) && fill(range.offset, range.length);
      if (good && type == FrameType::kMissing) {
        file_->absent.push_back({range.offset, range.length});
        ++restored_.missing;
      }
      break;
    case FrameType::kLost:
      good = good && ok(decode_lost(body, &lost));
      ++restored_.missing;
      break;
    case FrameType::kEnd:
      good = good && ok(decode_end_frame(body, &end)) && end.missing == restored_.missing;
      restored_.ended = true;
      break;
  }
  restored_.malformed = restored_.malformed || !good;
}

void StreamReader::entry(Bytes body) {
  EntryFrame frame;
  file_ = nullptr;
  if (!ok(decode_entry_frame(body, &frame))) {
    restored_.malformed = true;
    return;
  }
  if (frame.entry.kind != FileKind::kFile) return;
  auto [at, fresh] = restored_.files.try_emplace(std::string(frame.path));
  restored_.malformed = restored_.malformed || !fresh;
  file_ = &at->second;
  file_->size = frame.entry.size;
}

// Room for the next bytes of the file; false when they do not follow the ones before.
bool StreamReader::fill(uint64_t offset, uint64_t length) {
  if (file_ == nullptr || offset != file_->bytes.size() || length > file_->size - offset)
    return false;
  file_->bytes.resize(offset + length);
  return true;
}

}  // namespace drey::sim
