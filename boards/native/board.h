// Board "native": the machine that builds. A PC or a Pi 4/5 with at least 1 GiB of RAM.
// Numbers and their reasons only; limits.h derives every pool from them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace drey::board {

inline constexpr const char* kName = "native";

// Chunking (DESIGN 4). A record is at most 1 MiB, so a chunk is at most 1 MiB less 128 bytes.
inline constexpr size_t kChunkBytesMin = 64 * 1024;
inline constexpr size_t kChunkBytesAverage = 320 * 1024;
inline constexpr size_t kRecordBytesMax = 1024 * 1024;

inline constexpr uint64_t kSegmentBytes = 64ull * 1024 * 1024;

// Page tree: a page is big enough to compress well, small enough that one edit rewrites little.
inline constexpr size_t kPageBytesMin = 16 * 1024;
inline constexpr size_t kPageBytesAverage = 48 * 1024;
inline constexpr size_t kPageBytesMax = 192 * 1024;

// One MiB each. Origin: two being filled, two being sealed, two on the wire.
inline constexpr size_t kOriginSlots = 6;
inline constexpr size_t kReceiveSlots = 3;
inline constexpr size_t kServeSlots = 2;

inline constexpr size_t kWorkThreads = 2;
inline constexpr size_t kSessionsMax = 16;         // peers connected at once
inline constexpr size_t kHttpConnectionsMax = 12;  // page and control socket together

// Arenas, bytes.
inline constexpr size_t kHeapArenaBytes = 1536 * 1024;  // mbedTLS, libuv, libc: budget per user
inline constexpr size_t kSqliteArenaBytes = 1024 * 1024;
inline constexpr size_t kZstdArenaBytes = 1024 * 1024;  // per work thread
inline constexpr size_t kZlibArenaBytes = 320 * 1024;   // per work thread

// Everything together must stay below this (asserted in limits.h).
inline constexpr size_t kRamBytesMax = 23 * 1024 * 1024;

inline constexpr uint64_t kMinimumAgeSeconds = 14 * 24 * 3600;  // before an UNPIN takes effect

}  // namespace drey::board
