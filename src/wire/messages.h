// What two nodes say to each other: every message as a struct with its encoder and its strict
// decoder. The byte tables are PROTOCOL.md; sizes and limits are wire/limits.h.
//
// encode() writes the body into a ByteWriter (check ok() once at the end). decode() returns kOk, or
// kInvalid / kTooLarge / kUnsupported without having written anything a caller may use: the session
// is then closed. Decoded views (string_view, span, Bytes) point into the body that was decoded and
// live as long as it. Any thread, no state.
#pragma once

#include "drey/ids.h"
#include "drey/status.h"
#include "wire/limits.h"

namespace drey {

enum class MessageType : uint16_t {
  kHello = 1,
  kPing = 2,  // answered inside the session; handlers never see kPing and kPong
  kPong = 3,
  kStatementIds = 16,
  kStatementGet = 17,
  kStatement = 18,
  kPin = 32,
  kPinned = 33,
  kStored = 34,
  kGet = 35,
  kMissing = 36,
  kDigest = 37,
  kDigests = 38,
  kPinnedList = 39,
  kPinnedChunks = 40,
  kAnnounce = 41,
  kAnnounced = 42,
  kUnpin = 43,
  kUnpinned = 44,
  kKeep = 45,
  kKept = 46,
  kUnpinNow = 47,
  kLess = 48,
  kFreed = 49,
  kPairHello = 64,
  kPairAccept = 65,
  kPairKeyring = 66,
  kPairDone = 67,
  kPut = 0x8001,  // bulk
  kData = 0x8002,
};

// Kinds of sessions, and what each may say (message_rule).
enum class SessionKind : uint8_t { kMember = 1, kPairing = 2, kRecovery = 3 };

inline bool is_bulk(MessageType type) { return (static_cast<uint16_t>(type) & 0x8000) != 0; }
const char* message_name(MessageType type);

// Bounds of a body (control) or head (bulk), known before a byte of it is read. Null for a type
// that does not exist. `allowed` is a mask of 1 << SessionKind.
struct MessageRule {
  MessageType type;
  const char* name;
  uint16_t bytes_min;
  uint16_t bytes_max;
  uint8_t allowed;
  bool allowed_in(SessionKind kind) const { return (allowed >> static_cast<uint8_t>(kind)) & 1; }
};
const MessageRule* message_rule(uint16_t type);

using StatementKey = std::array<uint8_t, limits::kStatementKeyBytes>;
static_assert(sizeof(StatementKey) == 40 && alignof(StatementKey) == 1);
static_assert(sizeof(ChunkId) == 32 && alignof(ChunkId) == 1);

// First message of both sides on a member session, and of the answering side on a recovery one.
struct HelloMessage {
  static constexpr MessageType kType = MessageType::kHello;
  static constexpr size_t kBytesMin = 177;
  static constexpr size_t kBytesMax =
      kBytesMin + limits::kNameBytesMax + limits::kBoardNameBytesMax;
  uint16_t protocol = limits::kProtocolVersion;
  uint16_t feature = limits::kFeatureLevel;
  NodeId node;
  uint64_t boot_id = 0;                                   // random at each start
  std::array<uint8_t, limits::kStoreIdBytes> store_id{};  // a new one: believe nothing cached
  uint16_t listen_port = 0;                               // 0 = does not listen
  uint32_t capacity_gib = 0;
  uint32_t free_gib = 0;
  uint64_t number_known = 0;  // the highest number I ever stored for you (DESIGN 6, Pins)
  Key32 membership_digest{};
  Key32 heads_digest{};
  uint8_t state = 0;       // told store state: 0 ok, 1 full, 2 read only, 3 failed
  MeshId mesh;             // another mesh: the session is closed
  std::string_view name;   // at most kNameBytesMax
  std::string_view board;  // told, for people only

  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, HelloMessage* to);
};

struct PingMessage {  // PONG repeats the nonce
  static constexpr MessageType kType = MessageType::kPing;
  static constexpr size_t kBytesMin = 8;
  static constexpr size_t kBytesMax = 8;
  uint64_t nonce = 0;
  void encode(ByteWriter& to) const { to.u64(nonce); }
  static Status decode(Bytes body, PingMessage* to);
};

// ---- Statements: kind 1 membership, 2 heads (further ones behind a feature level) ----
struct StatementIdsMessage {
  static constexpr MessageType kType = MessageType::kStatementIds;
  static constexpr size_t kBytesMin = 4;
  static constexpr size_t kBytesMax =
      kBytesMin + limits::kStatementKeysMax * limits::kStatementKeyBytes;
  uint8_t kind = 0;
  bool more = false;  // further STATEMENT_IDS of this kind follow
  std::span<const StatementKey> keys;
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, StatementIdsMessage* to);
};

struct StatementGetMessage {  // answered by one STATEMENT per key that is held
  static constexpr MessageType kType = MessageType::kStatementGet;
  static constexpr size_t kBytesMin = 4;
  static constexpr size_t kBytesMax = StatementIdsMessage::kBytesMax;
  uint8_t kind = 0;
  std::span<const StatementKey> keys;
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, StatementGetMessage* to);
};

struct StatementMessage {
  static constexpr MessageType kType = MessageType::kStatement;
  static constexpr size_t kBytesMin = 2;
  static constexpr size_t kBytesMax = kBytesMin + limits::kStatementBytesMax;
  uint8_t kind = 0;
  Bytes bytes;  // the signed statement, 1 .. kStatementBytesMax
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, StatementMessage* to);
};

// ---- Records ----
// How a holder answers. Each decoder names the ones it accepts.
enum class Answer : uint8_t {
  kDurable = 0,   // on disk, fsync done
  kWant = 1,      // PINNED only: a receive slot is reserved, send PUT
  kBusy = 2,      // no slot now: try again later
  kFull = 3,      // no room: ask the next home
  kRefused = 4,   // not from you, not this
  kCorrupt = 5,   // STORED: SHA-256 differs from C. MISSING: our copy is damaged
  kNotFound = 6,  // MISSING only
};

// `request` is chosen by the asking side and repeated in the answer; unique per session and time.
struct PinMessage {
  static constexpr MessageType kType = MessageType::kPin;
  static constexpr size_t kBytesMin = 4 + 32 + 1 + 4 + 32 + 8;
  static constexpr size_t kBytesMax = kBytesMin;
  uint32_t request = 0;
  ChunkId c;
  ChunkType type = ChunkType::kData;
  uint32_t size = 0;  // of the record, 1 .. kRecordBytesMax
  NodeId owner;       // whose pin; the sender, except when healing
  uint64_t number = 0;
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, PinMessage* to);
};

struct PinnedMessage {  // kDurable, kWant, kBusy, kFull, kRefused
  static constexpr MessageType kType = MessageType::kPinned;
  static constexpr size_t kBytesMin = 5;
  static constexpr size_t kBytesMax = 5;
  uint32_t request = 0;
  Answer answer = Answer::kRefused;
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, PinnedMessage* to);
};

struct StoredMessage {  // kDurable, kBusy, kFull, kRefused, kCorrupt
  static constexpr MessageType kType = MessageType::kStored;
  static constexpr size_t kBytesMin = 5;
  static constexpr size_t kBytesMax = 5;
  uint32_t request = 0;
  Answer answer = Answer::kRefused;
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, StoredMessage* to);
};

struct PutHead {  // bulk: the record follows
  static constexpr MessageType kType = MessageType::kPut;
  static constexpr size_t kBytesMin = 4 + 32 + 1 + 32 + 8;
  static constexpr size_t kBytesMax = kBytesMin;
  uint32_t request = 0;  // of the PIN that was answered kWant
  ChunkId c;
  ChunkType type = ChunkType::kData;
  NodeId owner;
  uint64_t number = 0;
  void encode(ByteWriter& to) const;
  static Status decode(Bytes head, PutHead* to);
};

struct GetMessage {  // answered by DATA or MISSING
  static constexpr MessageType kType = MessageType::kGet;
  static constexpr size_t kBytesMin = 36;
  static constexpr size_t kBytesMax = 36;
  uint32_t request = 0;
  ChunkId c;
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, GetMessage* to);
};

struct DataHead {  // bulk: the record follows
  static constexpr MessageType kType = MessageType::kData;
  static constexpr size_t kBytesMin = 36;
  static constexpr size_t kBytesMax = 36;
  uint32_t request = 0;
  ChunkId c;
  void encode(ByteWriter& to) const;
  static Status decode(Bytes head, DataHead* to);
};

struct MissingMessage {  // kBusy, kRefused, kCorrupt, kNotFound
  static constexpr MessageType kType = MessageType::kMissing;
  static constexpr size_t kBytesMin = 5;
  static constexpr size_t kBytesMax = 5;
  uint32_t request = 0;
  Answer answer = Answer::kNotFound;
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, MissingMessage* to);
};

// ---- A holder found rot among what it keeps: whoever pins there should ask for digests again ----
struct LessMessage {
  static constexpr MessageType kType = MessageType::kLess;
  static constexpr size_t kBytesMin = 8;
  static constexpr size_t kBytesMax = 8;
  uint64_t damaged = 0;  // entries found so far, for the log
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, LessMessage* to);
};

// ---- To a device that is leaving: all the sender's records have their copies without it ----
struct FreedMessage {
  static constexpr MessageType kType = MessageType::kFreed;
  static constexpr size_t kBytesMin = 8;
  static constexpr size_t kBytesMax = 8;
  uint64_t records = 0;  // of the sender, for the log
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, FreedMessage* to);
};

// ---- Digests of (owner, bucket): which pinned records a holder has ----
struct DigestMessage {
  static constexpr MessageType kType = MessageType::kDigest;
  static constexpr size_t kBytesMin = 36;
  static constexpr size_t kBytesMax = 36;
  uint32_t request = 0;
  NodeId owner;
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, DigestMessage* to);
};

struct PinDigest {  // the store's BucketDigest on the wire: 20 bytes
  uint32_t count = 0;
  uint64_t sum_hi = 0;  // sum mod 2^128 of the first 16 bytes of each C
  uint64_t sum_lo = 0;
  bool operator==(const PinDigest&) const = default;
};

struct DigestsMessage {
  static constexpr MessageType kType = MessageType::kDigests;
  static constexpr size_t kBytesMin = 4 + limits::kPinBuckets * 20;
  static constexpr size_t kBytesMax = kBytesMin;
  uint32_t request = 0;
  std::array<PinDigest, limits::kPinBuckets> buckets{};
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, DigestsMessage* to);
};

struct PinnedListMessage {
  static constexpr MessageType kType = MessageType::kPinnedList;
  static constexpr size_t kBytesMin = 4 + 32 + 1 + 32;
  static constexpr size_t kBytesMax = kBytesMin;
  uint32_t request = 0;
  NodeId owner;
  uint8_t bucket = 0;
  ChunkId after;  // zero = from the beginning
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, PinnedListMessage* to);
};

struct PinnedChunksMessage {
  static constexpr MessageType kType = MessageType::kPinnedChunks;
  static constexpr size_t kBytesMin = 4 + 1 + 1 + 2;
  static constexpr size_t kBytesMax = kBytesMin + limits::kPinnedChunksMax * 32;
  uint32_t request = 0;
  uint8_t bucket = 0;
  bool more = false;                // ask again after the last one
  std::span<const ChunkId> chunks;  // in rising order, all of `bucket` (checked by decode)
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, PinnedChunksMessage* to);
};

// ---- Giving up (src/mesh/data/DATA.md) ----
struct AnnounceMessage {  // "I may unpin up to this number": stored durably before it is answered
  static constexpr MessageType kType = MessageType::kAnnounce;
  static constexpr size_t kBytesMin = 12;
  static constexpr size_t kBytesMax = 12;
  uint32_t request = 0;
  uint64_t number = 0;  // of the sender's pins, 1 .. limits::kNumberMax
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, AnnounceMessage* to);
};

struct AnnouncedMessage {  // kDurable, kBusy, kFull, kRefused
  static constexpr MessageType kType = MessageType::kAnnounced;
  static constexpr size_t kBytesMin = 5;
  static constexpr size_t kBytesMax = 5;
  uint32_t request = 0;
  Answer answer = Answer::kRefused;
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, AnnouncedMessage* to);
};

struct UnpinMessage {
  static constexpr MessageType kType = MessageType::kUnpin;
  static constexpr size_t kBytesMin = 5;
  static constexpr size_t kBytesMax = 4 + limits::kStatementBytesMax;
  uint32_t request = 0;
  Bytes statement;  // signed (src/mesh/removal/unpin.h), 1 .. kStatementBytesMax
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, UnpinMessage* to);
};

struct UnpinNowMessage {  // the same without the minimum age; answered by UNPINNED
  static constexpr MessageType kType = MessageType::kUnpinNow;
  static constexpr size_t kBytesMin = 4 + 64 + 1;
  static constexpr size_t kBytesMax = 4 + 64 + limits::kStatementBytesMax;
  uint32_t request = 0;
  Signature cosignature{};  // of the recovery key over the statement (src/mesh/removal/unpin.h)
  Bytes statement;          // as in UNPIN
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, UnpinNowMessage* to);
};

struct UnpinnedMessage {  // kDurable: it waits for its minimum age, or nothing was left to take
  static constexpr MessageType kType = MessageType::kUnpinned;
  static constexpr size_t kBytesMin = 5;
  static constexpr size_t kBytesMax = 5;
  uint32_t request = 0;
  Answer answer = Answer::kRefused;
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, UnpinnedMessage* to);
};

// "I would let this record go; do you keep it?" Rows: owner ‖ number (be64) of the sender's pins.
struct KeepMessage {
  static constexpr MessageType kType = MessageType::kKeep;
  static constexpr size_t kBytesMin = 4 + 32 + 1 + 40;
  static constexpr size_t kBytesMax = 4 + 32 + 1 + limits::kMembersMax * 40;
  uint32_t request = 0;
  ChunkId c;
  std::span<const StatementKey> pins;  // 1 .. kMembersMax, rising
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, KeepMessage* to);
};

struct KeptMessage {  // kDurable: held, re-hashed, these pins merged, and not being released here
  static constexpr MessageType kType = MessageType::kKept;
  static constexpr size_t kBytesMin = 5;
  static constexpr size_t kBytesMax = 5;
  uint32_t request = 0;
  Answer answer = Answer::kRefused;  // kDurable, kBusy, kRefused, kCorrupt, kNotFound
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, KeptMessage* to);
};

// ---- Pairing sessions: joiner -> HELLO, inviter -> ACCEPT, (full) KEYRING, joiner -> DONE ----
// Between ACCEPT and DONE the inviter also sends STATEMENT of kind 1 for every statement it has.
// `proof` signs statement_digest("pair", 1, mesh or zeros, role of the signer ‖ session binding ‖
// body without the proof): a key can be claimed only by who holds it, on this very session.
struct PairHelloMessage {
  static constexpr MessageType kType = MessageType::kPairHello;
  static constexpr size_t kBytesMin = 2 + 2 + 65 + 65 + 4 + 1 + 64;
  static constexpr size_t kBytesMax = kBytesMin + limits::kNameBytesMax;
  uint16_t protocol = limits::kProtocolVersion;
  uint16_t feature = limits::kFeatureLevel;
  PublicKey sign_key{};
  PublicKey wrap_key{};
  uint32_t capacity_gib = 0;
  std::string_view name;  // may be empty: the inviter chooses
  Signature proof{};
  // The bytes before `proof`: what it signs.
  void encode_signed_part(ByteWriter& to) const;
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, PairHelloMessage* to);
};

struct PairAcceptMessage {
  static constexpr MessageType kType = MessageType::kPairAccept;
  static constexpr size_t kBytesMin = 1 + 32 + 65 + 32 + 4 + 32 + 64;
  static constexpr size_t kBytesMax = kBytesMin;
  uint8_t role = 0;  // 1 full, 2 vault
  MeshId mesh;
  PublicKey sign_key{};      // of the inviter
  StatementId add;           // the ADD statement that made the joiner a member
  uint32_t disc_number = 0;  // K_disc
  Secret<32> disc_key;
  Signature proof{};
  void encode_signed_part(ByteWriter& to) const;
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, PairAcceptMessage* to);
};

struct PairKeyringMessage {  // to a full node only; opaque to mesh
  static constexpr MessageType kType = MessageType::kPairKeyring;
  static constexpr size_t kBytesMin = 3;
  static constexpr size_t kBytesMax = 2 + limits::kKeyringBlobBytesMax;
  Bytes blob;  // 1 .. kKeyringBlobBytesMax
  void encode(ByteWriter& to) const;
  static Status decode(Bytes body, PairKeyringMessage* to);
};

struct PairDoneMessage {  // the joiner has made everything durable (status 0), or gave up
  static constexpr MessageType kType = MessageType::kPairDone;
  static constexpr size_t kBytesMin = 1;
  static constexpr size_t kBytesMax = 1;
  uint8_t status = 0;
  void encode(ByteWriter& to) const { to.u8(status); }
  static Status decode(Bytes body, PairDoneMessage* to);
};

}  // namespace drey
