// The lists behind the page: versions in their place, links that lead where they should, and no
// name that becomes markup.
#include "node/page/page_list.h"

#include <gtest/gtest.h>

#include "unit/node/payloads.h"

namespace drey {
namespace {

class PageList : public ::testing::Test {
 protected:
  struct Version {
    std::string name;
    uint8_t number;
  };
  static FileId id_of(uint8_t number) {
    FileId id;
    id.raw.fill(number);
    return id;
  }
  std::string files(const std::vector<Version>& versions, const VersionRows::Table& table = {}) {
    TextWriter out{std::span<char>(room_)};
    VersionRows rows;
    rows.begin();
    for (const Version& v : versions) {
      size_t before = out.size();
      rows.add(out, table, v.name, id_of(v.number), v.number, v.number);
      EXPECT_LE(out.size() - before, kListRowBytesMax);
    }
    size_t before = out.size();
    rows.finish(out, table);
    EXPECT_LE(out.size() - before, kListRowBytesMax);
    EXPECT_TRUE(out.ok());
    return std::string(out.view());
  }
  std::string folder_begin(std::string_view path, std::string_view node) {
    std::array<uint8_t, StatementId::kSize> id;
    id.fill(0xab);
    TextWriter out{std::span<char>(room_)};
    write_folder_begin(out, {id, node, path, 5});
    EXPECT_LE(out.size(), kListEndsBytesMax) << path.size();
    EXPECT_TRUE(out.ok());
    std::string text(out.view());
    return text.substr(text.find("<main>"));
  }
  std::string folder_row(std::string_view path, FileKind kind) {
    Entry entry;
    entry.kind = kind;
    entry.size = 1536;
    TextWriter out{std::span<char>(room_)};
    write_folder_row(out, path, entry, 7200);
    EXPECT_LE(out.size(), kListRowBytesMax);
    EXPECT_TRUE(out.ok());
    return std::string(out.view());
  }
  std::string room_ = std::string(size_t{1} << 20, '\0');
};

std::string hex_of(uint8_t number) {
  std::string text;
  for (size_t i = 0; i < FileId::kSize; ++i)
    text += std::string{"0123456789abcdef"[number >> 4], "0123456789abcdef"[number & 15]};
  return text;
}

TEST_F(PageList, TheNewestVersionStandsForItsNameAndOlderOnesAreFolded) {
  std::string text = files({{"a", 1}, {"a", 2}, {"a", 3}, {"b", 4}, {"c", 5}, {"c", 6}});
  // Each version once, and those before the newest inside the fold of their name.
  std::vector<std::pair<const char*, uint8_t>> order = {{"Older versions of <bdi>a</bdi>", 0},
                                                        {nullptr, 1},
                                                        {nullptr, 2},
                                                        {"</details>", 0},
                                                        {nullptr, 3},
                                                        {nullptr, 4},
                                                        {"Older versions of <bdi>c</bdi>", 0},
                                                        {nullptr, 5},
                                                        {"</details>", 0},
                                                        {nullptr, 6}};
  size_t at = 0;
  for (const auto& [words, number] : order) {
    std::string what = words != nullptr ? words : "href=\"/files/" + hex_of(number) + "\"";
    at = text.find(what, at);
    ASSERT_NE(at, std::string::npos) << what;
    EXPECT_EQ(count_of(text, what), what == "</details>" ? 2u : 1u);
    at += what.size();
  }
  EXPECT_EQ(count_of(text, "<details>"), 2u);
  EXPECT_EQ(files({}), "");
}

TEST_F(PageList, OnlyWhoMayAndOnlyTheOwnTableCanBeDeletedFrom) {
  std::vector<Version> versions = {{"a", 1}, {"a", 2}};
  EXPECT_EQ(count_of(files(versions, {"", true}), "data-method=\"DELETE\""), 2u);
  EXPECT_EQ(count_of(files(versions, {"", false}), "DELETE"), 0u);
  std::string theirs = files(versions, {"attic", true});
  EXPECT_EQ(count_of(theirs, "DELETE"), 0u);
  EXPECT_EQ(count_of(theirs, ", on attic"), 2u);
}

TEST_F(PageList, UploadIsOfferedToWhoMayWrite) {
  for (bool may_write : {true, false}) {
    TextWriter out{std::span<char>(room_)};
    write_files_begin(out, may_write);
    EXPECT_LE(out.size(), kListEndsBytesMax);
    EXPECT_EQ(count_of(out.view(), "action=\"/files/upload\""), may_write ? 1u : 0u);
  }
}

TEST_F(PageList, NoNameBecomesMarkup) {
  std::string files_plain = files({{"plain", 1}, {"plain", 2}}, {"", true});
  std::string theirs_plain = files({{"plain", 1}}, {"plain", true});
  std::string begin_plain = folder_begin("plain/plain", "plain");
  std::string folder_plain = folder_row("plain", FileKind::kDir);
  std::string file_plain = folder_row("plain", FileKind::kFile);
  std::string odd_plain = folder_row("plain", FileKind::kFifo);
  for (std::string name : payloads()) {
    EXPECT_TRUE(same_markup(files({{name, 1}, {name, 2}}, {"", true}), files_plain)) << name;
    EXPECT_TRUE(same_markup(files({{"x", 1}}, {name, true}), theirs_plain)) << name;
    // A name of a snapshot's entry has no '/'.
    for (char& c : name)
      if (c == '/') c = '\\';
    EXPECT_TRUE(same_markup(folder_begin(name + "/" + name, name), begin_plain)) << name;
    for (const std::string& path : {name, "home/" + name}) {
      EXPECT_TRUE(same_markup(folder_row(path, FileKind::kDir), folder_plain)) << name;
      EXPECT_TRUE(same_markup(folder_row(path, FileKind::kFile), file_plain)) << name;
      EXPECT_TRUE(same_markup(folder_row(path, FileKind::kFifo), odd_plain)) << name;
    }
  }
}

// What a browser makes of a link must be one component beneath the folder, whatever the name is.
TEST_F(PageList, LinksOfAFolderAreOneEscapedComponent) {
  EXPECT_EQ(count_of(folder_row("home/a b", FileKind::kFile), "href=\"a%20b\""), 1u);
  EXPECT_EQ(count_of(folder_row("home/a b", FileKind::kDir), "href=\"a%20b/\""), 1u);
  EXPECT_EQ(count_of(folder_row("javascript:alert(1)", FileKind::kFile),
                     "href=\"javascript%3aalert%281%29\""),
            1u);
  EXPECT_EQ(
      count_of(folder_row("h/%2e#?&\\\xff", FileKind::kFile), "href=\"%252e%23%3f%26%5c%ff\""), 1u);
  EXPECT_EQ(count_of(folder_row("home/pipe", FileKind::kFifo), "href"), 0u);
  EXPECT_EQ(count_of(folder_row("home/link", FileKind::kSymlink), "a link"), 1u);
}

TEST_F(PageList, AFolderLeadsUpAndToItsTar) {
  std::string root = folder_begin("", "attic"), deep = folder_begin("home/a b", "attic");
  EXPECT_EQ(count_of(root, "href=\"../\""), 0u);
  EXPECT_EQ(count_of(root, "/files/\">This folder as tar"), 1u);
  EXPECT_EQ(count_of(deep, "href=\"../\""), 1u);
  EXPECT_EQ(count_of(deep, "href=\"../a%20b\">This folder as tar"), 1u);
  EXPECT_EQ(count_of(deep, "<bdi>/home/a b</bdi>"), 1u);
}

// The room that the sender keeps is enough for the longest names, each byte of them escaped.
TEST_F(PageList, TheLongestNamesHaveRoom) {
  std::string longest(kFileNameMax, '"'), node(limits::kNameBytesMax, '"');
  EXPECT_EQ(count_of(files({{longest, 1}, {longest, 2}, {"x", 3}}, {"", true}), "DELETE"), 3u);
  EXPECT_EQ(count_of(files({{longest, 1}, {longest, 2}}, {node, true}), ", on &quot;"), 2u);
  EXPECT_GT(folder_row("home/" + longest, FileKind::kDir).size(), 3 * kFileNameMax);
  std::string path;
  while (path.size() + longest.size() < kEntryPathMax) path += longest + "/";
  path.resize(kEntryPathMax, 'x');
  EXPECT_EQ(count_of(folder_begin(path, node), "…"), 1u);
}

TEST_F(PageList, TheEndSaysWhatIsMissing) {
  std::vector<std::string> ends;
  for (auto [lost, empty] : {std::pair{false, false}, {false, true}, {true, false}, {true, true}}) {
    TextWriter out{std::span<char>(room_)};
    write_list_end(out, lost, empty);
    EXPECT_LE(out.size(), kListEndsBytesMax);
    EXPECT_EQ(count_of(out.view(), "on no device that answers"), lost ? 1u : 0u);
    EXPECT_EQ(count_of(out.view(), "Nothing here"), empty && !lost ? 1u : 0u);
    EXPECT_TRUE(out.view().ends_with("</html>\n"));
  }
}

}  // namespace
}  // namespace drey
