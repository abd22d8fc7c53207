// Replication: passes count honestly, heal what lacks a holder, and come to rest.
#include "mesh/heal/replication.h"

#include "data_net.h"

namespace drey::data_test {
namespace {

TEST(Replication, NothingToKeepSettlesAtOnce) {
  Household home;
  Node& a = home.add();
  home.meet();
  ASSERT_TRUE(home.settle(a, 5 * kSecond));
  ReplicationSummary summary = a.data.replication();
  EXPECT_EQ(summary.records, 0u);
  EXPECT_EQ(summary.under_replicated, 0u);
  EXPECT_GE(summary.pass_number, 1u);
}

TEST(Replication, AloneEveryRecordIsAtRiskButNotUnderReplicated) {
  Household home;
  Node& a = home.add();
  home.meet();
  for (int i = 0; i < 10; ++i) home.push(a, home.record(500));
  ASSERT_TRUE(home.settle(a));
  ReplicationSummary summary = a.data.replication();
  EXPECT_EQ(summary.records, 10u);
  EXPECT_EQ(summary.under_replicated, 0u);
  EXPECT_EQ(summary.at_risk, 10u);
  EXPECT_EQ(summary.missing, 0u);
}

TEST(Replication, WhatWasSpooledReachesANewDevice) {
  Household home;
  Node& a = home.add();
  home.meet();
  std::vector<Record> records;
  for (size_t i = 0; i < 60; ++i) {
    records.push_back(home.record(200 + 500 * i));
    home.push(a, records.back());
  }
  Node& b = home.add();
  home.meet();
  home.connect(a, b);
  ASSERT_TRUE(home.until([&] {
    ReplicationSummary summary = a.data.replication();
    return summary.settled && summary.at_risk == 0 && summary.records == 60;
  }));
  EXPECT_EQ(a.data.replication().under_replicated, 0u);
  for (Record& record : records) EXPECT_TRUE(Household::holds(b, record.c));
  EXPECT_EQ(a.data.serve_pool().free_count(), limits::kServeSlots);
}

TEST(Replication, AHomeThatWasAwayIsHealedWhenItReturns) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  Node& c = home.add();
  home.meet();
  home.connect(a, b);
  for (int i = 0; i < 30; ++i) home.push(a, home.record(700));
  ASSERT_TRUE(home.settle(a));
  EXPECT_EQ(a.data.replication().under_replicated, 30u);
  EXPECT_EQ(a.data.replication().at_risk, 0u);
  home.connect(a, c);
  ASSERT_TRUE(home.until([&] {
    ReplicationSummary summary = a.data.replication();
    return summary.settled && summary.under_replicated == 0;
  }));
}

TEST(Replication, ALostDeviceIsReplacedFromTheOtherHolder) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  Node& c = home.add();
  Node& d = home.add();
  home.meet();
  home.connect(a, b);
  FakeLink& to_c = home.connect(a, c);
  std::vector<Record> records;
  for (int i = 0; i < 40; ++i) {
    records.push_back(home.record(2000));
    home.push(a, records.back());  // b and c: nothing in the own log
  }
  home.connect(a, d);
  ASSERT_TRUE(home.settle(a));
  EXPECT_EQ(a.data.replication().under_replicated, 0u);
  to_c.cut();
  c.lost = true;
  home.meet();
  ASSERT_TRUE(home.settle(a));
  EXPECT_EQ(a.data.replication().under_replicated, 0u);
  for (Record& record : records) EXPECT_TRUE(Household::holds(d, record.c));
  (void)b;
}

TEST(Replication, WhatNobodyHoldsIsCountedAsMissing) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  Node& c = home.add();
  home.meet();
  FakeLink& to_b = home.connect(a, b);
  FakeLink& to_c = home.connect(a, c);
  for (int i = 0; i < 7; ++i) home.push(a, home.record(900));
  to_b.cut();
  to_c.cut();
  home.run(kSecond);
  b.lost = c.lost = true;
  home.meet();
  ASSERT_TRUE(home.settle(a));
  ReplicationSummary summary = a.data.replication();
  EXPECT_EQ(summary.missing, 7u);
  EXPECT_EQ(summary.under_replicated, 7u);
  EXPECT_EQ(summary.at_risk, 0u);
}

TEST(Replication, AnIncompletePushUnsettlesAndACompleteOneDoesNot) {
  Household home;
  Node& a = home.add();
  home.add();
  Node& c = home.add();
  home.meet();
  home.connect_all();
  ASSERT_TRUE(home.settle(a));
  uint64_t pass = a.data.replication().pass_number;
  home.push(a, home.record(100));
  EXPECT_TRUE(a.data.replication().settled);
  home.run(5 * kSecond);
  EXPECT_EQ(a.data.replication().pass_number, pass);
  for (auto& link : home.links)
    if (link->owner == &a && link->other->owner == &c) link->cut();
  home.run(kSecond);
  home.push(a, home.record(100));
  EXPECT_FALSE(a.data.replication().settled);
  ASSERT_TRUE(home.settle(a));
  EXPECT_EQ(a.data.replication().under_replicated, 1u);
}

TEST(Replication, TwoNodesHealFromEachOtherAtOnce) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  home.meet(1);
  std::vector<Record> of_a;
  std::vector<Record> of_b;
  for (int i = 0; i < 80; ++i) {
    of_a.push_back(home.record(20'000));
    of_b.push_back(home.record(20'000));
    home.push(a, of_a.back());
    home.push(b, of_b.back());
  }
  uint64_t begun_ns = home.world.now_ns();
  home.connect(a, b);
  auto healed = [](Node& node) {
    ReplicationSummary summary = node.data.replication();
    return summary.settled && summary.records == 80 && summary.under_replicated == 0;
  };
  ASSERT_TRUE(home.until([&] { return healed(a) && healed(b); }));
  EXPECT_LE(home.world.now_ns() - begun_ns, 30 * kSecond);
  for (Record& record : of_a) EXPECT_TRUE(Household::holds(b, record.c));
  for (Record& record : of_b) EXPECT_TRUE(Household::holds(a, record.c));
}

TEST(Replication, HealedPinsBelongToTheOwner) {
  Household home;
  Node& a = home.add();
  home.meet();
  Record record = home.record(500);
  home.push(a, record);
  Node& b = home.add();
  home.meet();
  home.connect(a, b);
  ASSERT_TRUE(home.until([&] { return Household::holds(b, record.c); }));
  ChunkId pinned[2];
  size_t count = 0;
  ASSERT_EQ(b.store.scan_pinned(a.id, record.c.raw[0], {}, pinned, &count), Status::kOk);
  ASSERT_EQ(count, 1u);
  EXPECT_EQ(pinned[0], record.c);
}

TEST(Replication, APassOverTenThousandRowsTakesLessThanASecond) {
  Household home;
  Node& a = home.add();
  home.meet();
  std::vector<OwnedRecord> rows(64);
  for (int batch = 0; batch < 160; ++batch) {
    for (OwnedRecord& row : rows) {
      Record record = home.record(32);
      row = {record.c, record.d, 32, ChunkType::kData};
    }
    Ticket ticket = 0;
    ASSERT_EQ(a.store.own(rows, 1, &ticket), Status::kOk);
    ASSERT_EQ(a.store.commit(ticket), Status::kOk);
  }
  a.data.recheck();
  uint64_t begun_ns = home.world.now_ns();
  ASSERT_TRUE(home.until([&] {
    ReplicationSummary summary = a.data.replication();
    return summary.settled && summary.records == 160 * 64;
  }));
  EXPECT_LE(home.world.now_ns() - begun_ns, kSecond);
  EXPECT_EQ(a.data.replication().missing, 160u * 64u);
}

TEST(Replication, AFullMeshComesToRestAndStaysUnderReplicated) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  b.full = true;
  home.meet();
  home.connect(a, b);
  for (int i = 0; i < 5; ++i) home.push(a, home.record(500));
  ASSERT_TRUE(home.settle(a));
  EXPECT_EQ(a.data.replication().under_replicated, 5u);
  uint64_t pass = a.data.replication().pass_number;
  home.run(120 * kSecond);
  EXPECT_LE(a.data.replication().pass_number, pass + 1) << "it does not spin";
}

}  // namespace
}  // namespace drey::data_test
