// zstd by static contexts: everything it needs comes out of zstd_arena_.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include <utility>

#include "codec/compress.h"
#include "drey/check.h"

namespace drey {
namespace {

// The parameters of a level, with tables shrunk until they fit the arena: three-byte matches go
// first (they cost half a MiB), then the bigger table. A function of level, size, arena and library
// version only. False when nothing fits.
bool fitting_parameters(int level, size_t size, size_t arena_bytes,
                        ZSTD_compressionParameters* params) {
  constexpr unsigned kTableLogMin = 10;  // below it matching is worthless
  *params = ZSTD_getCParams(level, size, 0);
  while (ZSTD_estimateCCtxSize_usingCParams(*params) > arena_bytes) {
    unsigned& largest = params->chainLog > params->hashLog ? params->chainLog : params->hashLog;
    if (params->minMatch == 3)
      params->minMatch = 4;
    else if (largest > kTableLogMin)
      --largest;
    else
      return false;
  }
  return true;
}

bool set_parameters(ZSTD_CCtx* context, const ZSTD_compressionParameters& params) {
  const std::pair<ZSTD_cParameter, unsigned> all[] = {
      {ZSTD_c_windowLog, params.windowLog},
      {ZSTD_c_chainLog, params.chainLog},
      {ZSTD_c_hashLog, params.hashLog},
      {ZSTD_c_searchLog, params.searchLog},
      {ZSTD_c_minMatch, params.minMatch},
      {ZSTD_c_targetLength, params.targetLength},
      {ZSTD_c_strategy, static_cast<unsigned>(params.strategy)}};
  for (const auto& [name, value] : all)
    if (ZSTD_isError(ZSTD_CCtx_setParameter(context, name, static_cast<int>(value)))) return false;
  return true;
}

}  // namespace

Result<size_t> Compressor::compress_zstd(int level, Bytes plain, MutBytes to) {
  ZSTD_compressionParameters params;
  bool fits = fitting_parameters(level, plain.size(), zstd_arena_.size(), &params);
  ZSTD_CCtx* context = ZSTD_initStaticCCtx(zstd_arena_.data(), zstd_arena_.size());
  // Whatever goes wrong, raw is always right; tests show that the arena is never the reason.
  if (!fits || context == nullptr || !set_parameters(context, params)) return Status::kTooLarge;
  size_t size = ZSTD_compress2(context, to.data(), to.size(), plain.data(), plain.size());
  if (ZSTD_isError(size)) return Status::kTooLarge;
  return size;
}

Status Compressor::decompress_zstd(Bytes from, MutBytes to, size_t* used) {
  // Debian's library also reads the formats of zstd 0.x, with heap memory and code nobody should
  // meet: only a frame of today is let in. A skippable frame yields nothing, so it is refused too.
  if (from.size() < 4 || load_le<uint32_t>(from.data()) != ZSTD_MAGICNUMBER)
    return Status::kCorrupt;
  size_t frame_bytes = ZSTD_findFrameCompressedSize(from.data(), from.size());
  if (ZSTD_isError(frame_bytes)) return Status::kCorrupt;
  ZSTD_DCtx* context = ZSTD_initStaticDCtx(zstd_arena_.data(), zstd_arena_.size());
  DREY_CHECK(context != nullptr);
  // One call into a buffer of the declared length: no window is allocated, whatever the frame says.
  size_t size = ZSTD_decompressDCtx(context, to.data(), to.size(), from.data(), frame_bytes);
  if (ZSTD_isError(size) || size != to.size()) return Status::kCorrupt;
  *used = frame_bytes;
  return Status::kOk;
}

}  // namespace drey
