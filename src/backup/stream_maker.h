// Turns a snapshot, or a part of it, into the framed stream of STREAM.md. A machine without any
// waiting of its own: run() fills the sink until it needs a page, a chunk or room; the stream op
// (or a test) provides it and runs it again. Only copies bytes: loop thread.
#pragma once

#include "backup/page_cursor.h"
#include "backup/stream_format.h"
#include "backup/types.h"

namespace drey {

struct ChunkRef {
  ContentId d;
  ChunkId c;
  uint32_t chunk_bytes = 0;
  bool operator==(const ChunkRef&) const = default;
};

class StreamMaker {
 public:
  enum class Need : uint8_t {
    kPage,   // cursor().wants() into room(), then page_loaded() or page_lost()
    kChunk,  // chunk(): give_chunk() or chunk_missing()
    kRoom,   // the sink is full
    kDone,   // the end frame is out: result()
  };
  // `request.path` may begin and end with slashes. kInvalid (not a path), kTooLarge.
  Status start(const StreamRequest& request);
  Need run(StreamSink& sink);

  PageCursor& cursor() { return cursor_; }
  void page_loaded(size_t size) { status_ = cursor_.loaded(size); }
  void page_lost(Status why);

  const ChunkRef& chunk() const { return chunk_; }
  // `plain` stays valid until run() asks for another chunk or is done. A chunk of another size than
  // the row says is treated as missing.
  void give_chunk(Bytes plain);
  void chunk_missing(Status why);
  // It is somewhere, and that was all that was asked.
  void chunk_present();
  // Entries of the pages to come are followed by LOST, instead of their contents.
  void set_list_lost(bool lost) { list_lost_ = lost; }
  // The chunks that will be asked for next, as far as the current page shows. Between two runs.
  size_t upcoming(std::span<ChunkRef> to) const;

  const StreamResult& result() const { return result_; }

 private:
  enum class Phase : uint8_t { kRow, kListLost, kAdvance, kExtents, kData, kEnd, kOver };
  void frame(Bytes head) { frame(head, {}, {}); }
  void frame(Bytes head, Bytes middle, Bytes tail);
  bool flush(StreamSink& sink);
  void step();
  void on_row();
  void begin_entry();
  void tell_list_lost();
  void on_extent();
  void on_data();
  void close_file();
  void cover(uint64_t until);
  void advance();
  void end(Status status);
  void send_range(FrameType type, uint64_t offset, uint64_t length, Status why);
  bool clip(uint64_t* offset, uint64_t* length) const;
  bool is_deeper(std::string_view path) const;

  StreamRequest request_;
  StreamResult result_;
  Phase phase_ = Phase::kOver;
  PageCursor cursor_;
  Status status_ = Status::kOk;  // of the cursor
  size_t path_size_ = 0;
  std::array<char, kEntryPathMax> path_;
  size_t file_path_size_ = 0;
  std::array<char, kEntryPathMax> file_path_;  // of the file that is open
  std::string_view file_path() const { return {file_path_.data(), file_path_size_}; }
  KeyBuffer jump_;

  bool first_ = true;     // no row yet
  bool in_file_ = false;  // a regular file's entry is out
  uint64_t covered_ = 0;  // of it
  uint64_t file_size_ = 0;
  ByteReader extents_{Bytes{}};
  size_t extents_left_ = 0;
  Extent extent_;
  uint64_t extent_at_ = 0;  // file offset of extent_
  uint64_t data_at_ = 0;    // what is left of its clipped range
  uint64_t data_left_ = 0;

  ChunkRef chunk_;
  bool has_chunk_ = false;  // chunk_ is in plain_
  bool wants_chunk_ = false;
  Status missing_ = Status::kOk;
  bool present_ = false;
  bool list_lost_ = false;
  Bytes plain_;

  std::array<Bytes, 3> parts_;
  std::array<uint8_t, 64> head_;
};

}  // namespace drey
