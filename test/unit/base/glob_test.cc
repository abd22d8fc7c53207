#include <gtest/gtest.h>

#include <string>

#include "base/text.h"

namespace drey {
namespace {

TEST(Glob, StarQuestionAndClassMatchBytes) {
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("*.jpg", ".jpg"));
  EXPECT_TRUE(glob_match("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(glob_match("a*b*c", "aXbYbZ"));
  EXPECT_TRUE(glob_match("?", "\xff"));
  EXPECT_FALSE(glob_match("?", ""));
  EXPECT_TRUE(glob_match("[a-c]x", "bx"));
  EXPECT_FALSE(glob_match("[a-c]x", "dx"));
  EXPECT_TRUE(glob_match("[!a-c]", "d"));
  EXPECT_TRUE(glob_match("[^a-c]", "d"));
  EXPECT_TRUE(glob_match("[]]", "]"));
  EXPECT_TRUE(glob_match("[a-]", "-"));
  EXPECT_TRUE(glob_match("[\\]]", "]"));
  EXPECT_TRUE(glob_match("\\*", "*"));
  EXPECT_FALSE(glob_match("\\*", "x"));
}

TEST(Glob, MalformedPatternsMatchNothing) {
  for (const char* bad : {"[", "[a", "[!", "[]", "\\", "a[b"}) {
    EXPECT_FALSE(is_pattern(bad)) << bad;
    for (const char* name : {"", "a", "[", "[a", "ab"}) EXPECT_FALSE(path_match(bad, name));
  }
  EXPECT_FALSE(is_pattern(""));
}

TEST(Glob, ManyStarsStayFast) {
  std::string pattern, name(4000, 'a');
  for (int i = 0; i < 400; ++i) pattern += "*a";
  pattern += "*b";
  EXPECT_FALSE(glob_match(pattern, name));
}

TEST(PathMatch, AnchoredPatternsStartAtTheRoot) {
  EXPECT_TRUE(path_match("/home/*/tmp", "/home/ann/tmp"));
  EXPECT_TRUE(path_match("/home/*/tmp", "/home/ann/tmp/deep/er")) << "what lies beneath too";
  EXPECT_FALSE(path_match("/home/*/tmp", "/home/ann"));
  EXPECT_FALSE(path_match("/tmp", "/home/tmp"));
  EXPECT_FALSE(path_match("/home/*/tmp", "/home/a/b/tmp")) << "a star stays in its component";
}

TEST(PathMatch, OtherPatternsStartAtAnyComponent) {
  EXPECT_TRUE(path_match("*.o", "/src/x.o"));
  EXPECT_TRUE(path_match("node_modules", "/a/node_modules/b/c"));
  EXPECT_TRUE(path_match("b/c", "/a/b/c/d"));
  EXPECT_FALSE(path_match("b/c", "/a/b/x/c"));
  EXPECT_FALSE(path_match("*.o", "/src/x.oo"));
}

TEST(PathMatch, DoubleStarStandsForAnyNumberOfComponents) {
  EXPECT_TRUE(path_match("/a/**/z", "/a/z"));
  EXPECT_TRUE(path_match("/a/**/z", "/a/b/c/z"));
  EXPECT_FALSE(path_match("/a/**/z", "/b/c/z"));
  EXPECT_TRUE(path_match("/a/**/m/**/z", "/a/m/1/m/2/z"));
  EXPECT_FALSE(path_match("/a/**/m/**/z", "/a/1/2/z"));
  EXPECT_TRUE(path_match("/**/x", "/x"));
  EXPECT_TRUE(path_match("a/**/b/c", "/a/b/b/c"));
  EXPECT_TRUE(path_match("/a/**", "/a/b"));
}

// The plain definition, to compare with: tries every length for every star.
bool slow_match(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*')
    return slow_match(pattern.substr(1), name) ||
           (!name.empty() && slow_match(pattern, name.substr(1)));
  if (name.empty()) return false;
  return (pattern[0] == '?' || pattern[0] == name[0]) &&
         slow_match(pattern.substr(1), name.substr(1));
}

TEST(Glob, AgreesWithThePlainDefinition) {
  uint32_t state = 7;
  auto pick = [&](const char* from, size_t count) {
    state = state * 1664525u + 1013904223u;
    return from[(state >> 16) % count];
  };
  size_t matches = 0;
  for (int i = 0; i < 50000; ++i) {
    std::string pattern, name;
    for (int j = 0; j < i % 7; ++j) pattern += pick("ab*?*", 5);
    for (int j = 0; j < i % 9; ++j) name += pick("aab", 3);
    bool want = slow_match(pattern, name);
    matches += want;
    ASSERT_EQ(glob_match(pattern, name), want) << pattern << " " << name;
  }
  EXPECT_GT(matches, 5000u);
}

}  // namespace
}  // namespace drey
