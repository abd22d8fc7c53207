// M2 and M10: what an outsider could learn or use from many records. DREY_SEALS=1000000 runs M2 at
// its full figure (a minute or two); the default is a sample.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>

#include "codec/seal.h"
#include "crypto/hash.h"
#include "unit/codec/support.h"

namespace drey {
namespace {

size_t seal_count() {
  const char* text = std::getenv("DREY_SEALS");
  return text != nullptr ? std::strtoul(text, nullptr, 10) : 15000;
}

// The key of a record is a function of (epoch, type, D), its nonce stands in it: so the pair (key,
// nonce) is known without a spy inside. All else of the record is ciphertext under that pair.
TEST(ManySeals, NoPairOfKeyAndNonceMeetsTwoInputs) {
  static Compressor compressor;
  static std::array<uint8_t, limits::kRecordBytesMax> room;
  std::vector<Compression> forms = {{false, CodecId::kRaw, 0}, Compression{}};
  for (int level = 1; level <= 9; ++level) forms.push_back({false, CodecId::kZlib, level});
  for (int level : {1, 3, 9, 19}) forms.push_back({false, CodecId::kZstd, level});
  Keyring keyring = test::golden_keyring();
  test::Generator generator(1);
  std::unordered_map<std::string, std::string> seen;  // (key, nonce) -> record
  size_t seals = 0, repeats = 0, wrong = 0;
  for (uint64_t number = 0; seals < seal_count(); ++number) {
    // The same plaintext in every form, for both types, and again under a later epoch.
    size_t size = generator.below(700);
    auto plain =
        number % 4 == 0 ? test::random_bytes(size, number) : test::text_bytes(size, number);
    ChunkType type = number % 2 == 0 ? ChunkType::kData : ChunkType::kPage;
    if (number == 5000) {
      Epoch epoch;
      epoch.id = keyring.current_epoch() + 1;
      epoch.seed.raw.fill(9);
      ASSERT_EQ(keyring.add_epoch(epoch), Status::kOk);
    }
    ContentId content = content_id(keyring, type, plain);
    size_t only = generator.below(forms.size());
    for (size_t i = 0; i < forms.size(); ++i) {
      if (number % 8 != 0 && i != only && i != 0) continue;
      size_t bytes = 0;
      ChunkId chunk;
      ASSERT_EQ(seal(keyring, compressor, forms[i], type, content, plain, room, &bytes, &chunk),
                Status::kOk);
      ++seals;
      std::string pair(as_text(content.bytes()));
      pair += as_text(Bytes(room).first(kRecordHeaderBytes));  // epoch, type, nonce
      auto [at, fresh] = seen.try_emplace(pair, as_text(chunk.bytes()));
      if (fresh) continue;
      ++repeats;  // the same form of the same content: must be the same record
      wrong += at->second != as_text(chunk.bytes()) ? 1 : 0;
    }
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(repeats, seals / 100);  // else the test met no repetition at all
}

TEST(ManySeals, DifferentContentsHaveDifferentNonces) {
  static Compressor compressor;
  static std::array<uint8_t, limits::kRecordBytesMax> room;
  Keyring keyring = test::golden_keyring();
  std::unordered_map<std::string, size_t> nonces;
  for (size_t i = 0; i < 5000; ++i) {
    auto plain = test::random_bytes(20, i);
    size_t bytes = 0;
    ChunkId chunk;
    ASSERT_EQ(seal(keyring, compressor, {false, CodecId::kRaw, 0}, ChunkType::kData,
                   content_id(keyring, ChunkType::kData, plain), plain, room, &bytes, &chunk),
              Status::kOk);
    ++nonces[std::string(as_text(Bytes(room).subspan(16, 12)))];
  }
  EXPECT_EQ(nonces.size(), 5000u);
}

TEST(RecordSizes, EveryLengthUpToALargeChunkGivesAPadmeSize) {
  size_t classes = 0, last = 0;
  for (size_t size = 0; size <= limits::kChunkBytesMax; ++size) {
    size_t record = padme_size(kRecordBytesMin + size);
    ASSERT_EQ(padme_size(record), record);
    ASSERT_GE(record, kRecordBytesMin + size);
    ASSERT_LE(record, limits::kRecordBytesMax);
    ASSERT_LE((record - kRecordBytesMin - size) * 100, 12 * record);
    classes += record != last ? 1 : 0;
    last = record;
  }
  EXPECT_LT(classes, 400u);  // a size tells one of so many classes, for any content
}

}  // namespace
}  // namespace drey
