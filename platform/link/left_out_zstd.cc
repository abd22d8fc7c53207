// zstd's formats before 1.0. Records begin with today's magic number, or decompress_zstd refuses
// them before the library sees them. 0 is a null context, -1 is ZSTD_error_GENERIC.
#include "link/left_out.h"

#define DREY_OLD_FORMAT(v)                               \
  DREY_LEFT_OUT(ZBUFF##v##_createDCtx, 0)                \
  DREY_LEFT_OUT(ZBUFF##v##_freeDCtx, 0)                  \
  DREY_LEFT_OUT(ZBUFF##v##_decompressInitDictionary, -1) \
  DREY_LEFT_OUT(ZBUFF##v##_decompressContinue, -1)       \
  DREY_LEFT_OUT(ZSTD##v##_createDCtx, 0)                 \
  DREY_LEFT_OUT(ZSTD##v##_freeDCtx, 0)                   \
  DREY_LEFT_OUT(ZSTD##v##_decompress_usingDict, -1)      \
  DREY_LEFT_OUT(ZSTD##v##_getFrameParams, -1)

DREY_OLD_FORMAT(v05)
DREY_OLD_FORMAT(v06)
DREY_OLD_FORMAT(v07)

// void f(const void* source, size_t size, size_t* compressed, unsigned long long* bound)
#define DREY_OLD_FRAME(v)                                                      \
  extern "C" __attribute__((weak)) void ZSTD##v##_findFrameSizeInfoLegacy(     \
      const void*, decltype(sizeof 0), decltype(sizeof 0)* compressed,         \
      unsigned long long* bound) {                                             \
    *compressed = static_cast<decltype(sizeof 0)>(-1);                         \
    *bound = static_cast<unsigned long long>(-2); /* ZSTD_CONTENTSIZE_ERROR */ \
  }
DREY_OLD_FRAME(v05)
DREY_OLD_FRAME(v06)
DREY_OLD_FRAME(v07)
