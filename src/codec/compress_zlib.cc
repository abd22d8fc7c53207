// zlib with its memory taken from zlib_arena_, which is empty again at every call.
#include <zlib.h>

#include "codec/compress.h"
#include "drey/check.h"

namespace drey {
namespace {

// deflate takes about 262 KiB at its start, inflate at most 40 KiB; both free only at their end.
static_assert(board::kZlibArenaBytes >= 272 * 1024);

struct Arena {
  MutBytes room;
  size_t used = 0;
};

voidpf take(voidpf opaque, uInt items, uInt size) {
  auto* arena = static_cast<Arena*>(opaque);
  size_t bytes = (size_t{items} * size + 63) / 64 * 64;
  if (arena->room.size() - arena->used < bytes) return Z_NULL;
  arena->used += bytes;
  return arena->room.data() + arena->used - bytes;
}

void give(voidpf, voidpf) {}

z_stream stream_over(Arena* arena, Bytes from, MutBytes to) {
  z_stream stream{};
  stream.zalloc = take;
  stream.zfree = give;
  stream.opaque = arena;
  stream.next_in = const_cast<Bytef*>(from.data());  // zlib's interface lacks the const
  stream.avail_in = static_cast<uInt>(from.size());
  stream.next_out = to.data();
  stream.avail_out = static_cast<uInt>(to.size());
  return stream;
}

// Window bits as deflateInit2 takes them: +16 asks for a gzip file instead of a zlib stream.
Result<size_t> deflate_with(int level, int window_bits, Bytes plain, MutBytes room, MutBytes to) {
  Arena arena{room};
  z_stream stream = stream_over(&arena, plain, to);
  int result = deflateInit2(&stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  if (result != Z_OK) return Status::kInvalid;  // the level; the arena is big enough
  result = deflate(&stream, Z_FINISH);
  size_t size = to.size() - stream.avail_out;
  deflateEnd(&stream);
  if (result != Z_STREAM_END) return Status::kTooLarge;
  return size;
}

}  // namespace

Result<size_t> gzip(Bytes plain, MutBytes arena, MutBytes to) {
  return deflate_with(Z_DEFAULT_COMPRESSION, MAX_WBITS + 16, plain, arena, to);
}

Result<size_t> Compressor::compress_zlib(int level, Bytes plain, MutBytes to) {
  return deflate_with(level, MAX_WBITS, plain, zlib_arena_, to);
}

Status Compressor::decompress_zlib(Bytes from, MutBytes to, size_t* used) {
  Arena arena{zlib_arena_};
  uint8_t nothing = 0;  // zlib wants a pointer even for no output
  z_stream stream = stream_over(&arena, from, to);
  if (to.empty()) stream.next_out = &nothing;
  if (inflateInit2(&stream, MAX_WBITS) != Z_OK) return Status::kBusy;
  int result = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  // A preset dictionary (Z_NEED_DICT), too much output (Z_BUF_ERROR) and a wrong checksum all end
  // here.
  if (result != Z_STREAM_END || stream.avail_out != 0) return Status::kCorrupt;
  *used = from.size() - stream.avail_in;
  return Status::kOk;
}

}  // namespace drey
