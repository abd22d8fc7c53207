// Every size and limit of what two nodes say to each other. Part of the protocol (PROTOCOL.md): a
// number here is the same on every board, except where limits.h of the board is named.
#pragma once

#include "drey/limits.h"

namespace drey::limits {

inline constexpr uint16_t kProtocolVersion = 1;  // of HELLO; both sides speak the lower of the two
inline constexpr uint16_t kFeatureLevel = 1;     // new kinds of statements wait behind it

// ---- Knock: the first bytes of a connection, before TLS ----
inline constexpr size_t kKnockBytes = 64;
inline constexpr size_t kKnockNonceBytes = 16;
inline constexpr size_t kPairingSaltBytes = 32;
inline constexpr size_t kKnockAnswerBytes = 8 + kPairingSaltBytes;  // to a right room word only

// ---- Pairing: one public word, three secret words of 16 bits (DESIGN 6) ----
inline constexpr size_t kPairingCodeBytes = 6;
inline constexpr uint32_t kPairingIterations = 10'000;
inline constexpr size_t kPskBytes = 32;

// ---- Frames ----
inline constexpr size_t kFrameHeaderBytes = 8;
inline constexpr size_t kControlBytesMax = 16 * 1024;  // body of a control frame
inline constexpr size_t kBulkHeadBytesMax = 256;
inline constexpr size_t kBulkBytesMax = kRecordBytesMax;

// ---- Rows of list messages: each list fits kControlBytesMax ----
inline constexpr size_t kStatementKeyBytes = 40;  // StatementId ‖ zeros, or owner ‖ sequence (be64)
inline constexpr size_t kStatementKeysMax = 400;
inline constexpr size_t kPinnedChunksMax = 400;
// Of pins. Nobody can use the counter up by telling an owner that it was higher.
inline constexpr uint64_t kNumberMax = uint64_t{1} << 62;
inline constexpr size_t kPinBuckets = 256;  // by the first byte of C
inline constexpr size_t kStoreIdBytes = 16;
inline constexpr size_t kBoardNameBytesMax = 31;
inline constexpr size_t kKeyringBlobBytesMax = 8192;
static_assert(16 + kStatementKeysMax * kStatementKeyBytes <= kControlBytesMax);
static_assert(48 + kPinnedChunksMax * 32 <= kControlBytesMax);
static_assert(48 + kMembersMax * kStatementKeyBytes <= kControlBytesMax);
static_assert(16 + kStatementBytesMax <= kControlBytesMax);
static_assert(16 + kKeyringBlobBytesMax <= kControlBytesMax);

// ---- Certificates: our own are about 350 bytes ----
inline constexpr size_t kCertificateBytesMax = 512;

}  // namespace drey::limits
