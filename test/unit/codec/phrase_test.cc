#include "codec/phrase.h"

#include <gtest/gtest.h>

#include <string>

#include "crypto/hex.h"
#include "unit/codec/support.h"

namespace drey {
namespace {

std::string format(const Phrase& phrase) {
  std::array<uint8_t, kPhraseTextBytes> room;
  return std::string(phrase_format(phrase, room));
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size(); at += 6) words.push_back(text.substr(at, 5));
  return words;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

constexpr const char* kGolden = "babid famug hidij kinul mofin popur sugit vuruz sagaz kunog";

TEST(Phrase, GoldenPhraseMatchesTheFormatPage) {
  Phrase phrase;
  phrase.secret.raw = hex("00112233445566778899aabbccddeeff");
  EXPECT_EQ(format(phrase), kGolden);
  KeyPair signing, unwrapping;
  ASSERT_EQ(phrase_keys(phrase, &signing, &unwrapping), Status::kOk);
  EXPECT_EQ(signing.pub, hex("04c734c5dfaabf749f016654f446f0ee4bc0288d16faccabd157abd372330dda09"
                             "f09921e1483f3366cb4991efd01b297e426122c9fa0f5ad5892279f3fef2f0d2"));
  EXPECT_EQ(unwrapping.pub,
            hex("047a94aa565e3018ba95cf2e925cdadcb8140a323c5d9a0605fbe2898b52535546"
                "d2d1d907a2c1339aa295a47e68aeff7a008a69ad70f34d957b132057fbed2805"));
}

TEST(Phrase, TenThousandPhrasesComeBack) {
  test::ScriptedRandom random(1);
  for (int i = 0; i < 10000; ++i) {
    Phrase phrase, back;
    ASSERT_EQ(phrase_generate(random, &phrase), Status::kOk);
    ASSERT_EQ(phrase_parse(format(phrase), &back), Status::kOk);
    ASSERT_EQ(back.secret.raw, phrase.secret.raw);
  }
}

TEST(Phrase, CaseSpacesAndHyphensDoNotMatter) {
  Phrase phrase;
  for (const char* text :
       {"BABID FAMUG HIDIJ KINUL MOFIN POPUR SUGIT VURUZ SAGAZ KUNOG",
        "babid-famug-hidij-kinul-mofin-popur-sugit-vuruz-sagaz-kunog",
        "  Babid, famug,\r\n hidij\tkinul   mofin - popur sugit vuruz sagaz kunog\n"})
    EXPECT_EQ(phrase_parse(text, &phrase), Status::kOk) << text;
}

TEST(Phrase, MalformedWordIsNamed) {
  Phrase phrase;
  size_t bad = 0;
  auto words = words_of(kGolden);
  for (size_t i = 0; i < words.size(); ++i)
    for (const char* wrong :
         {"babi", "babidd", "bcbid", "xabid", "babed", "b\303\244bi", "12345"}) {
      auto changed = words;
      changed[i] = wrong;
      EXPECT_EQ(phrase_parse(join(changed), &phrase, &bad), Status::kInvalid);
      EXPECT_EQ(bad, i + 1);
    }
  words.pop_back();
  EXPECT_EQ(phrase_parse(join(words), &phrase, &bad), Status::kInvalid);
  EXPECT_EQ(bad, 10u);
  EXPECT_EQ(phrase_parse(std::string(kGolden) + " babab", &phrase, &bad), Status::kInvalid);
  EXPECT_EQ(bad, 11u);
  EXPECT_EQ(phrase_parse("", &phrase, &bad), Status::kInvalid);
  EXPECT_EQ(bad, 1u);
}

// M6: the check has 32 bits, so none of these may pass in practice.
TEST(Phrase, WrongWordsAndSwapsFailTheCheck) {
  test::ScriptedRandom random(2);
  test::Generator generator(3);
  size_t denied = 0, tried = 0;
  for (int i = 0; i < 5000; ++i) {
    Phrase phrase, back;
    ASSERT_EQ(phrase_generate(random, &phrase), Status::kOk);
    auto words = words_of(format(phrase));
    Phrase donor;
    ASSERT_EQ(phrase_generate(random, &donor), Status::kOk);
    auto replaced = words;
    size_t at = generator.below(10);
    replaced[at] = words_of(format(donor))[generator.below(10)];
    auto swapped = words;
    std::swap(swapped[at], swapped[(at + 1 + generator.below(9)) % 10]);
    for (const auto& wrong : {replaced, swapped}) {
      if (wrong == words) continue;
      ++tried;
      if (phrase_parse(join(wrong), &back) == Status::kDenied) ++denied;
      EXPECT_EQ(back.secret.raw, (std::array<uint8_t, 16>{}));
    }
  }
  EXPECT_GT(tried, 9000u);
  EXPECT_EQ(denied, tried);
}

TEST(Phrase, KeysAreDeterministicAndDiffer) {
  test::ScriptedRandom random(4);
  Phrase phrase, other;
  ASSERT_EQ(phrase_generate(random, &phrase), Status::kOk);
  ASSERT_EQ(phrase_generate(random, &other), Status::kOk);
  KeyPair s1, u1, s2, u2, s3, u3;
  ASSERT_EQ(phrase_keys(phrase, &s1, &u1), Status::kOk);
  ASSERT_EQ(phrase_keys(phrase, &s2, &u2), Status::kOk);
  ASSERT_EQ(phrase_keys(other, &s3, &u3), Status::kOk);
  EXPECT_EQ(s1.pub, s2.pub);
  EXPECT_EQ(u1.pub, u2.pub);
  EXPECT_NE(s1.pub, u1.pub);
  EXPECT_NE(s1.pub, s3.pub);
  EXPECT_NE(u1.pub, u3.pub);
}

TEST(Phrase, WithoutRandomnessNoneIsMade) {
  test::ScriptedRandom random(5);
  random.fails = true;
  Phrase phrase;
  PairCode code;
  EXPECT_EQ(phrase_generate(random, &phrase), Status::kIo);
  EXPECT_EQ(pair_code_generate(random, &code), Status::kIo);
}

TEST(PairCode, CodesComeBackAndUseAllBits) {
  test::ScriptedRandom random(6);
  for (int i = 0; i < 1000; ++i) {
    PairCode code, back;
    ASSERT_EQ(pair_code_generate(random, &code), Status::kOk);
    std::array<uint8_t, kPairCodeTextBytes> room;
    std::string text(pair_code_format(code, room));
    ASSERT_EQ(text.size(), kPairCodeTextBytes);
    ASSERT_EQ(pair_code_parse(text, &back), Status::kOk);
    ASSERT_EQ(back.room, code.room);
    ASSERT_EQ(back.secret.raw, code.secret.raw);
  }
  PairCode code;
  code.room = 0x7f00;
  code.secret.raw = {0x00, 0x01, 0xff, 0xff, 0x12, 0x34};
  std::array<uint8_t, kPairCodeTextBytes> room;
  // 127.0.0.1 is the paper's own example.
  EXPECT_EQ(pair_code_format(code, room), "lusab-babad-zuzuz-damuh");
}

TEST(PairCode, MalformedWordIsNamed) {
  PairCode code;
  size_t bad = 0;
  EXPECT_EQ(pair_code_parse("lusab babad", &code, &bad), Status::kInvalid);
  EXPECT_EQ(bad, 3u);
  EXPECT_EQ(pair_code_parse("lusab-babaq-zuzuz-damuh", &code, &bad), Status::kInvalid);
  EXPECT_EQ(bad, 2u);
  EXPECT_EQ(pair_code_parse("lusab-babad-zuzuz-damuh-babad", &code, &bad), Status::kInvalid);
  EXPECT_EQ(bad, 5u);
  EXPECT_EQ(pair_code_parse("LUSAB BABAD ZUZUZ DAMUH", &code, &bad), Status::kOk);
  EXPECT_EQ(bad, 0u);
}

}  // namespace
}  // namespace drey
