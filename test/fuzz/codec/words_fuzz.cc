// Phrase and pair code as a person may type them: what is accepted formats back to the same words,
// and every phrase that was shown is read again, in any case and with any separators between.
#include <algorithm>
#include <string>

#include "codec/phrase.h"
#include "drey/check.h"

namespace {

using namespace drey;

constexpr std::string_view kSeparators = " -,\t\r\n";

// Lower case, one `separator` between words, none around.
std::string plain_words(std::string_view text, char separator) {
  std::string words;
  bool gap = false;
  for (char c : text) {
    if (kSeparators.find(c) != std::string_view::npos) {
      gap = !words.empty();
      continue;
    }
    if (gap) words += separator;
    gap = false;
    words += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return words;
}

void try_text(std::string_view text) {
  size_t bad_word = 99;
  Phrase phrase;
  std::array<uint8_t, kPhraseTextBytes> room;
  Status status = phrase_parse(text, &phrase, &bad_word);
  DREY_CHECK((status == Status::kInvalid) == (bad_word != 0) && bad_word <= kPhraseWords + 1);
  if (ok(status)) DREY_CHECK(phrase_format(phrase, room) == plain_words(text, ' '));
  PairCode code;
  bad_word = 99;
  status = pair_code_parse(text, &code, &bad_word);
  DREY_CHECK(ok(status) == (bad_word == 0) && bad_word <= kPairCodeWords + 1);
  std::array<uint8_t, kPairCodeTextBytes> code_room;
  if (ok(status)) DREY_CHECK(pair_code_format(code, code_room) == plain_words(text, '-'));
}

// The words of `shown` with separators and capitals as `noise` says.
std::string typed(std::string_view shown, Bytes noise) {
  std::string text;
  size_t at = 0;
  for (char c : shown) {
    uint8_t n = noise.empty() ? 0 : noise[at++ % noise.size()];
    if (c == ' ') {
      for (size_t i = 0; i < 1u + n % 3; ++i) text += kSeparators[(n + i) % kSeparators.size()];
    } else {
      text += (n & 1) != 0 ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return text;
}

void try_secret(Bytes input) {
  Phrase phrase, again;
  if (input.size() < phrase.secret.raw.size()) return;
  std::copy_n(input.begin(), phrase.secret.raw.size(), phrase.secret.raw.begin());
  std::array<uint8_t, kPhraseTextBytes> room;
  std::string text = typed(phrase_format(phrase, room), input.subspan(16));
  DREY_CHECK(ok(phrase_parse(text, &again)) && again.secret.raw == phrase.secret.raw);
  // One letter swapped for another never opens the same phrase.
  size_t at = input[0] % text.size();
  if (kSeparators.find(text[at]) != std::string_view::npos) return;
  char old = text[at];
  text[at] = text[at] == 'b' || text[at] == 'B'   ? 'd'
             : text[at] == 'a' || text[at] == 'A' ? 'i'
                                                  : 'b';
  if (old != text[at] && ok(phrase_parse(text, &again)))
    DREY_CHECK(again.secret.raw != phrase.secret.raw);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes input(data, size);
  try_text(as_text(input));
  try_secret(input);
  return 0;
}
