// The recovery phrase's word on an UNPIN, for the command line, which alone knows the words
// (`forget --now`). Pure, any thread.
#pragma once

#include "crypto/sign.h"

namespace drey {

// kInvalid, kDenied, ...: no UNPIN of this mesh, rightly signed by its owner; nothing else is ever
// signed. kBusy.
Status sign_unpin_now(const KeyPair& recovery, const MeshId& mesh, Bytes unpin, Signature* to);

}  // namespace drey
