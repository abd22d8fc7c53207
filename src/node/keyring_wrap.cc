#include "node/keyring_wrap.h"

namespace drey {
namespace {

Bytes label(Envelope kind) {
  return as_bytes(kind == Envelope::kRecovery ? "drey keyring for recovery"
                                              : "drey keyring for a new device");
}

struct Plain {
  std::array<uint8_t, Keyring::kEncodedBytesMax> bytes;
  ~Plain() { wipe(bytes); }
};

}  // namespace

Status wrap_keyring(Random& random, Envelope kind, const PublicKey& recipient,
                    const Keyring& keyring, MutBytes to, size_t* size) {
  Plain plain;
  Result<size_t> encoded = keyring.encode(plain.bytes);
  if (!encoded.ok()) return encoded.status();
  *size = encoded.value() + kHpkeOverheadBytes;
  if (to.size() < *size) return Status::kTooLarge;
  return hpke_seal(random, recipient, label(kind), {}, Bytes(plain.bytes).first(encoded.value()),
                   to.first(*size));
}

Status unwrap_keyring(Envelope kind, const KeyPair& recipient, const MeshId& mesh, Bytes wrapped,
                      Keyring* keyring) {
  Plain plain;
  if (wrapped.size() < kHpkeOverheadBytes ||
      wrapped.size() - kHpkeOverheadBytes > plain.bytes.size())
    return Status::kInvalid;
  MutBytes room = MutBytes(plain.bytes).first(wrapped.size() - kHpkeOverheadBytes);
  Status status = hpke_open(recipient, label(kind), {}, wrapped, room);
  if (status == Status::kCorrupt) return Status::kDenied;
  DREY_TRY(status);
  DREY_TRY(keyring->decode(room));
  keyring->set_mesh(mesh);
  return Status::kOk;
}

}  // namespace drey
