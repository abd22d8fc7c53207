// phrase check, phrase new: the words stay in this process; the daemon sees public keys, what is
// wrapped to them, and a signed statement.

#include <termios.h>
#include <unistd.h>

#include <cstdio>

#include "base/text.h"
#include "cli/format.h"
#include "cli/local_node.h"
#include "cli/words.h"
#include "codec/phrase.h"
#include "node/phrase_change.h"

namespace drey::cli {

std::string read_phrase(const char* prompt) {
  bool terminal = isatty(STDIN_FILENO);
  termios saved{};
  if (terminal && tcgetattr(STDIN_FILENO, &saved) == 0) {
    std::fputs(prompt, stderr);
    termios silent = saved;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string text;
  for (int c; (c = std::getchar()) != EOF && text.size() < 4096;) {
    if (terminal && c == '\n') break;
    text += static_cast<char>(c);
  }
  if (terminal) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
    std::fputc('\n', stderr);
  }
  return text;
}

std::string phrase_fault(const std::string& text) {
  Phrase phrase;
  size_t bad = 0;
  Status status = phrase_parse(text, &phrase, &bad);
  if (ok(status)) return "";
  if (status == Status::kInvalid && bad > kPhraseWords)
    return "the phrase has more than " + std::to_string(kPhraseWords) + " words";
  if (status == Status::kInvalid)
    return "word " + std::to_string(bad) +
           " of the phrase is missing or not one of the kind drey uses (five letters such as "
           "'lusab')";
  return "the words are well-formed, but they do not belong together: one is mistyped or two are "
         "swapped";
}

int fail(const Context& context, int exit, const std::string& message) {
  const char* code = exit == kExitBusy          ? "busy"
                     : exit == kExitRefused     ? "refused"
                     : exit == kExitNotFound    ? "not_found"
                     : exit == kExitInterrupted ? "cancelled"
                                                : "error";
  if (context.json)
    std::printf("{\"error\":\"%s\",\"message\":%s}\n", code, json_string(message).c_str());
  complain("%s", message.c_str());
  return exit;
}

std::string hex(Bytes bytes) {
  std::string text(2 * bytes.size(), '0');
  hex_encode(bytes, text);
  return text;
}

int read_phrase_keys(const Context& context, const char* prompt, PhraseKeys* keys) {
  std::string text = read_phrase(prompt);
  std::string fault = phrase_fault(text);
  Phrase phrase;
  Status status = fault.empty() ? phrase_parse(text, &phrase) : Status::kInvalid;
  wipe({reinterpret_cast<uint8_t*>(text.data()), text.size()});
  if (!fault.empty()) return fail(context, kExitRefused, fault);
  if (ok(status)) status = phrase_keys(phrase, &keys->signing, &keys->unwrapping);
  return ok(status) ? kExitOk : kExitError;
}

int compare_phrase(const Context& context, PhraseKeys* keys, bool* match) {
  Client client(context);
  Client::Answer answer = client.call("GET", "/api/v1/recovery");
  if (int code = explain(context, answer); code != kExitOk) return code;
  Object told(answer.body);
  *match = told.text("sign_key") == hex(keys->signing.pub) &&
           ok(hex_decode(told.text("mesh"), keys->mesh.mut()));
  return kExitOk;
}

namespace {

// The daemon's part: {"mesh", "parents", "keyring"}. "" when it was told why not.
int draft(const Context& context, const PhraseKeys& fresh, std::string* answer_body) {
  Client client(context);
  Client::Answer answer = client.stream("POST", "/api/v1/phrase/draft",
                                        "{\"unwrap_key\":\"" + hex(fresh.unwrapping.pub) + "\"}",
                                        [&](std::string_view part) {
                                          *answer_body += part;
                                          return true;
                                        });
  if (int code = explain(context, answer); code != kExitOk) return code;
  if (Object(*answer_body).text("status") == "ok") return kExitOk;
  return fail(context, kExitError, "the keys could not be wrapped; the words are as they were");
}

bool build(const Object& parts, const PhraseKeys& old, const PhraseKeys& fresh,
           std::string* statement) {
  PhraseChange change;
  change.old_signing = &old.signing;
  change.signing = &fresh.signing;
  change.unwrap_key = fresh.unwrapping.pub;
  std::string keyring_hex = parts.text("keyring");
  std::vector<uint8_t> keyring(keyring_hex.size() / 2), bytes(limits::kStatementBytesMax);
  if (!ok(hex_decode(parts.text("mesh"), change.mesh.mut()))) return false;
  if (!ok(hex_decode(keyring_hex, keyring))) return false;
  int list = parts.at("parents");
  for (int e = parts.json().first(list); e >= 0; e = parts.json().next(e)) {
    if (change.parent_count == change.parents.size()) return false;
    if (!ok(hex_decode(parts.text_of(e), change.parents[change.parent_count++].mut())))
      return false;
  }
  change.keyring = keyring;
  Result<size_t> size = build_phrase_change(change, bytes);
  if (!size.ok()) return false;
  *statement = hex(Bytes(bytes).first(size.value()));
  return true;
}

// The new words are shown before they count: should this process end in between, a person has both.
void show(const Context& context, const std::string& words) {
  if (context.json) return;
  std::printf("The new recovery phrase, shown only now:\n\n    %s\n\n", words.c_str());
  std::fflush(stdout);
}

int phrase_new(const Context& context, const PhraseKeys& old) {
  std::string words = context.local->fresh_phrase();
  PhraseKeys fresh;
  if (words.empty()) return fail(context, kExitError, "no random numbers to make words of");
  Phrase phrase;
  if (!ok(phrase_parse(words, &phrase))) return kExitError;
  if (!ok(phrase_keys(phrase, &fresh.signing, &fresh.unwrapping))) return kExitError;
  std::string parts, statement;
  if (int code = draft(context, fresh, &parts); code != kExitOk) return code;
  if (!build(Object(parts), old, fresh, &statement))
    return fail(context, kExitError, "the statement could not be made; the words are as they were");
  show(context, words);
  Client client(context);
  std::string last;
  Client::Answer answer =
      client.stream("POST", "/api/v1/phrase", "{\"statement\":\"" + statement + "\"}",
                    [&](std::string_view part) {
                      last += part;
                      return true;
                    });
  bool well = answer.status == 200 && Object(last).text("status") == "ok";
  if (!well) {
    int code = explain(context, answer);
    if (context.json && answer.status == 0)
      std::printf("{\"phrase\":%s,\"in_force\":null}\n", json_string(words).c_str());
    complain(answer.status == 0
                 ? "it is not known whether the new words count: keep both, and ask "
                   "drey phrase check"
                 : "the change was refused: the old words still count, throw the new "
                   "ones away");
    return code != kExitOk ? code : kExitError;
  }
  if (context.json) {
    std::printf("{\"phrase\":%s,\"in_force\":true}\n", json_string(words).c_str());
  } else {
    std::printf(
        "From now on these ten words count, and the old ones open nothing new. A device that "
        "is off\nlearns it when it meets another. Destroy the old paper.\n");
  }
  return kExitOk;
}

}  // namespace

int cmd_phrase(Context& context, const Arguments& arguments) {
  bool fresh = arguments.positional[0] == "new";
  if (!fresh && arguments.positional[0] != "check") {
    complain(
        "drey phrase check: are the words on stdin this mesh's? drey phrase new: replace them");
    return kExitUsage;
  }
  PhraseKeys words;
  int code = read_phrase_keys(
      context,
      fresh ? "recovery phrase in force (ten words): " : "recovery phrase (ten words): ", &words);
  if (code != kExitOk) return code;
  bool match = false;
  code = compare_phrase(context, &words, &match);
  if (code != kExitOk) return code;
  if (fresh && match) return phrase_new(context, words);
  if (fresh)
    return fail(context, kExitRefused, "these are not the words in force; nothing was changed");
  say(context, "%s",
      match ? "these are the words of this mesh" : "these are not the words of this mesh");
  return match ? kExitOk : kExitRefused;
}

}  // namespace drey::cli
