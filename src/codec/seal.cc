#include "codec/seal.h"

#include <algorithm>

#include "codec/aead.h"
#include "crypto/hash.h"

namespace drey {
namespace {

static_assert(kRecordTagBytes == kAeadTagBytes);

constexpr size_t kPublicHeaderBytes = 16;  // magic, version, algorithm, type, epoch: in the AAD
constexpr size_t kBodyAt = kRecordHeaderBytes + kRecordPrefixBytes;

using Header = std::array<uint8_t, kPublicHeaderBytes>;

size_t record_size_for(size_t stored_bytes) { return padme_size(kRecordBytesMin + stored_bytes); }

Header make_header(ChunkType type, uint64_t epoch) {
  Header header;
  ByteWriter writer(header);
  writer.bytes(kRecordMagic);
  writer.u16(kRecordVersion);
  writer.u8(kRecordAlgorithm);
  writer.u8(static_cast<uint8_t>(type));
  writer.u64(epoch);
  return header;
}

using Aad = std::array<uint8_t, kPublicHeaderBytes + 32 + 32>;

Aad make_aad(const Header& header, const MeshId& mesh, const ContentId& content) {
  Aad aad;
  ByteWriter writer(aad);
  writer.bytes(header);
  writer.bytes(mesh.bytes());
  writer.bytes(content.bytes());
  return aad;
}

// K = HMAC(K_enc(e), "drey seal" ‖ version ‖ alg ‖ type ‖ D): one key per content, never shared by
// two meanings.
Status seal_key(const Keyring& keyring, const Header& header, uint64_t epoch,
                const ContentId& content, Secret<32>* key) {
  Secret<32> k_enc;
  DREY_TRY(keyring.k_enc(epoch, &k_enc));
  HmacSha256 hmac(k_enc.bytes());
  hmac.update(as_bytes("drey seal"));
  hmac.update(Bytes(header).subspan(4, 4));  // version, algorithm, type
  hmac.update(content.bytes());
  key->raw = hmac.finish();
  return Status::kOk;
}

// Raw: P is a function of version and plaintext. Packed: also of the codec, its parameters and its
// library, so P itself enters; two different P of one D never meet under one (key, nonce).
Status seal_nonce(const Keyring& keyring, uint64_t epoch, const ContentId& content, CodecId codec,
                  Bytes p, AeadNonce* nonce) {
  Secret<32> k_nonce;
  DREY_TRY(keyring.k_nonce(epoch, &k_nonce));
  HmacSha256 hmac(k_nonce.bytes());
  if (codec == CodecId::kRaw) {
    hmac.update(as_bytes("raw"));
    hmac.update(content.bytes());
  } else {
    hmac.update(as_bytes("packed"));
    hmac.update(content.bytes());
    hmac.update(sha256(p));
  }
  Key32 code = hmac.finish();
  std::copy_n(code.begin(), nonce->size(), nonce->begin());
  return Status::kOk;
}

// Puts compressed or raw bytes at kBodyAt and tells which; *stored_bytes are their number.
Status store_body(Compressor& compressor, const Compression& compression, Bytes plain,
                  MutBytes record_room, CodecId* codec, size_t* stored_bytes) {
  size_t raw_size = record_size_for(plain.size());
  bool try_packed = compression.id != CodecId::kRaw && !plain.empty() &&
                    (!compression.automatic || compressor.looks_compressible(plain));
  if (try_packed && record_room.size() > kRecordBytesMin) {
    MutBytes room = record_room.subspan(kBodyAt, record_room.size() - kRecordBytesMin);
    Result<size_t> packed = compressor.compress(compression, plain, room);
    if (packed.ok() && record_size_for(packed.value()) < raw_size &&
        record_size_for(packed.value()) <= record_room.size()) {
      *codec = compression.id;
      *stored_bytes = packed.value();
      return Status::kOk;
    }
    if (!packed.ok() && packed.status() != Status::kTooLarge) return packed.status();
  }
  if (raw_size > record_room.size()) return Status::kTooLarge;
  if (!plain.empty()) std::memcpy(record_room.data() + kBodyAt, plain.data(), plain.size());
  *codec = CodecId::kRaw;
  *stored_bytes = plain.size();
  return Status::kOk;
}

// From an authenticated P to the plaintext; strict, because another member's program wrote P.
Status unpack(Compressor& compressor, Bytes p, size_t record_bytes, MutBytes plain_room,
              size_t* plain_size) {
  ByteReader reader(p);
  uint8_t codec = reader.u8();
  size_t length = reader.u32();
  if (!reader.ok() || length > limits::kChunkBytesMax) return Status::kCorrupt;
  if (length > plain_room.size()) return Status::kTooLarge;
  Bytes stored = p.subspan(kRecordPrefixBytes);
  size_t used = 0;
  DREY_TRY(
      compressor.decompress(static_cast<CodecId>(codec), stored, plain_room.first(length), &used));
  *plain_size = length;
  if (record_size_for(used) != record_bytes) return Status::kCorrupt;
  for (uint8_t padding : stored.subspan(used))
    if (padding != 0) return Status::kCorrupt;
  return Status::kOk;
}

Status open_checked(const Keyring& keyring, Compressor& compressor, ChunkType type,
                    const ContentId& content, MutBytes record, MutBytes plain_room,
                    size_t* plain_size) {
  RecordInfo info;
  DREY_TRY(inspect_record(record, &info));
  if (info.type != type) return Status::kCorrupt;
  Header header = make_header(type, info.epoch);
  Secret<32> key;
  DREY_TRY(seal_key(keyring, header, info.epoch, content, &key));
  AeadNonce nonce;
  std::copy_n(record.begin() + kPublicHeaderBytes, nonce.size(), nonce.begin());
  MutBytes sealed = record.subspan(kRecordHeaderBytes);
  MutBytes p = sealed.first(sealed.size() - kRecordTagBytes);
  DREY_TRY(aead_open(key, nonce, make_aad(header, keyring.mesh(), content), sealed, p));
  DREY_TRY(unpack(compressor, p, record.size(), plain_room, plain_size));
  ContentId found = content_id(keyring, type, plain_room.first(*plain_size));
  return equal_constant_time(found.bytes(), content.bytes()) ? Status::kOk : Status::kCorrupt;
}

}  // namespace

ContentId content_id(const Keyring& keyring, ChunkType type, Bytes plain) {
  const uint8_t type_byte = static_cast<uint8_t>(type);
  HmacSha256 hmac(keyring.k_dedup().bytes());
  hmac.update({&type_byte, 1});
  hmac.update(plain);
  return ContentId{hmac.finish()};
}

ChunkId chunk_id(Bytes record) { return ChunkId{sha256(record)}; }

Status seal(const Keyring& keyring, Compressor& compressor, const Compression& compression,
            ChunkType type, const ContentId& content, Bytes plain, MutBytes record_room,
            size_t* record_size, ChunkId* chunk) {
  if (plain.size() > limits::kChunkBytesMax) return Status::kTooLarge;
  uint64_t epoch = keyring.current_epoch();
  Header header = make_header(type, epoch);
  Secret<32> key;
  DREY_TRY(seal_key(keyring, header, epoch, content, &key));
  CodecId codec = CodecId::kRaw;
  size_t stored = 0;
  DREY_TRY(store_body(compressor, compression, plain, record_room, &codec, &stored));
  MutBytes record = record_room.first(record_size_for(stored));
  MutBytes p =
      record.subspan(kRecordHeaderBytes, record.size() - kRecordHeaderBytes - kRecordTagBytes);
  p[0] = static_cast<uint8_t>(codec);
  store_le(p.data() + 1, static_cast<uint32_t>(plain.size()));
  std::fill(p.begin() + static_cast<ptrdiff_t>(kRecordPrefixBytes + stored), p.end(), uint8_t{0});
  AeadNonce nonce;
  DREY_TRY(seal_nonce(keyring, epoch, content, codec, p, &nonce));
  std::copy(header.begin(), header.end(), record.begin());
  std::copy(nonce.begin(), nonce.end(), record.begin() + kPublicHeaderBytes);
  aead_seal(key, nonce, make_aad(header, keyring.mesh(), content), p,
            record.subspan(kRecordHeaderBytes));
  *record_size = record.size();
  *chunk = chunk_id(record);
  return Status::kOk;
}

Status open(const Keyring& keyring, Compressor& compressor, ChunkType type,
            const ContentId& content, MutBytes record, MutBytes plain_room, size_t* plain_size) {
  *plain_size = 0;
  Status status = open_checked(keyring, compressor, type, content, record, plain_room, plain_size);
  if (ok(status)) return status;
  *plain_size = 0;
  std::fill(plain_room.begin(), plain_room.end(), uint8_t{0});
  return status;
}

}  // namespace drey
