// Records. First byte: bit 0 = the input is P, the plaintext form inside a record, sealed here with
// the right keys, so that the decoder behind the tag is reached; else it is a record as it comes
// from a peer. Nothing but kOk ever leaves a byte in the room.
#include <algorithm>
#include <memory>
#include <vector>

#include "codec/aead.h"
#include "codec/seal.h"
#include "crypto/hash.h"
#include "drey/check.h"

namespace {

using namespace drey;

struct World {
  World() {
    Epoch epoch;
    epoch.id = 1;
    epoch.seed.raw.fill(0x80);
    Secret<32> secret;
    secret.raw.fill(0x40);
    keyring.reset(MeshId{}, secret);
    DREY_CHECK(ok(keyring.add_epoch(epoch)));
    content = content_id(keyring, ChunkType::kData, as_bytes("drey drey drey drey drey drey drey"));
  }
  Keyring keyring;
  Compressor compressor;
  ContentId content;
  std::array<uint8_t, limits::kRecordBytesMax> record, again;
  std::array<uint8_t, 4096> plain;  // small: it is wiped for each input
};

// A record whose inside is `p`, as a member with all keys could make it.
MutBytes seal_by_hand(World& world, Bytes p) {
  size_t size = padme_size(kRecordHeaderBytes + p.size() + kRecordTagBytes);
  if (size > world.record.size()) return {};
  MutBytes record = MutBytes(world.record).first(size);
  std::fill(record.begin(), record.end(), uint8_t{0});
  ByteWriter header(record);
  header.bytes(kRecordMagic);
  header.u16(kRecordVersion);
  header.u8(kRecordAlgorithm);
  header.u8(static_cast<uint8_t>(ChunkType::kData));
  header.u64(1);
  std::copy(p.begin(), p.end(), record.begin() + kRecordHeaderBytes);
  Secret<32> k_enc, key;
  DREY_CHECK(ok(world.keyring.k_enc(1, &k_enc)));
  HmacSha256 hmac(k_enc.bytes());
  hmac.update(as_bytes("drey seal"));
  hmac.update(record.subspan(4, 4));
  hmac.update(world.content.bytes());
  key.raw = hmac.finish();
  std::array<uint8_t, 16 + 32 + 32> aad{};
  ByteWriter to(aad);
  to.bytes(record.first(16));
  to.bytes(world.keyring.mesh().bytes());
  to.bytes(world.content.bytes());
  Bytes inside = record.subspan(kRecordHeaderBytes, size - kRecordHeaderBytes - kRecordTagBytes);
  aead_seal(key, AeadNonce{}, aad, inside, record.subspan(kRecordHeaderBytes));
  return record;
}

void try_open(World& world, MutBytes record) {
  RecordInfo info;
  Status inspected = inspect_record(record, &info);
  size_t size = 1;
  std::fill_n(world.plain.begin(), 64, uint8_t{0xee});
  Status opened = open(world.keyring, world.compressor, ChunkType::kData, world.content, record,
                       world.plain, &size);
  if (!ok(inspected)) DREY_CHECK(opened == inspected);
  if (!ok(opened)) {
    DREY_CHECK(size == 0);
    DREY_CHECK(
        std::all_of(world.plain.begin(), world.plain.end(), [](uint8_t b) { return b == 0; }));
    return;
  }
  DREY_CHECK(padme_size(record.size()) == record.size() && info.type == ChunkType::kData);
  Bytes plain = Bytes(world.plain).first(size);
  DREY_CHECK(content_id(world.keyring, ChunkType::kData, plain) == world.content);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::unique_ptr<World> world = std::make_unique<World>();
  if (size == 0) return 0;
  Bytes input(data + 1, size - 1);
  MutBytes record;
  if ((data[0] & 1) != 0) {
    record = seal_by_hand(*world, input);
    if (record.empty()) return 0;
  } else {
    if (input.size() > world->record.size()) return 0;
    std::copy(input.begin(), input.end(), world->record.begin());
    record = MutBytes(world->record).first(input.size());
  }
  try_open(*world, record);
  return 0;
}
