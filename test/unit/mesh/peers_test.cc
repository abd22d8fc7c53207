#include "mesh/discovery/peers.h"

#include "unit/mesh/membership_support.h"

namespace drey::test {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

struct PeersTest : ::testing::Test {
  PeersTest() {
    view.add(0, 1);
    view.add(0, 2, Role::kVault);
    peers.start(id(0), kSecondNs);
    peers.follow(*view.membership);
  }
  View view;
  Peers peers;
};

TEST_F(PeersTest, FollowsTheActiveMembersWithoutSelf) {
  EXPECT_EQ(peers.all().size(), 2u);
  EXPECT_EQ(peers.find(id(0)), nullptr);
  view.revoke(0, 1);
  peers.follow(*view.membership);
  EXPECT_EQ(peers.all().size(), 1u);
  EXPECT_EQ(peers.find(id(1)), nullptr);
  EXPECT_NE(peers.find(id(2)), nullptr);
}

TEST_F(PeersTest, GoesFromQuietOverAwayToLost) {
  EXPECT_EQ(peers.find(id(1))->state, PeerState::kAway);  // never seen is not lost
  peers.seen(id(1), Address{}, 10 * kSecondNs);
  EXPECT_TRUE(peers.tick(11 * kSecondNs));
  EXPECT_EQ(peers.find(id(1))->state, PeerState::kQuiet);
  EXPECT_FALSE(peers.tick(12 * kSecondNs));
  peers.tick(10 * kSecondNs + Peers::kQuietNs);
  EXPECT_EQ(peers.find(id(1))->state, PeerState::kAway);
  peers.tick(10 * kSecondNs + Peers::kLostNsDefault);
  EXPECT_EQ(peers.find(id(1))->state, PeerState::kAway);
  peers.tick(11 * kSecondNs + Peers::kLostNsDefault);
  EXPECT_EQ(peers.find(id(1))->state, PeerState::kLost);
  EXPECT_EQ(peers.count_in(PeerState::kLost), 2u);
  peers.seen(id(1), Address{}, 20 * kSecondNs + Peers::kLostNsDefault);
  peers.tick(21 * kSecondNs + Peers::kLostNsDefault);
  EXPECT_EQ(peers.find(id(1))->state, PeerState::kQuiet);
}

TEST_F(PeersTest, UpTimeOfEarlierRunsCounts) {
  peers.find(id(1))->unseen_before_ns = Peers::kLostNsDefault - 5 * kSecondNs;
  peers.tick(5 * kSecondNs);
  EXPECT_EQ(peers.find(id(1))->state, PeerState::kAway);
  peers.tick(8 * kSecondNs);
  EXPECT_EQ(peers.find(id(1))->state, PeerState::kLost);
}

// A device in sight for `days`, but for `away_ns` in each of them.
struct HabitTest : PeersTest {
  void live(uint64_t days, uint64_t away_ns) {
    for (uint64_t day = 0; day < days; ++day) {
      sit(24 * Peers::kHourNs - away_ns);
      pass(away_ns);
      ever_lost = ever_lost || peer()->state == PeerState::kLost;
    }
    peers.seen(id(1), Address{}, now_ns);
  }
  // A session is open all the time.
  void sit(uint64_t span_ns) {
    peers.seen(id(1), Address{}, now_ns);
    peer()->session = session;
    for (uint64_t end = now_ns + span_ns; now_ns < end; now_ns += Peers::kHourNs / 4)
      peers.tick(now_ns);
    peer()->session = nullptr;
  }
  void pass(uint64_t span_ns) {
    now_ns += span_ns;
    peers.tick(now_ns);
  }
  Peer* peer() { return peers.find(id(1)); }

  uint64_t now_ns = kSecondNs;
  bool ever_lost = false;
  alignas(16) std::array<uint8_t, 16> bytes_{};
  Session* session = reinterpret_cast<Session*>(bytes_.data());  // only compared with null
};

TEST_F(HabitTest, OneThatIsAlwaysThereIsLostAfterHalfADay) {
  live(4, 0);
  pass(Peers::kGraceNsMin - Peers::kHourNs);
  EXPECT_EQ(peer()->state, PeerState::kAway);
  pass(2 * Peers::kHourNs);
  EXPECT_EQ(peer()->state, PeerState::kLost);
}

TEST_F(HabitTest, ALaptopThatSleepsEveryNightIsNeverLost) {
  live(21, 10 * Peers::kHourNs);
  EXPECT_FALSE(ever_lost);
  EXPECT_GE(Peers::grace_ns(*peer()), 30 * Peers::kHourNs);
  pass(24 * Peers::kHourNs);  // and may sleep a day longer
  EXPECT_EQ(peer()->state, PeerState::kAway);
}

TEST_F(HabitTest, AStrangerHasTheLongGrace) {
  live(2, 0);
  EXPECT_EQ(Peers::grace_ns(*peer()), Peers::kLostNsDefault);
}

TEST_F(HabitTest, AHolidayIsRememberedAndFades) {
  live(4, 0);
  pass(48 * Peers::kHourNs);
  live(1, 0);
  EXPECT_GE(Peers::grace_ns(*peer()), 4 * 24 * Peers::kHourNs);
  live(60, Peers::kHourNs);
  EXPECT_LT(Peers::grace_ns(*peer()), 24 * Peers::kHourNs);
}

TEST_F(HabitTest, NoGraceIsLongerThanAWeekOrShorterThanHalfADay) {
  live(4, 0);
  peer()->longest_away_ns = UINT64_MAX / 8;
  EXPECT_EQ(Peers::grace_ns(*peer()), Peers::kLostNsDefault);
  peer()->longest_away_ns = 0;
  EXPECT_EQ(Peers::grace_ns(*peer()), Peers::kGraceNsMin);
}

TEST_F(PeersTest, KeepsTheLastAddressWithAPort) {
  Address at;
  at.port = 7;
  peers.seen(id(1), at, kSecondNs);
  peers.seen(id(1), Address{}, kSecondNs);
  EXPECT_EQ(peers.find(id(1))->address.port, 7);
  EXPECT_TRUE(peers.find(id(1))->address_unsaved);
}

}  // namespace
}  // namespace drey::test
