#include "base/text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace drey {
namespace {

std::string json(std::string_view v) {
  char buffer[256];
  TextWriter writer(buffer);
  writer.json_string(v);
  return writer.ok() ? std::string(writer.view()) : "FAILED";
}

std::string human(uint64_t v) {
  char buffer[64];
  return std::string(TextWriter(buffer).human_bytes(v).view());
}

std::string decoded(std::string_view text, PercentIn where, size_t room = 16) {
  char buffer[16];
  Result<size_t> size = percent_decode(text, where, std::span(buffer).first(room));
  return size.ok() ? std::string(buffer, size.value()) : status_name(size.status());
}

TEST(PercentDecode, PathsFormsAndBrokenEscapes) {
  EXPECT_EQ(decoded("", PercentIn::kPath), "");
  EXPECT_EQ(decoded("a%2Fb%c3%A9+c", PercentIn::kPath), "a/b\xc3\xa9+c");
  EXPECT_EQ(decoded("a+b%2Bc", PercentIn::kForm), "a b+c");
  EXPECT_EQ(decoded("%00", PercentIn::kPath), std::string(1, '\0'));
  for (std::string_view broken : {"%", "a%", "a%4", "%4g", "%g4", "%%41"})
    EXPECT_EQ(decoded(broken, PercentIn::kForm), "invalid") << broken;
  EXPECT_EQ(decoded("ab%63", PercentIn::kPath, 3), "abc");
  EXPECT_EQ(decoded("ab%63d", PercentIn::kPath, 3), "too_large");
  std::string own = "%41%42";
  EXPECT_EQ(percent_decode(own, PercentIn::kPath, own).value(), 2u);
  EXPECT_EQ(own.substr(0, 2), "AB");
}

TEST(TextWriter, EmptyOneFullAndFullPlusOne) {
  char buffer[4];
  TextWriter writer(buffer);
  EXPECT_EQ(writer.view(), "");
  EXPECT_TRUE(writer.text("a").ok());
  EXPECT_TRUE(writer.text("bcd").ok());
  EXPECT_EQ(writer.room(), 0u);
  EXPECT_FALSE(writer.character('e').ok());
  EXPECT_EQ(writer.view(), "abcd");
  EXPECT_FALSE(writer.text("").ok()) << "a writer that failed stays failed";
}

TEST(TextWriter, RewindForgetsTheFailureAndTheTail) {
  char buffer[8];
  TextWriter writer(buffer);
  writer.text("abcd").text("too long to fit");
  EXPECT_FALSE(writer.ok());
  writer.rewind(2);
  EXPECT_EQ(writer.text("xy").view(), "abxy");
  EXPECT_TRUE(writer.ok());
}

TEST(TextWriter, NothingIsWrittenBeyondTheArrayWhateverTheRoom) {
  const std::string sample = "\"<\x01\xff\xc3\xa9'&x";
  for (size_t room = 0; room < 80; ++room) {
    std::vector<char> buffer(room + 8, '#');
    for (int kind = 0; kind < 7; ++kind) {
      TextWriter writer(std::span<char>(buffer.data(), room));
      if (kind == 0) writer.json_string(sample);
      if (kind == 1) writer.html(sample);
      if (kind == 2) writer.decimal(UINT64_MAX);
      if (kind == 3) writer.decimal_signed(INT64_MIN);
      if (kind == 4) writer.hex(as_bytes(sample));
      if (kind == 5) writer.format("%s", "formatted text of some length");
      if (kind == 6) writer.percent(sample);
      EXPECT_EQ(std::string(buffer.end() - 8, buffer.end()), "########");
      EXPECT_TRUE(writer.ok() || writer.size() == 0) << "a call that does not fit writes nothing";
    }
  }
}

TEST(TextWriter, WritesNumbers) {
  char buffer[128];
  TextWriter writer(buffer);
  writer.decimal(0).character(' ').decimal(UINT64_MAX).character(' ');
  writer.decimal_signed(INT64_MIN).character(' ').decimal_signed(7);
  EXPECT_EQ(writer.view(), "0 18446744073709551615 -9223372036854775808 7");
  EXPECT_STREQ(writer.c_str(), "0 18446744073709551615 -9223372036854775808 7");
}

TEST(TextWriter, JsonStringsEscapeControlMarkupAndBadUtf8) {
  EXPECT_EQ(json(""), "\"\"");
  EXPECT_EQ(json("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(json("</script>"), "\"\\u003c/script\\u003e\"");
  EXPECT_EQ(json(std::string_view("\n\0", 2)), "\"\\u000a\\u0000\"");
  EXPECT_EQ(json("caf\xc3\xa9 \xf0\x9f\x8c\xb0"), "\"caf\xc3\xa9 \xf0\x9f\x8c\xb0\"");
  EXPECT_EQ(json("\xff\xc3"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(json("\xed\xa0\x80").size(), 2u + 3 * 3) << "a surrogate is three bad bytes";
}

TEST(TextWriter, HtmlEscapesTheFiveBytes) {
  char buffer[128];
  EXPECT_EQ(TextWriter(buffer).html("<a href='x'>\"&\"</a>").view(),
            "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/a&gt;");
}

TEST(TextWriter, PercentLeavesLettersDigitsDotDashAndUnderscore) {
  char buffer[128];
  EXPECT_EQ(TextWriter(buffer).percent("aZ09._- /?#%\xff:").view(), "aZ09._-%20%2f%3f%23%25%ff%3a");
}

TEST(TextWriter, HumanBytesRoundDown) {
  EXPECT_EQ(human(0), "0 bytes");
  EXPECT_EQ(human(1), "1 byte");
  EXPECT_EQ(human(1023), "1023 bytes");
  EXPECT_EQ(human(1024), "1.0 KiB");
  EXPECT_EQ(human(1536 * 1024), "1.5 MiB");
  EXPECT_EQ(human(UINT64_MAX), "15.9 EiB");
}

TEST(ParseU64, TakesDigitsOnlyAndTellsOverflow) {
  EXPECT_EQ(parse_u64("0").value(), 0u);
  EXPECT_EQ(parse_u64("18446744073709551615").value(), UINT64_MAX);
  EXPECT_EQ(parse_u64("18446744073709551616").status(), Status::kTooLarge);
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "0x1", "1.0"})
    EXPECT_EQ(parse_u64(bad).status(), Status::kInvalid) << bad;
}

TEST(ParseSize, KnowsUnits) {
  EXPECT_EQ(parse_size("17").value(), 17u);
  EXPECT_EQ(parse_size("17B").value(), 17u);
  EXPECT_EQ(parse_size("4K").value(), 4096u);
  EXPECT_EQ(parse_size("4KiB").value(), 4096u);
  EXPECT_EQ(parse_size("3MB").value(), 3u << 20);
  EXPECT_EQ(parse_size("20G").value(), 20ull << 30);
  EXPECT_EQ(parse_size("2T").value(), 2ull << 40);
  EXPECT_EQ(parse_size("16777216T").status(), Status::kTooLarge);
  for (const char* bad : {"", "K", "iB", "B", "4k", "4KK", "4iB", "4BB", "1.5G", "-1K"})
    EXPECT_EQ(parse_size(bad).status(), Status::kInvalid) << bad;
}

TEST(ParseSeconds, KnowsUnits) {
  EXPECT_EQ(parse_seconds("90").value(), 90u);
  EXPECT_EQ(parse_seconds("5m").value(), 300u);
  EXPECT_EQ(parse_seconds("14d").value(), 14u * 86400);
  EXPECT_EQ(parse_seconds("2y").status(), Status::kInvalid);
  EXPECT_EQ(parse_seconds("99999999999999999999w").status(), Status::kTooLarge);
}

TEST(ParseBool, KnowsEightWords) {
  EXPECT_TRUE(parse_bool("yes").value());
  EXPECT_FALSE(parse_bool("off").value());
  EXPECT_TRUE(parse_bool("off").ok());
  EXPECT_EQ(parse_bool("Yes").status(), Status::kInvalid);
  EXPECT_EQ(parse_bool("").status(), Status::kInvalid);
}

TEST(Hex, RoundTripsAndRefusesEveryOtherByte) {
  uint8_t raw[256], back[256];
  char text[512];
  for (size_t i = 0; i < 256; ++i) raw[i] = static_cast<uint8_t>(i);
  ASSERT_TRUE(hex_encode(raw, text));
  ASSERT_EQ(hex_decode({text, 512}, back), Status::kOk);
  EXPECT_TRUE(equal(raw, back));
  EXPECT_FALSE(hex_encode(raw, std::span(text).first(511)));
  EXPECT_EQ(hex_decode({text, 511}, back), Status::kInvalid);
  EXPECT_EQ(hex_decode("", MutBytes{}), Status::kOk);
  for (int c = 0; c < 256; ++c) {
    char pair[2] = {'0', static_cast<char>(c)};
    bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    EXPECT_EQ(ok(hex_decode({pair, 2}, MutBytes(back, 1))), digit) << c;
  }
}

TEST(Utf8, AcceptsExactlyTheWellFormed) {
  for (const char* good : {"", "a", "\xc3\xa9", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80",
                           "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80",
                          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82"})
    EXPECT_FALSE(is_utf8(bad));
}

TEST(Names, AreShortPrintableUtf8) {
  EXPECT_TRUE(is_name("attic-pi"));
  EXPECT_TRUE(
      is_name("K\xc3\xbc"
              "che"));
  EXPECT_TRUE(is_name(std::string(63, 'x')));
  EXPECT_FALSE(is_name(std::string(64, 'x')));
  EXPECT_FALSE(is_name(""));
  EXPECT_FALSE(is_name("a/b"));
  EXPECT_FALSE(is_name("a\nb"));
  EXPECT_FALSE(is_name("\xff"));
}

}  // namespace
}  // namespace drey
