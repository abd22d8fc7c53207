// What PAIR_HELLO and PAIR_ACCEPT prove: whoever says "this is my key" holds it, and says so on
// this very session. Pure functions, any thread; they cost a signature: jobs.
#pragma once

#include "crypto/sign.h"
#include "wire/messages.h"

namespace drey {

Status sign_pair_hello(const KeyPair& joiner, const Key32& binding, PairHelloMessage* hello);
Status verify_pair_hello(const Key32& binding, const PairHelloMessage& hello);  // kDenied, kBusy
Status sign_pair_accept(const KeyPair& inviter, const Key32& binding, PairAcceptMessage* accept);
Status verify_pair_accept(const Key32& binding, const PairAcceptMessage& accept);

}  // namespace drey
