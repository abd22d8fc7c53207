#include "store/state_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/store/store_fixture.h"

namespace drey {
namespace {

class StateLogTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(reopen(), Status::kOk); }
  Status reopen() {
    log = std::make_unique<StateLog>();
    disk.restart();
    return log->open(&disk, nullptr);
  }
  Status put(const std::string& key, const std::string& value) {
    return log->put(key, as_bytes(value));
  }
  std::string get(const std::string& key) {
    std::array<uint8_t, StateLog::kValueBytesMax> room;
    size_t size = 0;
    Status status = log->get(key, room, &size);
    return ok(status) ? std::string(as_text(Bytes(room).first(size))) : status_name(status);
  }
  SimDisk disk;
  std::unique_ptr<StateLog> log;
};

TEST_F(StateLogTest, ValuesComeBackAfterARestart) {
  EXPECT_EQ(get("a"), "not_found");
  ASSERT_EQ(put("a", "1"), Status::kOk);
  ASSERT_EQ(put("b", ""), Status::kOk);
  ASSERT_EQ(put("a", "2"), Status::kOk);
  ASSERT_EQ(put("c", std::string(512, 'c')), Status::kOk);
  ASSERT_EQ(log->remove("b"), Status::kOk);
  EXPECT_EQ(log->remove("b"), Status::kNotFound);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(get("a"), "2");
    EXPECT_EQ(get("b"), "not_found");
    EXPECT_EQ(get("c"), std::string(512, 'c'));
    EXPECT_EQ(log->count(), 2u);
    ASSERT_EQ(reopen(), Status::kOk);
  }
}

TEST_F(StateLogTest, LimitsAreKept) {
  EXPECT_EQ(put("", "x"), Status::kTooLarge);
  EXPECT_EQ(put(std::string(64, 'k'), "x"), Status::kTooLarge);
  EXPECT_EQ(put("k", std::string(513, 'v')), Status::kTooLarge);
  for (size_t i = 0; i < StateLog::kEntriesMax; ++i)
    ASSERT_EQ(put("key" + std::to_string(i), std::string(400, 'v')), Status::kOk);
  EXPECT_EQ(put("one more", "x"), Status::kFull);
  EXPECT_EQ(put("key7", "x"), Status::kOk);
  EXPECT_EQ(log->remove("key0"), Status::kOk);
  EXPECT_EQ(put("one more", "x"), Status::kOk);
  ASSERT_EQ(reopen(), Status::kOk);
  EXPECT_EQ(log->count(), StateLog::kEntriesMax);
  EXPECT_EQ(get("one more"), "x");
  EXPECT_EQ(get("key7"), "x");
  std::array<uint8_t, 5> small;
  size_t size = 0;
  EXPECT_EQ(log->get("key1", small, &size), Status::kTooLarge);
  EXPECT_EQ(size, 400u);
}

TEST_F(StateLogTest, KeysAreScannedInOrderBelowTheirPrefix) {
  for (const char* key : {"peer.b", "peer.a", "q", "peer", "peer.c", "o"})
    ASSERT_EQ(put(key, "x"), Status::kOk);
  std::string seen;
  std::string_view key;
  while (ok(log->next_key("peer.", key, &key))) seen += std::string(key) + " ";
  EXPECT_EQ(seen, "peer.a peer.b peer.c ");
  seen.clear();
  key = {};
  while (ok(log->next_key("", key, &key))) seen += std::string(key) + " ";
  EXPECT_EQ(seen, "o peer peer.a peer.b peer.c q ");
}

TEST_F(StateLogTest, TheFileIsRewrittenWhenItGrows) {
  for (int i = 0; i < 3000; ++i)
    ASSERT_EQ(put("key" + std::to_string(i % 5), std::string(100, static_cast<char>('a' + i % 26))),
              Status::kOk);
  EXPECT_LE(disk.peek("drey.state")->size(), StateLog::kFileBytesMax + 1024);
  std::string expected = get("key4");
  ASSERT_EQ(reopen(), Status::kOk);
  EXPECT_EQ(get("key4"), expected);
  EXPECT_EQ(log->count(), 5u);
}

TEST_F(StateLogTest, AnAcknowledgedPutSurvivesEveryPowerCut) {
  for (SimDisk::Keep keep : {SimDisk::Keep::kNothing, SimDisk::Keep::kSome, SimDisk::Keep::kAll}) {
    for (uint64_t nth = 1; nth < 700; nth += 7) {
      SCOPED_TRACE(nth);
      disk.copy_from(SimDisk());
      ASSERT_EQ(reopen(), Status::kOk);
      disk.cut_at(nth, SimDisk::Cut::kTorn);
      std::map<std::string, std::string> told;
      for (int i = 0; i < 400 && !disk.is_cut(); ++i) {
        std::string key = "key" + std::to_string(i % 7);
        std::string value(300, static_cast<char>('a' + i % 26));
        if (ok(put(key, value))) told[key] = value;
      }
      disk.crash({keep, nth, 512});
      ASSERT_EQ(reopen(), Status::kOk);
      for (auto& [key, value] : told) {
        std::string now = get(key);
        // The put that was cut off may have arrived, too.
        EXPECT_TRUE(now == value || now.size() == 300) << key;
      }
      ASSERT_EQ(put("after", "x"), Status::kOk);
    }
  }
}

TEST_F(StateLogTest, DamagedEntriesAreLeftOutAndTheOthersStay) {
  for (int i = 0; i < 10; ++i) ASSERT_EQ(put("key" + std::to_string(i), "value"), Status::kOk);
  std::vector<uint8_t> good = *disk.peek("drey.state");
  for (size_t at = 0; at < good.size(); ++at) {
    std::vector<uint8_t> bad = good;
    bad[at] ^= 0x20;
    disk.put("drey.state", bad);
    ASSERT_EQ(reopen(), Status::kOk) << at;
    EXPECT_GE(log->count(), 9u) << at;
    for (int i = 0; i < 10; ++i) {
      std::string value = get("key" + std::to_string(i));
      EXPECT_TRUE(value == "value" || value == "not_found") << at;
    }
    ASSERT_EQ(put("new", "x"), Status::kOk);
    ASSERT_EQ(reopen(), Status::kOk);
    EXPECT_EQ(get("new"), "x");
  }
}

TEST_F(StateLogTest, ANewerVersionIsRefusedUntouched) {
  std::vector<uint8_t> file = *disk.peek("drey.state");
  file[8] = static_cast<uint8_t>(limits::kFormatVersion + 1);
  store_le<uint32_t>(&file[12], crc32c(0, Bytes(file).first(12)));
  disk.put("drey.state", file);
  uint64_t hash = disk.content_hash();
  EXPECT_EQ(reopen(), Status::kUnsupported);
  EXPECT_EQ(disk.content_hash(), hash);
}

TEST_F(StateLogTest, AFailedWriteLeavesTheOldValueAndClosesTheLog) {
  ASSERT_EQ(put("a", "1"), Status::kOk);
  disk.fail_nth(SimDisk::Call::kSync, 1, Status::kIo);
  EXPECT_EQ(put("a", "2"), Status::kIo);
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(put("b", "1"), Status::kIo);
  disk.crash({SimDisk::Keep::kNothing, 1, 512});
  ASSERT_EQ(reopen(), Status::kOk);
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(put("a", "3"), Status::kOk);
}

}  // namespace
}  // namespace drey
