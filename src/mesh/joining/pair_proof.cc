#include "mesh/joining/pair_proof.h"

namespace drey {
namespace {

constexpr uint8_t kJoiner = 1;
constexpr uint8_t kInviter = 2;

template <class M>
Key32 proof_digest(uint8_t role, const MeshId& mesh, const Key32& binding, const M& message) {
  std::array<uint8_t, 1 + 32 + M::kBytesMax> bytes;
  ByteWriter out(bytes);
  out.u8(role);
  out.bytes(binding);
  message.encode_signed_part(out);
  return statement_digest("pair", 1, mesh, out.written());
}

}  // namespace

Status sign_pair_hello(const KeyPair& joiner, const Key32& binding, PairHelloMessage* hello) {
  return sign_digest(joiner, proof_digest(kJoiner, MeshId{}, binding, *hello), &hello->proof);
}

Status verify_pair_hello(const Key32& binding, const PairHelloMessage& hello) {
  return verify_digest(hello.sign_key, proof_digest(kJoiner, MeshId{}, binding, hello),
                       hello.proof);
}

Status sign_pair_accept(const KeyPair& inviter, const Key32& binding, PairAcceptMessage* accept) {
  return sign_digest(inviter, proof_digest(kInviter, accept->mesh, binding, *accept),
                     &accept->proof);
}

Status verify_pair_accept(const Key32& binding, const PairAcceptMessage& accept) {
  return verify_digest(accept.sign_key, proof_digest(kInviter, accept.mesh, binding, accept),
                       accept.proof);
}

}  // namespace drey
