// Reads the contents of changed files into chunks: files below the chunk minimum share bundles,
// others are cut by content. Blocking: runs inside a job, one thread at a time. Buffers are slots
// lent by the backup op; a filled one goes out as a chunk with a number, to be sealed elsewhere.
// At most two slots are held: the open bundle and the chunk being filled.
#pragma once

#include "backup/row_queue.h"
#include "codec/chunker.h"
#include "drey/ports.h"

namespace drey {

// A filled chunk on its way out. `slot` is the lender's number for the buffer.
struct FilledChunk {
  ChunkNumber number = 0;  // 0 = none
  uint16_t slot = 0;
  MutBytes buffer;
  size_t size = 0;
  Bytes plain() const { return buffer.first(size); }
};

class ContentReader {
 public:
  enum class Need : uint8_t {
    kNothing,   // the file is done: its row (the last, if it has several) is in the draft
    kSlot,      // give_slot(), then go on
    kChunkOut,  // take_chunk(), then go on
    kRowFull,   // take the draft's row, begin its continuation at draft.end(), then go on
    kPause,     // some progress: go on
  };
  void start(Tree* tree, const Chunker* chunker, const ChunkSizes& sizes);
  // Closes the file, forgets the slots (the lender takes them back).
  void stop();

  // Opens dir/name and fills *stat from the opened file. kDenied, kNotFound, kIo; kChanged: it is
  // no regular file any more.
  Status open(Tree::Dir dir, std::string_view name, FileStat* stat);
  // Reading starts there: an older snapshot's rows cover what lies before.
  void start_at(uint64_t offset);
  // Reads on into `draft`, which the caller has begun with the entry.
  Need read(RowDraft& draft);
  // After kNothing. kOk; else the file could not be read and its row must not be used.
  Status status() const { return status_; }
  // After kNothing and kOk. True: it changed meanwhile; begin the draft anew with *stat and read
  // once more. False: it is done; changed() says whether it changed all the same.
  bool must_read_again(FileStat* stat);
  bool changed() const { return changed_; }
  uint64_t read_bytes() const { return read_bytes_; }
  void close();

  void give_slot(uint16_t slot, MutBytes buffer);
  FilledChunk take_chunk();
  bool has_chunk() const { return out_.number != 0; }
  // Closes the open bundle, if any; it goes out. Only while has_chunk() is false.
  void close_bundle();
  ChunkNumber bundle() const { return bundle_.number; }

 private:
  Need read_small(RowDraft& draft);
  Need read_large(RowDraft& draft);
  bool next_region(RowDraft& draft);
  Need fill_chunk(RowDraft& draft);
  size_t read_up_to(MutBytes to, uint64_t offset);
  void end_short(RowDraft& draft);
  FilledChunk open_chunk();
  bool bundle_ends(std::string_view name, Bytes contents, size_t size) const;

  Tree* tree_ = nullptr;
  const Chunker* chunker_ = nullptr;
  ChunkSizes sizes_;
  ChunkNumber last_number_ = 0;
  FilledChunk spare_;   // number 0; buffer empty = none
  FilledChunk bundle_;  // number 0 = none
  size_t bundle_files_ = 0;
  FilledChunk out_;

  Tree::File file_ = -1;
  FileStat stat_;
  uint64_t offset_ = 0;
  uint64_t region_end_ = 0;  // of the data being read; offset_ == region_end_: find the next
  bool sparse_ = false;
  bool first_row_ = true;  // nothing of the file has left the draft
  bool second_ = false;    // this is the second reading
  bool short_ = false;     // the file ended before its size
  bool changed_ = false;
  Status status_ = Status::kOk;
  uint64_t read_bytes_ = 0;
  size_t name_size_ = 0;
  std::array<char, limits::kFileNameBytesMax> name_;
};

}  // namespace drey
