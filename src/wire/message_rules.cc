#include <algorithm>

#include "wire/messages.h"

namespace drey {
namespace {

constexpr uint8_t mask(SessionKind kind) {
  return static_cast<uint8_t>(1 << static_cast<int>(kind));
}
constexpr uint8_t kMember = mask(SessionKind::kMember);
constexpr uint8_t kPairing = mask(SessionKind::kPairing);
constexpr uint8_t kRecovery = mask(SessionKind::kRecovery);
constexpr uint8_t kAll = kMember | kPairing | kRecovery;

template <class M>
constexpr MessageRule rule(const char* name, uint8_t allowed) {
  static_assert(M::kBytesMin <= M::kBytesMax);
  static_assert(M::kBytesMax <= (static_cast<uint16_t>(M::kType) & 0x8000
                                     ? limits::kBulkHeadBytesMax
                                     : limits::kControlBytesMax));
  return {M::kType, name, static_cast<uint16_t>(M::kBytesMin), static_cast<uint16_t>(M::kBytesMax),
          allowed};
}

constexpr MessageRule kRules[] = {
    rule<HelloMessage>("hello", kMember | kRecovery),
    rule<PingMessage>("ping", kAll),
    {MessageType::kPong, "pong", PingMessage::kBytesMin, PingMessage::kBytesMax, kAll},
    rule<StatementIdsMessage>("statement_ids", kAll),
    rule<StatementGetMessage>("statement_get", kAll),
    rule<StatementMessage>("statement", kAll),
    rule<PinMessage>("pin", kMember),
    rule<PinnedMessage>("pinned", kMember),
    rule<StoredMessage>("stored", kMember),
    rule<GetMessage>("get", kMember | kRecovery),
    rule<MissingMessage>("missing", kMember | kRecovery),
    rule<DigestMessage>("digest", kMember),
    rule<DigestsMessage>("digests", kMember),
    rule<PinnedListMessage>("pinned_list", kMember),
    rule<PinnedChunksMessage>("pinned_chunks", kMember),
    rule<LessMessage>("less", kMember),
    rule<AnnounceMessage>("announce", kMember),
    rule<AnnouncedMessage>("announced", kMember),
    rule<UnpinMessage>("unpin", kMember),
    rule<UnpinnedMessage>("unpinned", kMember),
    rule<KeepMessage>("keep", kMember),
    rule<KeptMessage>("kept", kMember),
    rule<UnpinNowMessage>("unpin_now", kMember),
    rule<FreedMessage>("freed", kMember),
    rule<PairHelloMessage>("pair_hello", kPairing),
    rule<PairAcceptMessage>("pair_accept", kPairing),
    rule<PairKeyringMessage>("pair_keyring", kPairing),
    rule<PairDoneMessage>("pair_done", kPairing),
    rule<PutHead>("put", kMember),
    rule<DataHead>("data", kMember | kRecovery),
};

}  // namespace

const MessageRule* message_rule(uint16_t type) {
  const auto* found = std::find_if(std::begin(kRules), std::end(kRules), [type](const auto& rule) {
    return static_cast<uint16_t>(rule.type) == type;
  });
  return found == std::end(kRules) ? nullptr : found;
}

const char* message_name(MessageType type) {
  const MessageRule* rule = message_rule(static_cast<uint16_t>(type));
  return rule != nullptr ? rule->name : "?";
}

}  // namespace drey
