// Every limit of the program: its name, its reason, and the sum of RAM it leads to. Boards give the
// numbers, this file derives pools from them and asserts the sum at compile time.
#pragma once

#include "board.h"
#include "drey/bytes.h"

namespace drey::limits {

// ---- Format limits: the same on every board, part of the protocol ----
inline constexpr size_t kFormatVersion = 1;  // of DIR and of segments; a newer one is refused
inline constexpr size_t kRecordOverheadBytes =
    128;                                   // header, tag and Padmé slack kept free of plaintext
inline constexpr size_t kMembersMax = 64;  // a holder set is one 64-bit mask
inline constexpr size_t kStatementsMax = 4096;  // membership statements a mesh may ever hold
inline constexpr size_t kStatementParentsMax = 8;
inline constexpr size_t kStatementBytesMax = 8192;  // genesis and epochs carry wrapped keyrings
inline constexpr size_t kHeadBytesMax = 1024;
inline constexpr size_t kNameBytesMax =
    63;                                   // node, mesh and set names, UTF-8 (a DNS label's length)
inline constexpr size_t kEpochsMax = 64;  // one per revoke at most
inline constexpr size_t kPathBytesMax = 4096;        // PATH_MAX, the terminating NUL included
inline constexpr size_t kFileNameBytesMax = 255;     // NAME_MAX
inline constexpr size_t kPathLevelsMax = 2048;       // PATH_MAX / 2
inline constexpr size_t kXattrBytesMax = 64 * 1024;  // names and values of one file: XATTR_SIZE_MAX
inline constexpr size_t kSourcesMax = 32;            // PATHs of one backup
inline constexpr size_t kExcludesMax = 64;
inline constexpr size_t kPageLevelsMax = 8;  // of a page tree: 8 levels of >= 16 entries
inline constexpr size_t kCopiesMax = 8;

// ---- Board limits ----
inline constexpr size_t kRecordBytesMax = board::kRecordBytesMax;
inline constexpr size_t kChunkBytesMax = kRecordBytesMax - kRecordOverheadBytes;
inline constexpr size_t kChunkBytesMin = board::kChunkBytesMin;
inline constexpr size_t kChunkBytesAverage = board::kChunkBytesAverage;
inline constexpr size_t kPageBytesMin = board::kPageBytesMin;
inline constexpr size_t kPageBytesAverage = board::kPageBytesAverage;
inline constexpr size_t kPageBytesMax = board::kPageBytesMax;
inline constexpr uint64_t kSegmentBytes = board::kSegmentBytes;
inline constexpr size_t kOriginSlots = board::kOriginSlots;
inline constexpr size_t kReceiveSlots = board::kReceiveSlots;
inline constexpr size_t kServeSlots = board::kServeSlots;
inline constexpr size_t kSessionsMax = board::kSessionsMax;
inline constexpr size_t kHttpConnectionsMax = board::kHttpConnectionsMax;
inline constexpr size_t kWorkThreads = board::kWorkThreads;
inline constexpr size_t kLaneStackBytes = 256 * 1024;  // measured high water below half of it

// ---- The sum ----
inline constexpr size_t kSlotPoolBytes =
    (kOriginSlots + kReceiveSlots + kServeSlots) * kRecordBytesMax;
inline constexpr size_t kCodecArenaBytes =
    kWorkThreads * (board::kZstdArenaBytes + board::kZlibArenaBytes);
// Membership and peers, session buffers, the walk and its page buffers, HTTP connections, store and
// state tables, the platform's descriptor tables. src/node/node.h asserts that it all fits.
inline constexpr size_t kTableBytes = 6016 * 1024;
inline constexpr size_t kRamBytes = kSlotPoolBytes + kCodecArenaBytes + board::kHeapArenaBytes +
                                    board::kSqliteArenaBytes +
                                    (kWorkThreads + 2) * kLaneStackBytes + kTableBytes;
static_assert(kRamBytes <= board::kRamBytesMax, "the board's RAM sum exceeds its ceiling");
static_assert(kPageBytesMax + kRecordOverheadBytes <= kRecordBytesMax);
static_assert(kChunkBytesMin < kChunkBytesAverage && kChunkBytesAverage < kChunkBytesMax);

}  // namespace drey::limits
