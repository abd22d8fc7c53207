// C8: a node survives the loss of either place of its mesh's first statement, and says so.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "node/genesis_file.h"
#include "node/node.h"
#include "sim/sim_node.h"
#include "sim/sim_world.h"
#include "unit/node/sqlite_once.h"

namespace drey {
namespace {

constexpr const char* kSegment = "log/00000001.seg";
constexpr size_t kHeaders = 128;  // of segment and entry; the genesis follows

class GenesisFile : public ::testing::Test {
 protected:
  void SetUp() override {
    start_sqlite();
    Run run(nullptr);
    Node::InitRequest request;
    request.node_name = "device";
    request.mesh_name = "home";
    request.compression = "auto";
    std::array<char, 128> phrase;
    size_t size = 0;
    Explanation why;
    ASSERT_EQ(run.node->init(run.options, request, phrase, &size, &why), Status::kOk);
    run.end();
    fresh_.copy_from(run.sim->disk);
    Run first(&fresh_);
    ASSERT_EQ(first.start(), Status::kOk);
    first.end();
    started_.copy_from(first.sim->disk);
  }

  // One process on a copy of a disk.
  struct Run {
    explicit Run(const SimDisk* disk) : world(1) {
      sim = &world.add_node("device");
      if (disk != nullptr) sim->disk.copy_from(*disk);
      node = std::make_unique<Node>(&sim->clock, &sim->host);
      options.ports = sim->ports();
      options.config = &config;
      options.control_path = "/control.sock";
    }
    Status start() {
      Explanation why;
      return node->start(options, &why);
    }
    void end() {
      sim->disk.cut_now();
      node.reset();
      sim->kill();
    }
    size_t warnings(std::string_view of) const {
      return static_cast<size_t>(
          std::count_if(sim->host.logged.begin(), sim->host.logged.end(), [of](const auto& line) {
            return std::string_view(line.second).find(of) != std::string_view::npos;
          }));
    }
    SimWorld world;
    SimNode* sim = nullptr;
    Config config;
    NodeOptions options;
    std::unique_ptr<Node> node;
  };

  void drop_index(SimDisk* disk) {
    for (const std::string& name : disk->names())
      if (name.starts_with("drey.index")) (void)disk->remove(name);
  }

  SimDisk fresh_;    // after drey init
  SimDisk started_;  // after the first start
};

TEST_F(GenesisFile, IsMadeByTheFirstStart) {
  EXPECT_EQ(fresh_.peek(kGenesisFileName), nullptr);
  ASSERT_NE(started_.peek(kGenesisFileName), nullptr);
}

TEST_F(GenesisFile, ANodeStartsWithAnyByteOfTheLogsGenesisDamaged) {
  for (size_t at = 0; at < started_.peek(kSegment)->size(); at += 13) {
    SimDisk disk;
    disk.copy_from(started_);
    ASSERT_TRUE(disk.flip(kSegment, at, static_cast<uint8_t>(1 << at % 8)));
    Run run(&disk);
    ASSERT_EQ(run.start(), Status::kOk) << at;
    run.end();
    Run again(&run.sim->disk);
    ASSERT_EQ(again.start(), Status::kOk) << at;
    EXPECT_EQ(again.warnings("is back from its copy"), 0u)
        << "it was not made durable, byte " << at;
    again.end();
  }
}

TEST_F(GenesisFile, TheReturnOfTheGenesisIsTold) {
  size_t middle = kHeaders + started_.peek(kGenesisFileName)->size() / 2;
  ASSERT_TRUE(started_.flip(kSegment, middle, 4));
  Run run(&started_);
  ASSERT_EQ(run.start(), Status::kOk);
  EXPECT_EQ(run.warnings("is back from its copy"), 1u);
  EXPECT_GT(run.node->store_stats().corrupt, 0u);
  run.end();
}

TEST_F(GenesisFile, ADamagedCopyIsMadeAgainAndThatIsTold) {
  size_t size = started_.peek(kGenesisFileName)->size();
  std::vector<uint8_t> right = *started_.peek(kGenesisFileName);
  for (size_t at = 0; at < size; at += 13) {
    SimDisk disk;
    disk.copy_from(started_);
    ASSERT_TRUE(disk.flip(kGenesisFileName, at, static_cast<uint8_t>(1 << at % 8)));
    Run run(&disk);
    ASSERT_EQ(run.start(), Status::kOk);
    EXPECT_EQ(run.warnings("made again"), 1u);
    EXPECT_EQ(*run.sim->disk.peek(kGenesisFileName), right);
    run.end();
  }
}

TEST_F(GenesisFile, WithBothPlacesDamagedTheNodeDoesNotStart) {
  ASSERT_TRUE(started_.flip(kSegment, kHeaders + 100, 1));
  ASSERT_TRUE(started_.flip(kGenesisFileName, 50, 1));
  Run run(&started_);
  EXPECT_EQ(run.start(), Status::kCorrupt);
  run.end();
}

TEST_F(GenesisFile, ALogThatIsGoneIsNotTakenForADamagedOne) {
  drop_index(&started_);
  ASSERT_EQ(started_.remove(kSegment), Status::kOk);
  Run run(&started_);
  EXPECT_EQ(run.start(), Status::kCorrupt);
  run.end();
}

}  // namespace
}  // namespace drey
