// forget: which snapshots go, and what is said when none can.
#include "base/text.h"
#include "unit/backup/service_world.h"

namespace drey {
namespace {

using test::ServiceWorld;
using Names = std::vector<std::string_view>;

class ForgetService : public ::testing::Test {
 protected:
  ForgetService() : w(3) { EXPECT_TRUE(w.node.tree.write_file("/home/a", "one")); }
  void snapshot(std::string_view set = "default") {
    EXPECT_TRUE(w.node.tree.write_file("/home/a", "version " + std::to_string(++versions)));
    ASSERT_EQ(w.back_up({"/home"}, set), Status::kOk);
    w.world.run_for(5 * kSecond);
  }
  std::string hex(size_t index, size_t digits = 64) {
    std::array<char, 64> text;
    EXPECT_TRUE(hex_encode(w.snapshots()[index].id.bytes(), text));
    return std::string(text.data(), digits);
  }
  std::vector<uint64_t> left() {
    std::vector<uint64_t> sequences;
    for (const SnapshotInfo& info : w.snapshots()) sequences.push_back(info.sequence);
    return sequences;
  }
  Status forget(const Names& names, RetentionPolicy policy = {}, bool dry_run = false) {
    ForgetRequest request;
    request.snapshots = names;
    request.policy = policy;
    request.dry_run = dry_run;
    return w.forget(request);
  }
  const ForgetResult& result() { return w.service->forget_result(); }
  ServiceWorld w;
  int versions = 0;
};

TEST_F(ForgetService, NamedSnapshotsGoAndTheNumbersGoOn) {
  for (int i = 0; i < 4; ++i) snapshot();
  std::string first = hex(0), third = hex(2, 12), newest = hex(3);
  ASSERT_EQ(forget({first, third}), Status::kOk);
  EXPECT_EQ(result().removed, 2u);
  EXPECT_EQ(result().kept, 2u);
  EXPECT_EQ(left(), (std::vector<uint64_t>{2, 4}));
  ASSERT_EQ(forget({"latest"}), Status::kOk);
  EXPECT_EQ(left(), (std::vector<uint64_t>{2}));
  snapshot();
  EXPECT_EQ(left(), (std::vector<uint64_t>{2, 5}));
}

TEST_F(ForgetService, RulesRemovePerSetAndNeverTheNewest) {
  for (int i = 0; i < 3; ++i) snapshot("one");
  snapshot("two");
  ASSERT_EQ(forget({}, {.keep_last = 1}), Status::kOk);
  EXPECT_EQ(result().removed, 2u);
  EXPECT_EQ(left(), (std::vector<uint64_t>{3, 4}));
  ASSERT_EQ(forget({}, {.keep_daily = 5}), Status::kOk);
  EXPECT_EQ(result().removed, 0u);
  EXPECT_EQ(left(), (std::vector<uint64_t>{3, 4}));
}

TEST_F(ForgetService, ADryRunTellsAndRemovesNothing) {
  for (int i = 0; i < 3; ++i) snapshot();
  std::string first = hex(0);
  ASSERT_EQ(forget({}, {.keep_last = 2}, true), Status::kOk);
  EXPECT_EQ(result().removed, 1u);
  EXPECT_EQ(result().kept, 2u);
  std::array<char, 64> text;
  EXPECT_TRUE(hex_encode(result().ids[0].bytes(), text));
  EXPECT_EQ(std::string(text.data(), 64), first);
  EXPECT_EQ(left(), (std::vector<uint64_t>{1, 2, 3}));
}

// F9: a policy that says nothing, or nonsense, removes nothing.
TEST_F(ForgetService, WhatCannotBeUnderstoodRemovesNothing) {
  for (int i = 0; i < 3; ++i) snapshot();
  std::string first = hex(0);
  EXPECT_EQ(forget({}), Status::kNotEnough);
  EXPECT_EQ(forget({}, {.keep_last = 0, .keep_daily = 0}), Status::kNotEnough);
  EXPECT_EQ(forget({}, {.keep_last = RetentionPolicy::kCountMax + 1}), Status::kInvalid);
  EXPECT_EQ(forget({"nonsense"}), Status::kInvalid);
  EXPECT_EQ(forget({"123"}), Status::kInvalid);
  EXPECT_EQ(forget({""}), Status::kInvalid);
  EXPECT_EQ(forget({first, "00000000"}), Status::kNotFound);  // the first one stays, too
  EXPECT_EQ(result().at, 1u);
  EXPECT_EQ(result().removed, 0u);
  EXPECT_EQ(forget(Names(ForgetRequest::kSnapshotsMax + 1, first)), Status::kTooLarge);
  EXPECT_EQ(left(), (std::vector<uint64_t>{1, 2, 3}));
}

}  // namespace
}  // namespace drey
