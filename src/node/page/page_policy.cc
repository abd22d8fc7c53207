// The Content-Security-Policy, made at compile time from what the page's style and script are.
#include "crypto/hex.h"
#include "node/page/page.h"
#include "node/page/parts.h"

namespace drey {
namespace {

// The policy: the hashes of style and script, in base64 (RFC 4648) as CSP wants them.
template <size_t N>
constexpr void put(std::array<char, 512>& to, size_t& at, const char (&text)[N]) {
  for (size_t i = 0; i + 1 < N; ++i) to[at++] = text[i];
}
constexpr void put_base64(std::array<char, 512>& to, size_t& at, std::array<uint8_t, 32> bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = static_cast<uint32_t>(bytes[i] << 16);
    if (i + 1 < bytes.size()) word |= static_cast<uint32_t>(bytes[i + 1] << 8);
    if (i + 2 < bytes.size()) word |= bytes[i + 2];
    to[at++] = digits[word >> 18];
    to[at++] = digits[word >> 12 & 63];
    to[at++] = i + 1 < bytes.size() ? digits[word >> 6 & 63] : '=';
    to[at++] = i + 2 < bytes.size() ? digits[word & 63] : '=';
  }
}
struct Policy {
  std::array<char, 512> text{};
  size_t size = 0;
};
consteval Policy make_policy() {
  Policy policy;
  put(policy.text, policy.size, "default-src 'none'; style-src 'sha256-");
  put_base64(policy.text, policy.size, hex(DREY_PAGE_CSS_SHA256));
  put(policy.text, policy.size, "'; script-src 'sha256-");
  put_base64(policy.text, policy.size, hex(DREY_PAGE_JS_SHA256));
  put(policy.text, policy.size, "'; connect-src 'self'; img-src data:; form-action 'self'; ");
  put(policy.text, policy.size, "base-uri 'none'; frame-ancestors 'none'");
  return policy;
}
constexpr Policy kPolicy = make_policy();

}  // namespace

std::string_view page_policy() { return {kPolicy.text.data(), kPolicy.size}; }

}  // namespace drey
