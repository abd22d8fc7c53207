// The knock: the first kKnockBytes of a connection, before TLS (DESIGN 6). Who cannot knock gets no
// byte of an answer. Replaying a knock gains a handshake, no more. Any thread, no state.
//
// Member: nonce ‖ HMAC(K_disc, label ‖ nonce ‖ callee node id), with the number of K_disc. A caller
// who knows an address but not who lives there puts zeros for the callee: any member answers.
// Joiner: the public room word of the invitation. Recovery: the id of the recovery key, SHA-256 of
// its public half. Only a joiner gets an answer: the salt of this one connection's key.
#pragma once

#include "drey/ids.h"
#include "drey/status.h"
#include "wire/messages.h"

namespace drey {

struct Knock {
  SessionKind kind = SessionKind::kMember;
  uint32_t key_number = 0;                                // member
  std::array<uint8_t, limits::kKnockNonceBytes> nonce{};  // member
  Key32 tag{};                                            // member
  uint16_t room = 0;                                      // pairing
  Key32 recovery_id{};                                    // recovery
};

using KnockBytes = std::array<uint8_t, limits::kKnockBytes>;
void encode_knock(const Knock& knock, KnockBytes* to);
// kInvalid (not a knock), kUnsupported (a version we do not know).
Status decode_knock(const KnockBytes& from, Knock* to);

// The tag of a member's knock at `callee` (zeros: at anybody).
Key32 knock_tag(const Secret<32>& key, const Knock& knock, const NodeId& callee);
// True when `tag` was made for `self` or for anybody; time does not depend on the bytes.
bool knock_fits(const Secret<32>& key, const Knock& knock, const NodeId& self);

using PairingSalt = std::array<uint8_t, limits::kPairingSaltBytes>;
using KnockAnswer = std::array<uint8_t, limits::kKnockAnswerBytes>;
void encode_knock_answer(const PairingSalt& salt, KnockAnswer* to);
Status decode_knock_answer(const KnockAnswer& from, PairingSalt* to);  // kInvalid, kUnsupported

// PBKDF2-HMAC-SHA256 of the code's secret half: a job, tens of milliseconds on a small board.
void pairing_psk(const Secret<limits::kPairingCodeBytes>& code, const PairingSalt& salt,
                 Secret<limits::kPskBytes>* psk);

}  // namespace drey
