#include "codec/phrase.h"

#include "codec/hpke.h"
#include "crypto/hash.h"
#include "drey/check.h"

namespace drey {
namespace {

constexpr std::string_view kConsonants = "bdfghjklmnprstvz";
constexpr std::string_view kVowels = "aiou";
constexpr size_t kWordLetters = 5;

bool is_separator(char c) {
  return c == ' ' || c == '-' || c == ',' || c == '\t' || c == '\r' || c == '\n';
}

// Consonant, vowel, consonant, vowel, consonant: 4 + 2 + 4 + 2 + 4 bits, highest first.
void format_word(uint16_t value, char* to) {
  static constexpr int kShift[kWordLetters] = {12, 10, 6, 4, 0};
  for (size_t i = 0; i < kWordLetters; ++i) {
    unsigned bits = static_cast<unsigned>(value) >> kShift[i];
    to[i] = i % 2 == 0 ? kConsonants[bits & 15] : kVowels[bits & 3];
  }
}

bool parse_word(std::string_view word, uint16_t* value) {
  if (word.size() != kWordLetters) return false;
  unsigned bits = 0;
  for (size_t i = 0; i < kWordLetters; ++i) {
    char c = word[i] >= 'A' && word[i] <= 'Z' ? static_cast<char>(word[i] - 'A' + 'a') : word[i];
    size_t index = (i % 2 == 0 ? kConsonants : kVowels).find(c);
    if (index == std::string_view::npos) return false;
    bits = (bits << (i % 2 == 0 ? 4 : 2)) | static_cast<unsigned>(index);
  }
  *value = static_cast<uint16_t>(bits);
  return true;
}

std::string_view format_words(std::span<const uint16_t> words, char separator, MutBytes to) {
  size_t size = words.size() * (kWordLetters + 1) - 1;
  DREY_CHECK(to.size() >= size);
  char* at = reinterpret_cast<char*>(to.data());
  for (size_t i = 0; i < words.size(); ++i) {
    if (i != 0) *at++ = separator;
    format_word(words[i], at);
    at += kWordLetters;
  }
  return {reinterpret_cast<char*>(to.data()), size};
}

Status parse_words(std::string_view text, std::span<uint16_t> words, size_t* bad_word) {
  size_t count = 0;
  size_t at = 0;
  size_t bad = 0;
  while (bad == 0) {
    while (at < text.size() && is_separator(text[at])) ++at;
    if (at == text.size()) break;
    size_t end = at;
    while (end < text.size() && !is_separator(text[end])) ++end;
    if (count == words.size() || !parse_word(text.substr(at, end - at), &words[count]))
      bad = count + 1;
    ++count;
    at = end;
  }
  if (bad == 0 && count < words.size()) bad = count + 1;
  if (bad_word != nullptr) *bad_word = bad;
  return bad == 0 ? Status::kOk : Status::kInvalid;
}

// Words are big endian, as in the proquint paper; 16 bytes of secret, then 4 of check.
uint16_t load_word(Bytes bytes, size_t index) {
  return static_cast<uint16_t>(bytes[2 * index] << 8 | bytes[2 * index + 1]);
}
void store_word(MutBytes bytes, size_t index, uint16_t word) {
  bytes[2 * index] = static_cast<uint8_t>(word >> 8);
  bytes[2 * index + 1] = static_cast<uint8_t>(word);
}

std::array<uint8_t, 4> make_check(const Secret<16>& secret) {
  Sha256 hash;
  hash.update(as_bytes("drey phrase check"));
  hash.update(secret.bytes());
  Key32 digest = hash.finish();
  return {digest[0], digest[1], digest[2], digest[3]};
}

Status derive_labeled(const Phrase& phrase, std::string_view label, KeyPair* pair) {
  Secret<64> ikm;
  ByteWriter writer(ikm.mut());
  writer.text(label);
  writer.bytes(phrase.secret.bytes());
  return derive_key_pair(writer.written(), pair);
}

}  // namespace

Status phrase_generate(Random& random, Phrase* phrase) { return random.fill(phrase->secret.mut()); }

std::string_view phrase_format(const Phrase& phrase, MutBytes to) {
  std::array<uint16_t, kPhraseWords> words;
  std::array<uint8_t, 4> check = make_check(phrase.secret);
  for (size_t i = 0; i < 8; ++i) words[i] = load_word(phrase.secret.bytes(), i);
  for (size_t i = 0; i < 2; ++i) words[8 + i] = load_word(check, i);
  std::string_view text = format_words(words, ' ', to);
  wipe({reinterpret_cast<uint8_t*>(words.data()), sizeof(words)});
  return text;
}

Status phrase_parse(std::string_view text, Phrase* phrase, size_t* bad_word) {
  std::array<uint16_t, kPhraseWords> words{};
  Status status = parse_words(text, words, bad_word);
  Phrase parsed;
  std::array<uint8_t, 4> check;
  for (size_t i = 0; i < 8; ++i) store_word(parsed.secret.mut(), i, words[i]);
  for (size_t i = 0; i < 2; ++i) store_word(check, i, words[8 + i]);
  wipe({reinterpret_cast<uint8_t*>(words.data()), sizeof(words)});
  DREY_TRY(status);
  if (!equal_constant_time(check, make_check(parsed.secret))) return Status::kDenied;
  *phrase = parsed;
  return Status::kOk;
}

Status phrase_keys(const Phrase& phrase, KeyPair* signing, KeyPair* unwrapping) {
  DREY_TRY(derive_labeled(phrase, "drey phrase signing key", signing));
  return derive_labeled(phrase, "drey phrase unwrapping key", unwrapping);
}

Status pair_code_generate(Random& random, PairCode* code) {
  std::array<uint8_t, 2> room;
  DREY_TRY(random.fill(room));
  code->room = load_word(room, 0);
  return random.fill(code->secret.mut());
}

std::string_view pair_code_format(const PairCode& code, MutBytes to) {
  std::array<uint16_t, kPairCodeWords> words;
  words[0] = code.room;
  for (size_t i = 0; i < 3; ++i) words[1 + i] = load_word(code.secret.bytes(), i);
  std::string_view text = format_words(words, '-', to);
  wipe({reinterpret_cast<uint8_t*>(words.data()), sizeof(words)});
  return text;
}

Status pair_code_parse(std::string_view text, PairCode* code, size_t* bad_word) {
  std::array<uint16_t, kPairCodeWords> words{};
  Status status = parse_words(text, words, bad_word);
  if (ok(status)) {
    code->room = words[0];
    for (size_t i = 0; i < 3; ++i) store_word(code->secret.mut(), i, words[1 + i]);
  }
  wipe({reinterpret_cast<uint8_t*>(words.data()), sizeof(words)});
  return status;
}

}  // namespace drey
