#include "crypto/hash.h"

// The chaining value must be carried in and out of mbedTLS's context, so that one code path serves
// mbedTLS and the kernels. 3.x calls the field private, 2.28 does not know the macro.
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>

#include <algorithm>

#include "crypto/kernels.h"
#include "drey/check.h"

namespace drey {
namespace {

constexpr size_t kBlockBytes = 64;
constexpr std::array<uint32_t, 8> kInitialState = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// Whole blocks given to a fresh context are compressed at once and nothing is buffered, so its
// state afterwards is the new chaining value.
void mbedtls_blocks(uint32_t state[8], const uint8_t* data, size_t blocks) {
  mbedtls_sha256_context context;
  mbedtls_sha256_init(&context);
#if MBEDTLS_VERSION_MAJOR >= 3
  int failed = mbedtls_sha256_starts(&context, 0);
  std::memcpy(context.state, state, 32);
  failed |= mbedtls_sha256_update(&context, data, blocks * kBlockBytes);
#else
  int failed = mbedtls_sha256_starts_ret(&context, 0);
  std::memcpy(context.state, state, 32);
  failed |= mbedtls_sha256_update_ret(&context, data, blocks * kBlockBytes);
#endif
  DREY_CHECK(failed == 0);  // only hardware drivers fail, and Debian builds none
  std::memcpy(state, context.state, 32);
  mbedtls_sha256_free(&context);
}

void compress_blocks(uint32_t state[8], const uint8_t* data, size_t blocks) {
  auto kernel = crypto_kernels().sha256_blocks;
  (kernel != nullptr ? kernel : mbedtls_blocks)(state, data, blocks);
}

template <size_t N>
void wipe_array(std::array<uint32_t, N>& words) {
  wipe({reinterpret_cast<uint8_t*>(words.data()), sizeof(words)});
}

}  // namespace

Sha256::Sha256() { reset(); }

Sha256::~Sha256() {
  wipe_array(state_);
  wipe(block_);
}

void Sha256::reset() {
  state_ = kInitialState;
  total_bytes_ = 0;
}

void Sha256::update(Bytes data) {
  if (data.empty()) return;
  size_t buffered = total_bytes_ % kBlockBytes;
  total_bytes_ += data.size();
  if (buffered != 0) {
    size_t take = std::min(kBlockBytes - buffered, data.size());
    std::memcpy(block_.data() + buffered, data.data(), take);
    data = data.subspan(take);
    if (buffered + take < kBlockBytes) return;
    compress_blocks(state_.data(), block_.data(), 1);
  }
  size_t blocks = data.size() / kBlockBytes;
  if (blocks != 0) compress_blocks(state_.data(), data.data(), blocks);
  data = data.subspan(blocks * kBlockBytes);
  if (!data.empty()) std::memcpy(block_.data(), data.data(), data.size());
}

Key32 Sha256::finish() {
  uint64_t total_bits = total_bytes_ * 8;
  size_t used = total_bytes_ % kBlockBytes;
  block_[used++] = 0x80;
  if (used > kBlockBytes - 8) {
    std::memset(block_.data() + used, 0, kBlockBytes - used);
    compress_blocks(state_.data(), block_.data(), 1);
    used = 0;
  }
  std::memset(block_.data() + used, 0, kBlockBytes - used);
  for (size_t i = 0; i < 8; ++i)
    block_[kBlockBytes - 1 - i] = static_cast<uint8_t>(total_bits >> (8 * i));
  compress_blocks(state_.data(), block_.data(), 1);
  Key32 digest;
  for (size_t i = 0; i < 32; ++i)
    digest[i] = static_cast<uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
  reset();
  return digest;
}

Key32 sha256(Bytes data) {
  Sha256 hash;
  hash.update(data);
  return hash.finish();
}

HmacSha256::HmacSha256(Bytes key) {
  std::array<uint8_t, kBlockBytes> block{};
  if (key.size() > kBlockBytes) {
    Key32 hashed = sha256(key);
    std::copy(hashed.begin(), hashed.end(), block.begin());
    wipe(hashed);
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }
  for (size_t i = 0; i < kBlockBytes; ++i) pad_[i] = block[i] ^ 0x36;
  wipe(block);
  inner_.update(pad_);
}

HmacSha256::~HmacSha256() { wipe(pad_); }

Key32 HmacSha256::finish() {
  Key32 inner_digest = inner_.finish();
  std::array<uint8_t, kBlockBytes> outer_pad;
  for (size_t i = 0; i < kBlockBytes; ++i) outer_pad[i] = pad_[i] ^ 0x36 ^ 0x5c;
  Sha256 outer;
  outer.update(outer_pad);
  outer.update(inner_digest);
  wipe(outer_pad);
  wipe(inner_digest);
  inner_.update(pad_);
  return outer.finish();
}

Key32 hmac_sha256(Bytes key, Bytes data) {
  HmacSha256 hmac(key);
  hmac.update(data);
  return hmac.finish();
}

void hkdf_extract(Bytes salt, Bytes input_key, Key32& prk) { prk = hmac_sha256(salt, input_key); }

void hkdf_expand(Bytes prk, Bytes info, MutBytes out) {
  DREY_CHECK(out.size() <= size_t{255} * 32);
  HmacSha256 hmac(prk);
  Key32 previous{};
  uint8_t counter = 0;
  for (size_t at = 0; at < out.size(); at += 32) {
    if (counter != 0) hmac.update(previous);
    hmac.update(info);
    ++counter;
    hmac.update({&counter, 1});
    previous = hmac.finish();
    std::memcpy(out.data() + at, previous.data(), std::min<size_t>(32, out.size() - at));
  }
  wipe(previous);
}

void hkdf(Bytes salt, Bytes input_key, Bytes info, MutBytes out) {
  Key32 prk;
  hkdf_extract(salt, input_key, prk);
  hkdf_expand(prk, info, out);
  wipe(prk);
}

void pbkdf2_sha256(Bytes password, Bytes salt, uint32_t iterations, MutBytes out) {
  DREY_CHECK(iterations > 0);
  const HmacSha256 keyed(password);  // copied, so that the key's two blocks are hashed once
  uint32_t index = 0;
  for (size_t at = 0; at < out.size(); at += 32) {
    ++index;
    const std::array<uint8_t, 4> be = {
        static_cast<uint8_t>(index >> 24), static_cast<uint8_t>(index >> 16),
        static_cast<uint8_t>(index >> 8), static_cast<uint8_t>(index)};
    HmacSha256 first = keyed;
    first.update(salt);
    first.update(be);
    Key32 u = first.finish();
    Key32 block = u;
    for (uint32_t i = 1; i < iterations; ++i) {
      HmacSha256 next = keyed;
      next.update(u);
      u = next.finish();
      for (size_t k = 0; k < 32; ++k) block[k] ^= u[k];
    }
    std::memcpy(out.data() + at, block.data(), std::min<size_t>(32, out.size() - at));
    wipe(u);
    wipe(block);
  }
}

}  // namespace drey
