// The data service as a whole: sessions, claims, rest.
#include "mesh/data/data_service.h"

#include "data_net.h"

namespace drey::data_test {
namespace {

TEST(Data, AnIdleServiceSaysSo) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  home.meet();
  home.connect(a, b);
  home.push(a, home.record(500));
  ASSERT_TRUE(home.settle(a));
  EXPECT_TRUE(home.until([&] { return a.data.idle() && b.data.idle(); }));
  home.begin_push(a, home.record(500));
  EXPECT_FALSE(a.data.idle());
}

TEST(Data, ASessionTooManyIsClosed) {
  Household home;
  Node& a = home.add();
  Node& b = home.add();
  home.meet();
  std::vector<FakeLink*> links;
  for (size_t i = 0; i < DataPeers::kSlots + 1; ++i) links.push_back(&home.connect(a, b));
  EXPECT_TRUE(links[0]->open);
  EXPECT_FALSE(links.back()->open);
}

TEST(Data, TheSameMembersAgainChangeNothing) {
  Household home;
  Node& a = home.add();
  home.add();
  home.meet();
  ASSERT_TRUE(home.settle(a));
  home.run(kSecond);
  uint64_t pass = a.data.replication().pass_number;
  home.meet();
  home.run(5 * kSecond);
  EXPECT_EQ(a.data.replication().pass_number, pass);
  home.meet(1);
  EXPECT_FALSE(a.data.replication().settled);
  ASSERT_TRUE(home.settle(a));
  EXPECT_GT(a.data.replication().pass_number, pass);
}

TEST(Data, FlushWithoutClaimsIsDone) {
  Household home;
  Node& a = home.add();
  home.meet();
  EXPECT_EQ(home.flush(a), Status::kOk);
}

TEST(Data, AFailedClaimIsReportedByTheNextFlush) {
  Household home;
  Node& a = home.add();
  home.add();
  home.add();
  home.meet();
  home.connect_all();
  ASSERT_TRUE(home.settle(a));
  home.push(a, home.record(100));  // durable at the others, claimed here, not yet synced
  a.sim->disk.fail_nth(SimDisk::Call::kSync, 1, Status::kIo, 0);
  EXPECT_NE(home.flush(a), Status::kOk);
}

}  // namespace
}  // namespace drey::data_test
