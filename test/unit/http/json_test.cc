#include "http/json.h"

#include <gtest/gtest.h>

#include <string>

namespace drey::http {
namespace {

std::string text_of(const Json& json, int value) {
  uint8_t buffer[64];
  Result<size_t> size = json.text(value, buffer);
  return size.ok() ? std::string(reinterpret_cast<char*>(buffer), size.value()) : "<error>";
}

TEST(Json, MembersArraysAndScalars) {
  Json json;
  ASSERT_EQ(json.parse(R"({"a":{"b":"no"},"b":[1,"two",{"b":3},true],"n":42})"), Status::kOk);
  int list = json.member(json.root(), "b");
  ASSERT_TRUE(json.is_array(list));
  EXPECT_EQ(json.size(list), 4u);
  int e = json.first(list);
  EXPECT_EQ(json.number(e), 1u);
  e = json.next(e);
  EXPECT_EQ(text_of(json, e), "two");
  e = json.next(e);
  EXPECT_EQ(json.number(json.member(e, "b")), 3u);
  e = json.next(e);
  EXPECT_TRUE(json.boolean(e));
  EXPECT_EQ(json.next(e), Json::kNone);
  EXPECT_EQ(json.number(json.member(json.root(), "n")), 42u);
  EXPECT_EQ(json.member(json.root(), "zz"), Json::kNone);
}

TEST(Json, EscapesAndRawBytes) {
  Json json;
  ASSERT_EQ(json.parse(R"(["a\n\"\\\u00e9\ud83d\ude00","\udcff\udc80","\uD800x"])"), Status::kOk);
  int e = json.first(json.root());
  EXPECT_EQ(text_of(json, e), "a\n\"\\\xc3\xa9\xf0\x9f\x98\x80");
  e = json.next(e);
  EXPECT_EQ(text_of(json, e), "\xff\x80");
}

TEST(Json, TruncatedAtEveryByteIsNeverAccepted) {
  std::string whole = R"({"a":[1,{"b":"c"}]})";
  for (size_t i = 0; i < whole.size(); ++i) {
    Json json;
    EXPECT_NE(json.parse(std::string_view(whole).substr(0, i)), Status::kOk) << i;
  }
}

TEST(Json, OnlyOneWellNestedValueIsAccepted) {
  Json json;
  for (const char* text :
       {"[\"\"]:7,[]", "[\"a\":1]", "{\"a\"}", "{1:2}", "{\"a\":1,\"b\"}", "[1][2]", "\"a\" \"b\"",
        "{\"a\":1}{\"b\":2}", "{[]:1}", "[[]:[1]]", "[[]:1]", "\"a\":1"}) {
    EXPECT_EQ(json.parse(text), Status::kInvalid) << text;
    EXPECT_EQ(json.root(), Json::kNone);
  }
  for (const char* text :
       {"[]", "{}", "[[{}]]", "{\"a\":{\"b\":[1,{\"c\":null}]},\"d\":\"e\"}", "\"a\""})
    EXPECT_EQ(json.parse(text), Status::kOk) << text;
}

TEST(Json, TokenLimitAndOneMore) {
  for (size_t count : {kJsonTokensMax - 1, kJsonTokensMax}) {
    std::string text = "[";
    for (size_t i = 0; i < count; ++i) text += i == 0 ? "1" : ",1";
    text += "]";
    Json json;
    EXPECT_EQ(json.parse(text), count < kJsonTokensMax ? Status::kOk : Status::kTooLarge);
  }
}

}  // namespace
}  // namespace drey::http
