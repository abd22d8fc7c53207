// Cuts the bytes of an upload into chunks, as ContentReader does with a file: the same bytes give
// the same chunks. The loop writes into room() while the maker waits for input; read() runs inside
// the maker's job. At most two slots are held: the one being filled, and the next one for what was
// read beyond a cut.
#pragma once

#include "backup/content_reader.h"

namespace drey {

class InputReader {
 public:
  enum class Need : uint8_t {
    kNothing,   // everything is in the draft
    kSlot,      // give_slot(), then go on
    kInput,     // room() is to be filled, then go on
    kChunkOut,  // take_chunk(), then go on
    kRowFull,   // take the draft's row, begin its continuation at draft.end(), then go on
  };
  // An upload of exactly `size` bytes.
  void start(const Chunker* chunker, const ChunkSizes& sizes, uint64_t size);
  void stop() { filling_ = next_ = out_ = {}; }
  Need read(RowDraft& draft);

  // Where the next bytes belong; empty: not now.
  MutBytes room();
  void filled(size_t size);
  // read() can go on: a chunk's worth is there, or all of it.
  bool enough() { return room().empty(); }
  uint64_t received() const { return received_; }

  void give_slot(uint16_t slot, MutBytes buffer);
  FilledChunk take_chunk();
  bool has_chunk() const { return out_.number != 0; }

 private:
  const Chunker* chunker_ = nullptr;
  ChunkSizes sizes_;
  uint64_t size_ = 0;
  uint64_t received_ = 0;
  uint64_t cut_bytes_ = 0;
  ChunkNumber last_number_ = 0;
  FilledChunk filling_;  // buffer empty = none; size = bytes in it
  FilledChunk next_;     // likewise, always empty of bytes
  FilledChunk out_;      // number 0 = none
};

}  // namespace drey
