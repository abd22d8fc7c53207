// `drey phrase new`: the statement that replaces the recovery phrase, put together by the command
// line, which alone knows the words. The daemon gives what is public or wrapped: the keyring
// wrapped to the new phrase's key, the mesh, the parents; and publishes what comes back. Pure, any
// thread.
#pragma once

#include <span>

#include "crypto/sign.h"
#include "drey/ids.h"
#include "drey/limits.h"

namespace drey {

struct PhraseChange {
  const KeyPair* old_signing = nullptr;
  const KeyPair* signing = nullptr;
  PublicKey unwrap_key{};  // of the new phrase
  MeshId mesh;
  size_t parent_count = 0;
  std::array<StatementId, limits::kStatementParentsMax> parents{};
  Bytes keyring;  // wrapped to unwrap_key
};
// RECOVERY, signed by both phrases. kInvalid, kTooLarge, kBusy.
Result<size_t> build_phrase_change(const PhraseChange& change, MutBytes to);

}  // namespace drey
