#include "node/phrase_change.h"

#include "mesh/members/statement.h"

namespace drey {

Result<size_t> build_phrase_change(const PhraseChange& change, MutBytes to) {
  RecoveryBody body;
  body.keys.unwrap_key = change.unwrap_key;
  body.keyring = change.keyring;
  return build_recovery({change.old_signing, true}, change.mesh,
                        Parents(change.parents.data(), change.parent_count), *change.signing, body,
                        to);
}

}  // namespace drey
