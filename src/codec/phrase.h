// Words for people: the recovery phrase (ten proquints) and the pair code (four). A proquint
// (Wilkerson, arXiv:0901.4016) is a pronounceable five-letter word of 16 bits. Pure functions.
#pragma once

#include "crypto/sign.h"

namespace drey {

inline constexpr size_t kPhraseWords = 10;
inline constexpr size_t kPhraseTextBytes = kPhraseWords * 6 - 1;  // without a NUL
inline constexpr size_t kPairCodeWords = 4;
inline constexpr size_t kPairCodeTextBytes = kPairCodeWords * 6 - 1;

// 128 random bits. In words a 32-bit check follows: it catches slips, it is no authentication.
struct Phrase {
  Secret<16> secret;
};

Status phrase_generate(Random& random, Phrase* phrase);  // kIo
// Lower-case words, single spaces; `to` holds at least kPhraseTextBytes. Not NUL-terminated.
std::string_view phrase_format(const Phrase& phrase, MutBytes to);
// Accepts any case, and spaces, hyphens, commas or line ends between words. kInvalid when a word is
// malformed or missing: *bad_word (may be null) is its number from 1, kPhraseWords + 1 when there
// are too many. kDenied when all words are well-formed but the check does not match: a slip
// somewhere.
Status phrase_parse(std::string_view text, Phrase* phrase, size_t* bad_word = nullptr);
// The two keys a phrase stands for: RFC 9180 DeriveKeyPair over label ‖ secret. kBusy.
Status phrase_keys(const Phrase& phrase, KeyPair* signing, KeyPair* unwrapping);

// What `invite` shows: a public room number and a 48-bit secret, no check (the handshake checks).
struct PairCode {
  uint16_t room = 0;
  Secret<6> secret;
};

Status pair_code_generate(Random& random, PairCode* code);  // kIo
// Lower-case words joined by hyphens; `to` holds at least kPairCodeTextBytes.
std::string_view pair_code_format(const PairCode& code, MutBytes to);
// As tolerant as phrase_parse. kInvalid, with *bad_word as there.
Status pair_code_parse(std::string_view text, PairCode* code, size_t* bad_word = nullptr);

}  // namespace drey
