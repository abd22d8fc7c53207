// A keyring's encoding: one form per keyring, or nothing at all.
#include "codec/keyring.h"
#include "drey/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace drey;
  Bytes input(data, size);
  Keyring keyring;
  Epoch old;
  old.id = 7;
  DREY_CHECK(ok(keyring.add_epoch(old)));
  Status status = keyring.decode(input);
  if (!ok(status)) {
    DREY_CHECK(status == Status::kInvalid || status == Status::kUnsupported);
    DREY_CHECK(keyring.epoch_count() == 0 && keyring.beacon_key_count() == 0);
    DREY_CHECK(keyring.mesh().is_zero() && Id<int>{keyring.mesh_secret().raw}.is_zero());
    return 0;
  }
  DREY_CHECK(keyring.epoch_count() <= limits::kEpochsMax);
  for (size_t i = 1; i < keyring.epoch_count(); ++i)
    DREY_CHECK(keyring.epoch_at(i - 1).id < keyring.epoch_at(i).id);
  static std::array<uint8_t, Keyring::kEncodedBytesMax> room;
  Result<size_t> encoded = keyring.encode(room);
  DREY_CHECK(encoded.ok() && equal(Bytes(room).first(encoded.value()), input));
  Keyring other;
  other.reset(keyring.mesh(), keyring.mesh_secret());
  DREY_CHECK(ok(other.merge(keyring)) && other.epoch_count() == keyring.epoch_count());
  DREY_CHECK(ok(other.merge(keyring)) && other.encode(room).value() == input.size());
  DREY_CHECK(equal(Bytes(room).first(input.size()), input));
  if (keyring.epoch_count() != 0) {
    Secret<32> key;
    DREY_CHECK(keyring.current_epoch() != 0 && keyring.has_epoch(keyring.current_epoch()));
    DREY_CHECK(keyring.k_enc(keyring.current_epoch() + 1, &key) == Status::kNotFound);
  }
  return 0;
}
