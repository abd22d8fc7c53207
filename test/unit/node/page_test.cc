// The page: small enough, escaped, and the same words whatever the state.
#include "node/page/page.h"

#include <gtest/gtest.h>

#include <cctype>
#include <memory>
#include <string>
#include <vector>

#include "codec/compress.h"
#include "crypto/hash.h"
#include "unit/node/payloads.h"

namespace drey {
namespace {

class PageTest : public ::testing::Test {
 protected:
  void SetUp() override { history_->begin(400ll * 86400 * 1'000'000'000); }

  void add_snapshot(uint64_t age_days, std::string_view set) {
    SnapshotInfo info;
    info.id.mut()[0] = static_cast<uint8_t>(age_days);
    info.time_ns = (400ll - static_cast<int64_t>(age_days)) * 86400 * 1'000'000'000;
    info.files = 1000 + age_days;
    info.bytes = 5'000'000'000;
    info.added_bytes = 1'000'000 * age_days;
    info.set_size = static_cast<uint8_t>(set.copy(info.set_data.data(), info.set_data.size()));
    history_->add(info);
  }

  // A household with every part of the page in use; `name` stands wherever a name can.
  PageModel full_model(std::string_view name, size_t device_count) {
    for (size_t i = 0; i < device_count; ++i) {
      PageModel::Device device;
      device.name = name;
      device.state = i % 3 == 0 ? "alive" : i % 3 == 1 ? "away" : "quiet";
      device.seen_s = 1234 * i;
      device.capacity_bytes = (64ull + i) << 30;
      device.free_bytes = 17ull * i << 26;
      devices_.push_back(device);
    }
    for (size_t i = 0; i < 8; ++i) sets_.push_back({name, "failed", name, 3600 * i, 60 * i, true});
    for (size_t i = 0; i < 12; ++i) events_.push_back({"warning", name, 61 * i});
    for (uint64_t i = 0; i < 40; ++i) add_snapshot(i, name.substr(0, 63));
    PageModel m;
    m.kind = VerdictKind::kAtRisk;
    m.sentence = m.node = m.mesh = m.version = m.board = name;
    m.nodes = device_count + 1;
    m.copies = 2;
    m.devices = devices_;
    m.sets = sets_;
    m.events = events_;
    m.history = history_.get();
    m.context = &name_;
    name_ = name;
    m.member_name = [](const void* context, const NodeId&) {
      return *static_cast<const std::string_view*>(context);
    };
    m.wall_ns = 400ll * 86400 * 1'000'000'000;
    m.signed_in = m.may_write = m.may_admin = m.full = m.has_users = true;
    m.backing_up = m.scrubbing = true;
    m.under_replicated = m.missing = 7;
    m.scrub_all_bytes = 100;
    m.scrub_read_bytes = 40;
    return m;
  }
  std::string page(const PageModel& model, const PageRows& rows = {}) {
    std::string text(512 * 1024, '\0');
    TextWriter out{std::span<char>(text)};
    write_page(out, model, rows);
    EXPECT_TRUE(out.ok());
    return std::string(out.view());
  }
  std::unique_ptr<SnapshotHistory> history_ = std::make_unique<SnapshotHistory>();
  std::vector<PageModel::Device> devices_;
  std::vector<PageModel::Set> sets_;
  std::vector<PageModel::Event> events_;
  std::string_view name_;
};

TEST_F(PageTest, IsAtMost14KibibytesPackedEvenWithSixtyFourDevices) {
  std::string text = page(full_model("a device with a name of its own", 64));
  std::vector<uint8_t> arena(kGzipArenaBytes), packed(text.size());
  Result<size_t> size = gzip(as_bytes(text), arena, packed);
  ASSERT_TRUE(size.ok());
  EXPECT_LE(size.value(), 14u * 1024) << text.size();
  EXPECT_EQ(packed[0], 0x1f);
  EXPECT_EQ(packed[1], 0x8b);
}

TEST_F(PageTest, WithFewerRowsItFitsAConnectionsBufferUnpacked) {
  PageModel model = full_model(std::string_view("sixty-three bytes of a name, as long as they may "
                                                "be, all of them"),
                               64);
  EXPECT_LE(page(model, {16, 3, 2}).size(), 30u * 1024);
}

TEST_F(PageTest, NoNameBecomesMarkup) {
  PageModel plain = full_model("plain", 3);
  std::string reference = page(plain);
  for (const std::string& payload : payloads()) {
    devices_.clear(), sets_.clear(), events_.clear();
    history_->begin(400ll * 86400 * 1'000'000'000);
    std::string text = page(full_model(payload, 3));
    EXPECT_TRUE(same_markup(text, reference)) << payload;
  }
  EXPECT_EQ(payloads().size(), 50u);
}

TEST_F(PageTest, WhoIsNotSignedInSeesTheVerdictAndTheDevicesOnly) {
  PageModel model = full_model("secret name of a set", 1);
  model.sentence = "All is well.";
  model.node = model.mesh = model.version = model.board = "x";
  devices_[0].name = "attic";
  model.signed_in = false;
  std::string text = page(model);
  EXPECT_NE(text.find("<h1>All is well.</h1>"), std::string::npos);
  EXPECT_NE(text.find("attic"), std::string::npos);
  EXPECT_EQ(text.find("secret"), std::string::npos);
  EXPECT_EQ(text.find("data-post=\""), std::string::npos);
  EXPECT_NE(text.find("action=\"/login\""), std::string::npos);
}

TEST_F(PageTest, TitleAndIconTellTheState) {
  std::vector<std::string> heads;
  for (VerdictKind kind :
       {VerdictKind::kProtected, VerdictKind::kWaiting, VerdictKind::kAtRisk, VerdictKind::kLost}) {
    PageModel model;
    model.kind = kind;
    std::string text = page(model);
    heads.push_back(text.substr(text.find("<title>"), 40));
    EXPECT_NE(text.find("href=\"data:image/svg"), std::string::npos);
  }
  EXPECT_NE(heads[0], heads[1]);
  EXPECT_NE(heads[1], heads[2]);
  EXPECT_NE(heads[2], heads[3]);
}

TEST_F(PageTest, NothingComesFromElsewhere) {
  std::string text = page(full_model("x", 3));
  EXPECT_EQ(count_of(text, "http://"), count_of(text, "http://www.w3.org/2000/svg"));
  EXPECT_EQ(text.find("https://"), std::string::npos);
  EXPECT_EQ(text.find(" src="), std::string::npos);
  EXPECT_EQ(text.find(" style="), std::string::npos) << "the policy refuses style attributes";
  EXPECT_EQ(text.find(" onclick="), std::string::npos);
}

// What a browser computes from the page must be what the header says.
TEST_F(PageTest, ThePolicyNamesTheHashesOfStyleAndScript) {
  std::string text = page(full_model("x", 1));
  for (std::string_view tag : {"style", "script"}) {
    size_t begin = text.find("<" + std::string(tag) + ">") + tag.size() + 2;
    std::string inner = text.substr(begin, text.find("</" + std::string(tag) + ">") - begin);
    Key32 hash = sha256(as_bytes(inner));
    std::string bits, base64;
    for (uint8_t byte : hash)
      for (int i = 7; i >= 0; --i) bits += byte >> i & 1 ? '1' : '0';
    while (bits.size() % 6 != 0) bits += '0';
    const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bits.size(); i += 6)
      base64 += digits[std::stoi(bits.substr(i, 6), nullptr, 2)];
    EXPECT_NE(page_policy().find(std::string(tag) + "-src 'sha256-" + base64 + "='"),
              std::string_view::npos)
        << tag;
  }
  EXPECT_EQ(page_policy().find("unsafe"), std::string_view::npos);
  EXPECT_NE(page_policy().find("default-src 'none'"), std::string_view::npos);
  EXPECT_NE(page_policy().find("frame-ancestors 'none'"), std::string_view::npos);
}

TEST_F(PageTest, TheSignInFormEscapesItsCode) {
  std::string text(64 * 1024, '\0');
  TextWriter out{std::span<char>(text)};
  write_sign_in(out, "\"><script>");
  EXPECT_TRUE(out.ok());
  EXPECT_NE(out.view().find("value=\"&quot;&gt;&lt;script&gt;\""), std::string_view::npos);
}

TEST_F(PageTest, AWriterThatIsTooSmallIsNoticedAndNotOverrun) {
  PageModel model = full_model("x", 3);
  std::string whole = page(model);
  for (size_t room = 0; room < whole.size(); room += 97) {
    std::string text(room + 8, '#');
    TextWriter out{std::span<char>(text.data(), room)};
    write_page(out, model, {});
    EXPECT_FALSE(out.ok());
    EXPECT_EQ(text.substr(room), "########");
  }
}

TEST(SnapshotHistory, KeepsTheNewestAndCountsTheMonth) {
  auto history = std::make_unique<SnapshotHistory>();
  history->begin(100ll * 86400 * 1'000'000'000 + 5);
  for (uint64_t day : {100, 3, 90, 101, 99, 70, 69, 98, 97, 96, 95, 94, 93, 100}) {
    SnapshotInfo info;
    info.time_ns = static_cast<int64_t>(day) * 86400 * 1'000'000'000 + 7;
    info.added_bytes = day;
    history->add(info);
  }
  ASSERT_EQ(history->rows().size(), SnapshotHistory::kRowsMax);
  EXPECT_EQ(history->rows()[0].added_bytes, 101u);
  EXPECT_EQ(history->rows()[1].added_bytes, 100u);
  EXPECT_EQ(history->rows()[2].added_bytes, 100u);
  EXPECT_EQ(history->rows().back().added_bytes, 93u);
  EXPECT_EQ(history->count(), 14u);
  EXPECT_EQ(history->first_day(), 70);
  EXPECT_EQ(history->days()[0].added_bytes, 70u);
  EXPECT_EQ(history->days()[30].snapshots, 2u);
  EXPECT_EQ(history->days()[30].added_bytes, 200u);
}

}  // namespace
}  // namespace drey
