#include "node/unpin_word.h"

#include "mesh/removal/unpin.h"

namespace drey {

Status sign_unpin_now(const KeyPair& recovery, const MeshId& mesh, Bytes unpin, Signature* to) {
  return cosign_unpin(recovery, mesh, unpin, to);
}

}  // namespace drey
