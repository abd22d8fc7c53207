#include "node/verdict.h"

#include <gtest/gtest.h>

namespace drey {
namespace {

VerdictInput healthy() {
  VerdictInput in;
  in.others = 2;
  in.own_snapshots = 1;
  in.replication.records = 10;
  in.replication.pass_number = 1;
  in.replication.settled = true;
  return in;
}

TEST(Verdict, ProtectedOnlyWithEveryCopyAndEnoughDevices) {
  VerdictInput in = healthy();
  EXPECT_EQ(judge(in).kind, VerdictKind::kProtected);
  in.others = 1;
  EXPECT_EQ(judge(in).kind, VerdictKind::kAtRisk);
  EXPECT_NE(judge(in).sentence().find("add 1 more device"), std::string_view::npos);
}

TEST(Verdict, WorstFactWins) {
  VerdictInput in = healthy();
  in.replication.under_replicated = 3;
  EXPECT_EQ(judge(in).kind, VerdictKind::kWaiting);
  in.replication.at_risk = 2;
  EXPECT_EQ(judge(in).kind, VerdictKind::kAtRisk);
  in.replication.missing = 1;
  EXPECT_EQ(judge(in).kind, VerdictKind::kLost);
}

TEST(Verdict, NothingIsCalledLostBeforeEverybodyWasAsked) {
  VerdictInput in = healthy();
  in.replication.missing = 5;
  in.replication.settled = false;
  EXPECT_EQ(judge(in).kind, VerdictKind::kWaiting);
  in.replication.pass_number = 0;
  in.replication.missing = 0;
  EXPECT_EQ(judge(in).kind, VerdictKind::kWaiting);
}

TEST(Verdict, NothingIsCalledProtectedBeforeItIsCounted) {
  VerdictInput in = healthy();
  in.replication.settled = false;  // a backup ended after the counts were made
  EXPECT_EQ(judge(in).kind, VerdictKind::kWaiting);
  in.replication.counted = true;  // a device came back and is still being asked: as before
  EXPECT_EQ(judge(in).kind, VerdictKind::kProtected);
}

TEST(Verdict, LostIsSaidOnlyWhenEverybodyAnswers) {
  VerdictInput in = healthy();
  in.replication.missing = 5;
  EXPECT_EQ(judge(in).kind, VerdictKind::kLost);
  in.others_away = 1;
  EXPECT_EQ(judge(in).kind, VerdictKind::kAtRisk);
  EXPECT_NE(judge(in).sentence().find("1 device is asleep or off"), std::string_view::npos);
}

TEST(Verdict, EverySentenceFits) {
  VerdictInput in = healthy();
  in.replication.missing = in.replication.at_risk = in.replication.under_replicated = UINT64_MAX;
  in.stored_records = UINT64_MAX;
  for (bool full : {true, false}) {
    in.full = full;
    EXPECT_TRUE(judge(in).sentence().ends_with("."));
  }
}

}  // namespace
}  // namespace drey
