// DownloadSource: what the client sees.
#include <algorithm>

#include "node/files/download_source.h"
#include "node/node.h"

namespace drey {

std::string_view DownloadSource::name() const {
  std::string_view path =
      what_ == What::kPath ? path_ : std::string_view(found_path_.data(), found_path_size_);
  if (what_ != What::kPath) return path.substr(0, path.find('/'));
  size_t slash = path.rfind('/');
  path = slash == std::string_view::npos ? path : path.substr(slash + 1);
  return path.empty() ? "snapshot" : path;
}

std::string_view DownloadSource::content_type(std::string_view given) {
  if (state_ == State::kRefused || state_ == State::kFacts) return "application/json";
  if (page_ && status_code_ == 200) return "text/html; charset=utf-8";
  return tar_ ? "application/x-tar" : given;
}

bool DownloadSource::has_head() const {
  return state_ == State::kSending || state_ == State::kOpeningData || state_ == State::kYielding;
}

uint64_t DownloadSource::length() { return has_head() && !tar_ ? range_.length : kUnknownLength; }

// Contents are never shown by a browser, always saved: an uploaded page is not this page.
void DownloadSource::write_headers(TextWriter& out) {
  if (state_ == State::kRefused && status_code_ == 416)
    out.text("Content-Range: bytes */").decimal(entry_.size).text("\r\n");
  if (!has_head()) return;
  out.text("Content-Disposition: attachment; filename*=UTF-8''");
  out.percent(name());
  out.text(tar_ ? ".tar\r\n" : "\r\n");
  if (!tar_) out.text("Accept-Ranges: bytes\r\n");
  if (status_code_ != 206) return;
  out.text("Content-Range: bytes ").decimal(range_.first).text("-");
  out.decimal(range_.first + range_.length - 1).text("/").decimal(entry_.size).text("\r\n");
}

Status DownloadSource::produce(MutBytes room, size_t* size) {
  if (state_ == State::kSending) return send(room, size);
  TextWriter out{std::span<char>(reinterpret_cast<char*>(room.data()), room.size())};
  Status status = Status::kAgain;
  if (state_ == State::kListing) {
    status = list(out);
  } else if (state_ == State::kFacts) {
    write_facts({found_path_.data(), found_path_size_}, entry_, out);
    status = Status::kEnd;
  } else if (state_ == State::kRefused && had_turn_) {
    return Status::kNotEnough;
  } else if (state_ == State::kRefused) {
    out.text("{\"error\":").json_string(code_).text(",\"message\":").json_string(words_);
    out.text("}\n");
    status = Status::kEnd;
  }
  *size = out.size();
  return status;
}

// ---- The list ----

void DownloadSource::write_facts(std::string_view path, const Entry& entry, TextWriter& out) {
  std::string_view name;
  FileId id;
  if (!ok(split_file_path(path, &name, &id))) return;
  const Member* member = node_->mesh().membership().find(info_.node);
  out.text("{\"file_id\":\"").hex(id.raw).text("\",\"name\":").json_string(name);
  out.text(",\"size\":").decimal(entry.size).text(",\"time\":");
  out.decimal(static_cast<uint64_t>(std::max<int64_t>(entry.mtime_ns, 0) / 1'000'000'000));
  out.text(",\"node\":").json_string(member != nullptr ? member->name() : "?").text("}\n");
}

// A list that cannot be read in full is not shown as if it were all: a page says so, JSON is cut.
Status DownloadSource::list(TextWriter& out) {
  if (page_ && !page_begun_) begin_page(out);
  StreamFrameHeader header;
  while (!over_ && out.room() >= kListRowBytesMax && frame_here(&header)) {
    EntryFrame frame;
    EndFrame end;
    Bytes body = frame_body(header);
    if (header.type == FrameType::kLost) lost_ = true;
    if (header.type == FrameType::kEnd && (!ok(decode_end_frame(body, &end)) || !ok(end.status)))
      lost_ = true;
    if (header.type == FrameType::kEntry && ok(decode_entry_frame(body, &frame)))
      list_entry(frame, out);
    if (lost_ && !page_) return Status::kNotEnough;
    begin_ += kFrameHeaderBytes + header.size;
  }
  bool table_over = !over_ && !has_stream_ && begin_ == end_;
  if (table_over && out.room() >= kListRowBytesMax) {
    if (page_ && what_ == What::kList) versions_.finish(out, table_of_rows());
    if (what_ == What::kPath) over_ = true;
    if (what_ == What::kList) state_ = State::kNextTable;
    if (what_ == What::kList) ask();
  }
  if (over_) return end_list(out);
  if (has_stream_) node_->backup().resume_stream(stream_);
  return out.size() > 0 ? Status::kOk : Status::kAgain;
}

void DownloadSource::list_entry(const EntryFrame& frame, TextWriter& out) {
  if (page_) return page_row(frame, out);
  if (frame.entry.kind != FileKind::kFile) return;
  out.text(first_row_ ? "[" : ",");
  first_row_ = false;
  write_facts(frame.path, frame.entry, out);
}

Status DownloadSource::end_list(TextWriter& out) {
  if (!page_ && lost_) return Status::kNotEnough;
  if (!page_) {
    out.text(first_row_ ? "[]\n" : "]\n");
  } else if (out.room() < kListEndsBytesMax) {
    return Status::kOk;  // with the next window
  } else {
    write_list_end(out, lost_, first_row_);
  }
  return Status::kEnd;
}

// ---- Contents ----

Status DownloadSource::send(MutBytes room, size_t* size) {
  bool file_over = !tar_ && left_ == 0 && data_left_ == 0 && zeros_left_ == 0;
  Status status = Status::kOk;
  while (ok(status) && *size < room.size() && !file_over) {
    MutBytes to = room.subspan(*size);
    if (zeros_left_ > 0) {
      size_t part = static_cast<size_t>(std::min<uint64_t>(zeros_left_, to.size()));
      std::fill_n(to.begin(), part, uint8_t{0});
      zeros_left_ -= part;
      *size += part;
    } else if (data_left_ > 0) {
      size_t part = static_cast<size_t>(std::min<uint64_t>(data_left_, end_ - begin_));
      part = std::min(part, to.size());
      std::copy_n(buffer_.begin() + static_cast<ptrdiff_t>(begin_), part, to.begin());
      begin_ += part;
      data_left_ -= part;
      *size += part;
      if (part == 0) status = Status::kAgain;
    } else if (over_) {
      return Status::kEnd;
    } else {
      status = take_frame(room, size);
    }
    file_over = !tar_ && left_ == 0 && data_left_ == 0 && zeros_left_ == 0;
  }
  if (file_over || status == Status::kEnd) return Status::kEnd;
  if (!ok(status) && status != Status::kAgain) return status;
  if (has_stream_) node_->backup().resume_stream(stream_);
  // The stream is over and did not bring everything.
  if (!has_stream_ && status == Status::kAgain && *size == 0 && begin_ == end_)
    return state_ == State::kSending && lender_ != nullptr ? Status::kNotEnough : Status::kAgain;
  return *size > 0 ? Status::kOk : Status::kAgain;
}

// kAgain: no whole frame is here, or no room for what it leads to.
Status DownloadSource::take_frame(MutBytes room, size_t* size) {
  StreamFrameHeader header;
  if (!frame_here(&header)) return Status::kAgain;
  if ((header.type == FrameType::kEntry || header.type == FrameType::kEnd) && pad_ > 0) {
    zeros_left_ = pad_;
    pad_ = 0;
    return Status::kOk;
  }
  RangeFrame range;
  EndFrame end;
  switch (header.type) {
    case FrameType::kStart:
      break;
    case FrameType::kEntry:
      DREY_TRY(begin_entry(frame_body(header), room, size));
      break;
    case FrameType::kData:
      data_left_ = header.size - 8;
      if (data_left_ > left_) return Status::kCorrupt;
      left_ -= data_left_;
      begin_ += kFrameHeaderBytes + 8;
      return Status::kOk;
    case FrameType::kHole:
      DREY_TRY(decode_range_frame(header.type, frame_body(header), &range));
      if (range.length > left_) return Status::kCorrupt;
      zeros_left_ = range.length;
      left_ -= range.length;
      break;
    case FrameType::kMissing:
    case FrameType::kLost:
      return Status::kNotEnough;
    case FrameType::kEnd:
      DREY_TRY(decode_end_frame(frame_body(header), &end));
      DREY_TRY(end.status);
      over_ = true;
      zeros_left_ = 2 * kTarBlock;  // a tar ends so; a file is over by its length
      break;
  }
  begin_ += kFrameHeaderBytes + header.size;
  return Status::kOk;
}

// Names in a tar begin with the folder that was asked for.
Status DownloadSource::begin_entry(Bytes body, MutBytes room, size_t* size) {
  EntryFrame frame;
  DREY_TRY(decode_entry_frame(body, &frame));
  if (!tar_) return Status::kOk;
  if (left_ > 0) return Status::kCorrupt;
  if (room.size() - *size < kTarHeadMax) return Status::kAgain;
  size_t parent = path_.rfind('/') == std::string_view::npos ? 0 : path_.rfind('/') + 1;
  // What stands above the path asked for is no part of it.
  if (frame.path.size() <= parent) return Status::kOk;
  std::array<char, kEntryPathMax + 1> path;
  std::string_view shown = frame.path.substr(parent);
  size_t path_size = shown.copy(path.data(), shown.size());
  if (frame.entry.kind == FileKind::kDir) path[path_size++] = '/';
  size_t head = write_tar_head({path.data(), path_size}, frame.entry, room.subspan(*size));
  *size += head;
  left_ = head > 0 ? frame.entry.size : 0;
  pad_ = (kTarBlock - left_ % kTarBlock) % kTarBlock;
  return Status::kOk;
}

}  // namespace drey
