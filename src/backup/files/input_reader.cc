#include "backup/files/input_reader.h"

#include "drey/check.h"

namespace drey {

void InputReader::start(const Chunker* chunker, const ChunkSizes& sizes, uint64_t size) {
  chunker_ = chunker;
  sizes_ = sizes;
  size_ = size;
  received_ = cut_bytes_ = 0;
  last_number_ = 0;
  stop();
}

MutBytes InputReader::room() {
  if (filling_.buffer.empty()) return {};
  size_t limit = std::min(sizes_.max, filling_.buffer.size());
  uint64_t left = size_ - received_;
  return filling_.buffer.subspan(filling_.size)
      .first(static_cast<size_t>(std::min<uint64_t>(limit - filling_.size, left)));
}

void InputReader::filled(size_t size) {
  DREY_CHECK(size <= room().size());
  filling_.size += size;
  received_ += size;
}

InputReader::Need InputReader::read(RowDraft& draft) {
  if (has_chunk()) return Need::kChunkOut;
  if (cut_bytes_ == size_) return Need::kNothing;
  if (draft.full()) return Need::kRowFull;
  if (filling_.buffer.empty()) return Need::kSlot;
  if (!enough()) return Need::kInput;
  size_t size = chunker_->cut(filling_.buffer.first(filling_.size), received_ == size_);
  DREY_CHECK(size > 0 && size <= filling_.size);
  size_t rest = filling_.size - size;
  if (rest > 0 && next_.buffer.empty()) return Need::kSlot;
  if (rest > 0) std::memcpy(next_.buffer.data(), filling_.buffer.data() + size, rest);
  out_ = filling_;
  out_.number = ++last_number_;
  out_.size = size;
  filling_ = next_;
  filling_.size = rest;
  next_ = {};
  cut_bytes_ += size;
  draft.add_pending(out_.number, 0, static_cast<uint32_t>(size));
  return Need::kChunkOut;
}

void InputReader::give_slot(uint16_t slot, MutBytes buffer) {
  FilledChunk& to = filling_.buffer.empty() ? filling_ : next_;
  DREY_CHECK(to.buffer.empty());
  to.slot = slot;
  to.buffer = buffer;
  to.size = 0;
}

FilledChunk InputReader::take_chunk() {
  FilledChunk chunk = out_;
  out_ = {};
  return chunk;
}

}  // namespace drey
