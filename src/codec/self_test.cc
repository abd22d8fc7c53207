#include "codec/self_test.h"

#include "codec/aead.h"
#include "codec/hpke.h"
#include "codec/seal.h"
#include "crypto/hex.h"

namespace drey {
namespace {

bool aead_is_right() {  // RFC 8439, section 2.8.2
  static constexpr std::string_view kPlain =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
      "sunscreen would be it.";
  Secret<32> key;
  key.raw = hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
  constexpr auto kNonce = hex("070000004041424344454647");
  constexpr auto kAad = hex("50515253c0c1c2c3c4c5c6c7");
  std::array<uint8_t, kPlain.size() + kAeadTagBytes> sealed;
  aead_seal(key, kNonce, kAad, as_bytes(kPlain), sealed);
  if (sealed != hex("d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
                    "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
                    "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
                    "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"))
    return false;
  MutBytes in_place = MutBytes(sealed).first(kPlain.size());
  if (!ok(aead_open(key, kNonce, kAad, sealed, in_place))) return false;
  return as_text(in_place) == kPlain;
}

Status test_hpke() {  // RFC 9180, appendix A.5.1, sequence number 0
  KeyPair pair;
  DREY_TRY(derive_key_pair(hex("61092f3f56994dd424405899154a9918353e3e008171517ad576b900ddb275e7"),
                           &pair));
  if (pair.secret.raw != hex("a4d1c55836aa30f9b3fbb6ac98d338c877c2867dd3a77396d13f68d3ab150d3b"))
    return Status::kCorrupt;
  static constexpr auto kSealed =
      hex("04c07836a0206e04e31d8ae99bfd549380b072a1b1b82e563c935c095827824fc1"
          "559eac6fb9e3c70cd3193968994e7fe9781aa103f5b50e934b5b2f387e381291"
          "6469c41c5c81d3aa85432531ecf6460ec945bde1eb428cb2fedf7a29f5a685b4"
          "ccb0d057f03ea2952a27bb458b");
  std::array<uint8_t, kSealed.size() - kHpkeOverheadBytes> plain;
  Status status =
      hpke_open(pair, as_bytes("Ode on a Grecian Urn"), as_bytes("Count-0"), kSealed, plain);
  if (!ok(status)) return status == Status::kBusy ? status : Status::kCorrupt;
  return as_text(plain) == "Beauty is truth, truth beauty" ? Status::kOk : Status::kCorrupt;
}

// The keyring of the golden records: mesh id 00.., M 40.., one epoch with seed 80...
Keyring golden_keyring() {
  MeshId mesh;
  Secret<32> secret;
  Epoch epoch;
  epoch.id = 0x0102030405060708;
  for (uint8_t i = 0; i < 32; ++i) {
    mesh.raw[i] = i;
    secret.raw[i] = static_cast<uint8_t>(0x40 + i);
    epoch.seed.raw[i] = static_cast<uint8_t>(0x80 + i);
  }
  Keyring keyring;
  keyring.reset(mesh, secret);
  (void)keyring.add_epoch(epoch);  // the first one always fits
  return keyring;
}

constexpr auto kGoldenRaw =
    hex("4452455901000101080706050403020181856eef7f5b19bc752a38d4"
        "712657f1bd6cd881935f25c848e8f4cded56a2aa79338dc1534792f4");
constexpr auto kGoldenZstd =
    hex("4452455901000102080706050403020131c8fa02ec28ebafc9c054b5"
        "65219563e3cfcdc66344289314a8a36791a51a86c276a18dedfcad4096916d84"
        "b7918623ade940c22963bb0c");
constexpr auto kGoldenZlib =
    hex("445245590100010208070605040302016784782ca8f5e7ccafaf0883"
        "ec394f522640773a0409e7673f4ecadc5f0e2e951fdf429fec5166af6eb93f65"
        "7ddf7582aa3a0421957d93d4");

bool golden_opens(const Keyring& keyring, Compressor& compressor, ChunkType type, Bytes golden,
                  Bytes plain) {
  std::array<uint8_t, 128> record;
  std::array<uint8_t, 1000> room;
  std::memcpy(record.data(), golden.data(), golden.size());
  size_t size = 0;
  ContentId content = content_id(keyring, type, plain);
  return ok(open(keyring, compressor, type, content, MutBytes(record).first(golden.size()), room,
                 &size)) &&
         equal(Bytes(room).first(size), plain);
}

// FORMAT.md. Sealing is compared for the raw record only: another zstd may compress differently.
bool golden_records_are_right(Compressor& compressor) {
  const Keyring keyring = golden_keyring();
  std::array<uint8_t, 128> room;
  size_t size = 0;
  ChunkId chunk;
  ContentId content = content_id(keyring, ChunkType::kData, as_bytes("drey"));
  if (!ok(seal(keyring, compressor, {false, CodecId::kRaw, 0}, ChunkType::kData, content,
               as_bytes("drey"), room, &size, &chunk)))
    return false;
  if (!equal(Bytes(room).first(size), kGoldenRaw)) return false;
  if (chunk.raw != hex("93f17a25438fcfc1b495aba2f983a1dcaa08b5d7c335248f136192abe38fe21c"))
    return false;
  std::array<uint8_t, 1000> letters;
  letters.fill('x');
  return golden_opens(keyring, compressor, ChunkType::kData, kGoldenRaw, as_bytes("drey")) &&
         golden_opens(keyring, compressor, ChunkType::kPage, kGoldenZstd, letters) &&
         golden_opens(keyring, compressor, ChunkType::kPage, kGoldenZlib, letters);
}

}  // namespace

Status codec_self_test(Compressor& compressor) {
  if (!aead_is_right() || !golden_records_are_right(compressor)) return Status::kCorrupt;
  return test_hpke();
}

}  // namespace drey
