#include "base/config.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace drey {
namespace {

struct ConfigTest : testing::Test {
  std::unique_ptr<Config> config = std::make_unique<Config>();
  ConfigError error;
  Status file(std::string_view text) { return config->apply_file(text, &error); }
  Status flag(std::string_view name, std::string_view value) {
    return config->apply_flag(name, value, &error);
  }
  Status env(const char* name, const char* value) {
    struct Pair {
      std::string_view name;
      const char* value;
    } pair{name, value};
    auto lookup = [](void* context, const char* wanted) -> const char* {
      auto* p = static_cast<Pair*>(context);
      return p->name == wanted ? p->value : nullptr;
    };
    return config->apply_env(lookup, &pair, &error);
  }
  std::string message() const { return error.message.data(); }
};

TEST_F(ConfigTest, AnEmptyFileGivesTheDefaults) {
  ASSERT_EQ(file(""), Status::kOk);
  EXPECT_EQ(config->text(ConfigKey::kListen), "[::]:4747");
  EXPECT_EQ(config->address(ConfigKey::kPage).value().port, 4748);
  EXPECT_EQ(config->number(ConfigKey::kCopies), 2u);
  EXPECT_EQ(config->text(ConfigKey::kCompression), "zstd");
  EXPECT_FALSE(config->is_set(ConfigKey::kName));
  EXPECT_EQ(config->count(ConfigKey::kPeer), 0u);
  EXPECT_EQ(config->address(ConfigKey::kPeer).status(), Status::kNotFound);
  EXPECT_EQ(config->number(ConfigKey::kCapacity), 0u);
  EXPECT_EQ(config->set_count(), 0u);
}

TEST_F(ConfigTest, EveryDefaultPassesItsOwnCheck) {
  for (const ConfigRow& row : config_rows()) {
    ASSERT_EQ(&config_row(row.key), &row);
    if (row.fallback == nullptr || row.in_backup) continue;
    auto fresh = std::make_unique<Config>();
    EXPECT_EQ(fresh->apply_flag(row.name, row.fallback, &error), Status::kOk) << message();
  }
}

TEST_F(ConfigTest, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  EXPECT_EQ(config->source(ConfigKey::kCopies), Config::Source::kDefault);
  ASSERT_EQ(file("copies = 3"), Status::kOk);
  EXPECT_EQ(config->number(ConfigKey::kCopies), 3u);
  ASSERT_EQ(env("DREY_COPIES", "4"), Status::kOk);
  EXPECT_EQ(config->number(ConfigKey::kCopies), 4u);
  ASSERT_EQ(flag("copies", "5"), Status::kOk);
  EXPECT_EQ(config->number(ConfigKey::kCopies), 5u);
  ASSERT_EQ(flag("copies", "6"), Status::kOk);
  EXPECT_EQ(config->number(ConfigKey::kCopies), 6u) << "the last flag counts";
  EXPECT_EQ(config->count(ConfigKey::kCopies), 1u);
  EXPECT_EQ(config->source(ConfigKey::kCopies), Config::Source::kFlag);
}

TEST_F(ConfigTest, PeersRepeatAndAHigherSourceReplacesTheWholeList) {
  ASSERT_EQ(file("peer = 10.0.0.1:1\npeer=10.0.0.2:2\n"), Status::kOk);
  EXPECT_EQ(config->count(ConfigKey::kPeer), 2u);
  EXPECT_EQ(config->address(ConfigKey::kPeer, 1).value().port, 2);
  EXPECT_EQ(config->address(ConfigKey::kPeer, 2).status(), Status::kNotFound);
  ASSERT_EQ(env("DREY_PEER", "  10.0.0.3:3 10.0.0.4:4 10.0.0.5:5 "), Status::kOk);
  EXPECT_EQ(config->count(ConfigKey::kPeer), 3u);
  EXPECT_EQ(config->text(ConfigKey::kPeer, 2), "10.0.0.5:5");
}

TEST_F(ConfigTest, SixteenPeersAreTheMost) {
  for (int i = 0; i < 16; ++i) ASSERT_EQ(flag("peer", "10.0.0.1:80"), Status::kOk);
  EXPECT_EQ(flag("peer", "10.0.0.1:80"), Status::kInvalid);
  EXPECT_EQ(config->count(ConfigKey::kPeer), 16u);
}

TEST_F(ConfigTest, SectionsAreBackupSets) {
  ASSERT_EQ(file("; comment\r\n"
                 "name = attic\r\n"
                 "[backup docs]\n"
                 "path = /home/ann/docs\n"
                 "path = /etc # with a hash\n"
                 "exclude = *.tmp\n"
                 "at = 02:00\n"
                 "keep-daily = 7\n"
                 "  [ backup photos ]  \n"
                 "path=/photos\n"
                 "one_file_system = yes\n"
                 "every = 6h"),
            Status::kOk)
      << message();
  ASSERT_EQ(config->set_count(), 2u);
  EXPECT_EQ(config->set_name(0), "docs");
  EXPECT_EQ(config->set_name(1), "photos");
  EXPECT_EQ(config->set_name(2), "");
  EXPECT_EQ(config->count(ConfigKey::kPath, 0), 2u);
  EXPECT_EQ(config->text(ConfigKey::kPath, 1, 0), "/etc # with a hash");
  EXPECT_EQ(config->number(ConfigKey::kKeepDaily, 0), 7u);
  EXPECT_FALSE(config->flag(ConfigKey::kOneFileSystem, 0));
  EXPECT_TRUE(config->flag(ConfigKey::kOneFileSystem, 1));
  EXPECT_EQ(config->number(ConfigKey::kEvery, 1), 6u * 3600);
  EXPECT_EQ(config->text(ConfigKey::kName), "attic");
}

TEST_F(ConfigTest, ABadLineIsNamedAndNothingIsApplied) {
  struct Case {
    const char* text;
    size_t line;
    const char* says;
  };
  for (const Case& c : {
           Case{"name = a\ncolour = red\n", 2, "there is no key colour"},
           Case{"name = a\n\n\nlisten = nowhere\n", 4, "wants an address"},
           Case{"name = a\nname = b\n", 2, "more than once"},
           Case{"copies = 99\n", 1, "from 1 to 8"},
           Case{"copies = two\n", 1, "wants a number"},
           Case{"capacity = 5X\n", 1, "wants a size"},
           Case{"name = a\njust words\n", 2, "expected"},
           Case{"name = a/b\n", 1, "plain text"},
           Case{"name =\n", 1, "bytes"},
           Case{"compression = rar\n", 1, "one of: zstd zlib none"},
           Case{"page = wan\n", 1, "one of: loopback lan off"},
           Case{"captivity = 5G\n", 1, "did you mean capacity?"},
           Case{"capcity = 5G\n", 1, "did you mean capacity?"},
           Case{"[backup x]\npath=/x\nkeep-dayly = 1\n", 3, "did you mean keep_daily?"},
           Case{"zone = attic\n", 1, "there is no key zone"},
           Case{"quiet = 8-17\n", 1, "two times of day"},
           Case{"paths = /x\n", 1, "belongs into"},
           Case{"[backup x]\npaths = \n", 2, "bytes"},
           Case{"[backup files]\npaths = /x\n", 1, "single files"},
           Case{"[backup x]\npaths = /x y\nat=02:00\nevery=6h\n", 1, "choose one"},
           Case{"[restore x]\n", 1, "[backup NAME]"},
           Case{"[backup x\n", 1, "missing"},
           Case{"[backup]\n", 1, "[backup NAME]"},
           Case{"path = /x\n", 1, "belongs into"},
           Case{"[backup x]\npath=/x\nname = y\n", 3, "belongs above"},
           Case{"[backup x]\npath=/x\n[backup x]\n", 3, "twice"},
           Case{"name = a\n[backup x]\nkeep_last = 1\n", 2, "no path"},
           Case{"[backup x]\npath = relative\n", 2, "begins with '/'"},
           Case{"[backup x]\npath=/x\nexclude = [a\n", 3, "not closed"},
           Case{"[backup x]\npath=/x\nat = 24:00\n", 3, "time of day"},
           Case{"[backup x]\npath=/x\nevery = 1s\n", 3, "from 60"},
           Case{"[backup x]\npath=/x\nexclude_caches = maybe\n", 3, "yes or no"},
       }) {
    EXPECT_EQ(file(c.text), Status::kInvalid) << c.text;
    EXPECT_EQ(error.line, c.line) << c.text;
    EXPECT_NE(message().find(c.says), std::string::npos) << message();
    EXPECT_FALSE(config->is_set(ConfigKey::kName));
    EXPECT_EQ(config->set_count(), 0u);
  }
  EXPECT_EQ(file("name = fine\n"), Status::kOk) << "a refused file leaves no trace";
}

TEST_F(ConfigTest, LineLengthFullAndFullPlusOne) {
  std::string line(Config::kLineBytesMax, ' ');
  EXPECT_EQ(file(line), Status::kOk);
  EXPECT_EQ(file(line + " "), Status::kInvalid);
  EXPECT_NE(message().find("longer than 1024"), std::string::npos);
}

TEST_F(ConfigTest, SetsAndTextFullAndFullPlusOne) {
  std::string text;
  for (size_t i = 0; i < Config::kSetsMax; ++i)
    text += "[backup s" + std::to_string(i) + "]\npath=/x\n";
  EXPECT_EQ(file(text + "[backup more]\npath=/x\n"), Status::kInvalid);
  EXPECT_EQ(file(text), Status::kOk);
  EXPECT_EQ(config->set_count(), Config::kSetsMax);
  std::string big = "[backup b]\npath=/x\n";
  for (int i = 0; i < 40; ++i) big += "exclude = " + std::string(990, 'x') + "\n";
  auto fresh = std::make_unique<Config>();
  EXPECT_EQ(fresh->apply_file(big, &error), Status::kInvalid);
  EXPECT_NE(message().find("too long"), std::string::npos);
}

TEST_F(ConfigTest, EveryByteOfASampleReplacedIsTakenOrRefusedWhole) {
  const std::string sample = "name = n\npeer = 1.2.3.4:5\n[backup s]\npath = /p\nat = 01:02\n";
  for (size_t i = 0; i < sample.size(); ++i) {
    for (int c = 0; c < 256; ++c) {
      std::string damaged = sample;
      damaged[i] = static_cast<char>(c);
      config = std::make_unique<Config>();
      bool taken = ok(file(damaged));
      if (!taken) {
        ASSERT_FALSE(config->is_set(ConfigKey::kName));
        ASSERT_GT(error.line, 0u);
        ASSERT_FALSE(message().empty());
      }
    }
  }
}

TEST_F(ConfigTest, FlagsAndEnvironmentAreCheckedToo) {
  EXPECT_EQ(flag("page-names", "nas.home"), Status::kOk);
  EXPECT_EQ(config->text(ConfigKey::kPageNames), "nas.home");
  EXPECT_EQ(flag("path", "/x"), Status::kInvalid) << "a set's key is no flag";
  EXPECT_EQ(flag("nonsense", "/x"), Status::kInvalid);
  EXPECT_EQ(env("DREY_LISTEN", "here"), Status::kInvalid);
  EXPECT_EQ(env("DREY_PEER", "1.2.3.4:5 here"), Status::kInvalid);
  EXPECT_EQ(config->count(ConfigKey::kPeer), 0u);
  EXPECT_EQ(env("DREY_LISTEN", ""), Status::kOk) << "an empty variable is an unset one";
  EXPECT_EQ(flag("page", "off"), Status::kOk);
  EXPECT_EQ(config->address(ConfigKey::kPage).status(), Status::kNotFound);
  EXPECT_EQ(flag("page", "loopback"), Status::kOk);
  EXPECT_EQ(config->address(ConfigKey::kPage).value().port, 4748);
}

TEST_F(ConfigTest, PathsOfOneLineMayHoldBlanks) {
  ASSERT_EQ(file("[backup s]\npaths = /home/ann/My Files   /etc /var/lib/a b\npath = /x /y\n"),
            Status::kOk)
      << message();
  ASSERT_EQ(config->count(ConfigKey::kPath, 0), 4u);
  EXPECT_EQ(config->text(ConfigKey::kPath, 0, 0), "/home/ann/My Files");
  EXPECT_EQ(config->text(ConfigKey::kPath, 1, 0), "/etc");
  EXPECT_EQ(config->text(ConfigKey::kPath, 2, 0), "/var/lib/a b");
  EXPECT_EQ(config->text(ConfigKey::kPath, 3, 0), "/x /y");
}

TEST_F(ConfigTest, ASetWithoutATimeRunsAtTwo) {
  ASSERT_EQ(file("[backup s]\npath=/x\n"), Status::kOk);
  EXPECT_EQ(config->text(ConfigKey::kAt, 0, 0), "02:00");
  EXPECT_EQ(config->source(ConfigKey::kAt, 0), Config::Source::kDefault);
}

}  // namespace
}  // namespace drey
