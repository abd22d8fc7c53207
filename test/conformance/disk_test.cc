#include <algorithm>

#include "conformance/subject.h"

namespace drey::conformance {
namespace {

class DiskConformance : public Suite {
 protected:
  Disk::File must_open(std::string_view name, uint32_t flags) {
    Result<Disk::File> file = ports.disk->open(name, flags);
    EXPECT_EQ(Status::kOk, file.status()) << name;
    return file.ok() ? file.value() : -1;
  }
  void put(std::string_view name, std::string_view content) {
    Disk::File file = must_open(name, Disk::kWrite | Disk::kCreate);
    EXPECT_EQ(Status::kOk, ports.disk->truncate(file, 0));
    EXPECT_EQ(Status::kOk, ports.disk->write_at(file, 0, as_bytes(content)));
    ports.disk->close(file);
  }
  std::string get(std::string_view name) {
    Disk::File file = must_open(name, Disk::kRead);
    std::string content(64, '?');
    Result<size_t> size = ports.disk->read_at(file, 0, bytes_of(content));
    EXPECT_EQ(Status::kOk, size.status());
    ports.disk->close(file);
    return content.substr(0, size.value());
  }
  std::vector<std::string> list(std::string_view dir) {
    std::vector<std::string> names;
    auto visit = [](void* to, std::string_view name) {
      static_cast<std::vector<std::string>*>(to)->emplace_back(name);
    };
    EXPECT_EQ(Status::kOk, ports.disk->list(dir, visit, &names));
    std::sort(names.begin(), names.end());
    return names;
  }
  static MutBytes bytes_of(std::string& text) {
    return {reinterpret_cast<uint8_t*>(text.data()), text.size()};
  }
};

TEST_P(DiskConformance, MissingFilesAreNotFound) {
  EXPECT_EQ(Status::kNotFound, ports.disk->open("a", Disk::kRead).status());
  EXPECT_EQ(Status::kNotFound, ports.disk->remove("a"));
  EXPECT_EQ(Status::kNotFound, ports.disk->rename("a", "b"));
  EXPECT_EQ(Status::kNotFound, ports.disk->sync_dir("a"));
  EXPECT_EQ(Status::kNotFound, ports.disk->open("a/b", Disk::kWrite | Disk::kCreate).status());
}

TEST_P(DiskConformance, ExclusiveCreationRefusesWhatIsThere) {
  constexpr uint32_t kFlags = Disk::kWrite | Disk::kCreate | Disk::kExclusive;
  ports.disk->close(must_open("a", kFlags));
  EXPECT_EQ(Status::kExists, ports.disk->open("a", kFlags).status());
  ports.disk->close(must_open("a", Disk::kWrite | Disk::kCreate));
}

TEST_P(DiskConformance, FlagsWithoutReadOrWriteAreInvalid) {
  EXPECT_EQ(Status::kInvalid, ports.disk->open("a", Disk::kCreate).status());
}

TEST_P(DiskConformance, OpeningToWriteKeepsTheContent) {
  put("a", "hello");
  ports.disk->close(must_open("a", Disk::kWrite | Disk::kCreate));
  EXPECT_EQ("hello", get("a"));
}

TEST_P(DiskConformance, WritesAtAnyOffsetAndFillsTheGapWithZeros) {
  Disk::File file = must_open("a", Disk::kRead | Disk::kWrite | Disk::kCreate);
  EXPECT_EQ(Status::kOk, ports.disk->write_at(file, 4, as_bytes("end")));
  EXPECT_EQ(Status::kOk, ports.disk->write_at(file, 1, as_bytes("x")));
  EXPECT_EQ(7u, ports.disk->size(file).value());
  std::string content(7, '?');
  EXPECT_EQ(7u, ports.disk->read_at(file, 0, bytes_of(content)).value());
  EXPECT_EQ(std::string("\0x\0\0end", 7), content);
  ports.disk->close(file);
}

TEST_P(DiskConformance, ReadsStopAtTheEndOfTheFile) {
  put("a", "0123456789");
  for (uint32_t flags : {uint32_t{Disk::kRead}, Disk::kRead | Disk::kDirect}) {
    Disk::File file = must_open("a", flags);
    std::string to(8, '?');
    EXPECT_EQ(8u, ports.disk->read_at(file, 0, bytes_of(to)).value());
    EXPECT_EQ("01234567", to);
    EXPECT_EQ(2u, ports.disk->read_at(file, 8, bytes_of(to)).value());
    EXPECT_EQ("89", to.substr(0, 2));
    EXPECT_EQ(0u, ports.disk->read_at(file, 10, bytes_of(to)).value());
    EXPECT_EQ(0u, ports.disk->read_at(file, uint64_t{1} << 40, bytes_of(to)).value());
    EXPECT_EQ(0u, ports.disk->read_at(file, 0, {}).value());
    ports.disk->close(file);
  }
}

TEST_P(DiskConformance, EmptyWritesChangeNothing) {
  Disk::File file = must_open("a", Disk::kWrite | Disk::kCreate);
  EXPECT_EQ(Status::kOk, ports.disk->write_at(file, 100, {}));
  EXPECT_EQ(0u, ports.disk->size(file).value());
  ports.disk->close(file);
}

TEST_P(DiskConformance, WritingThroughAReadingHandleFails) {
  put("a", "x");
  Disk::File file = must_open("a", Disk::kRead);
  EXPECT_EQ(Status::kIo, ports.disk->write_at(file, 0, as_bytes("y")));
  EXPECT_NE(Status::kOk, ports.disk->truncate(file, 0));
  ports.disk->close(file);
  EXPECT_EQ("x", get("a"));
}

TEST_P(DiskConformance, TruncateCutsAndExtends) {
  put("a", "0123456789");
  Disk::File file = must_open("a", Disk::kWrite);
  EXPECT_EQ(Status::kOk, ports.disk->truncate(file, 3));
  EXPECT_EQ(Status::kOk, ports.disk->truncate(file, 5));
  EXPECT_EQ(Status::kOk, ports.disk->sync(file));
  ports.disk->close(file);
  EXPECT_EQ(std::string("012\0\0", 5), get("a"));
}

TEST_P(DiskConformance, RenameReplacesTheTarget) {
  put("a", "new");
  put("b", "old");
  EXPECT_EQ(Status::kOk, ports.disk->rename("a", "b"));
  EXPECT_EQ(Status::kOk, ports.disk->sync_dir(""));
  EXPECT_EQ("new", get("b"));
  EXPECT_EQ((std::vector<std::string>{"b"}), list(""));
}

TEST_P(DiskConformance, AnOpenFileSurvivesItsRemoval) {
  put("a", "still here");
  Disk::File file = must_open("a", Disk::kRead);
  EXPECT_EQ(Status::kOk, ports.disk->remove("a"));
  EXPECT_EQ(Status::kOk, ports.disk->sync_dir(""));
  EXPECT_EQ(Status::kNotFound, ports.disk->open("a", Disk::kRead).status());
  std::string to(10, '?');
  EXPECT_EQ(10u, ports.disk->read_at(file, 0, bytes_of(to)).value());
  EXPECT_EQ("still here", to);
  ports.disk->close(file);
}

TEST_P(DiskConformance, DirectoriesHoldFilesAndAreListed) {
  EXPECT_TRUE(list("").empty());
  EXPECT_EQ(Status::kOk, ports.disk->make_dir("segments"));
  EXPECT_EQ(Status::kExists, ports.disk->make_dir("segments"));
  for (int i = 0; i < 500; ++i) put("segments/" + std::to_string(i), "s");
  put("top", "t");
  EXPECT_EQ(Status::kOk, ports.disk->rename("top", "segments/top"));
  EXPECT_EQ(Status::kOk, ports.disk->sync_dir("segments"));
  EXPECT_EQ(501u, list("segments").size());
  EXPECT_EQ((std::vector<std::string>{"segments"}), list(""));
  EXPECT_EQ("t", get("segments/top"));
}

TEST_P(DiskConformance, OnlyEmptyDirectoriesCanBeRemoved) {
  EXPECT_EQ(Status::kOk, ports.disk->make_dir("d"));
  put("d/a", "x");
  EXPECT_EQ(Status::kInvalid, ports.disk->remove("d"));
  EXPECT_EQ(Status::kOk, ports.disk->remove("d/a"));
  EXPECT_EQ(Status::kOk, ports.disk->remove("d"));
  EXPECT_TRUE(list("").empty());
}

TEST_P(DiskConformance, AFileIsNoDirectory) {
  put("a", "x");
  EXPECT_EQ(Status::kChanged, ports.disk->open("a/b", Disk::kRead).status());
  auto ignore = [](void*, std::string_view) {};
  EXPECT_EQ(Status::kChanged, ports.disk->list("a", ignore, nullptr));
  EXPECT_EQ(Status::kExists, ports.disk->make_dir("a"));
}

TEST_P(DiskConformance, NamesOfAWrongFormAreInvalid) {
  using namespace std::string_view_literals;
  for (std::string_view name :
       {""sv, "."sv, ".."sv, "/a"sv, "a/"sv, "a/b/c"sv, "../a"sv, "a/.."sv, "./a"sv, "a\0b"sv}) {
    EXPECT_EQ(Status::kInvalid, ports.disk->open(name, Disk::kWrite | Disk::kCreate).status());
    EXPECT_EQ(Status::kInvalid, ports.disk->remove(name));
    EXPECT_EQ(Status::kInvalid, ports.disk->make_dir(name));
    EXPECT_EQ(Status::kInvalid, ports.disk->rename(name, "x"));
    EXPECT_EQ(Status::kInvalid, ports.disk->rename("x", name));
    EXPECT_EQ(Status::kInvalid, ports.disk->lock(name));
  }
}

TEST_P(DiskConformance, NamesMayBeAsLongAsTheLimit) {
  std::string longest(Disk::kNameBytesMax, 'n');
  put(longest, "x");
  EXPECT_EQ("x", get(longest));
  EXPECT_EQ((std::vector<std::string>{longest}), list(""));
  std::string too_long = longest + "n";
  EXPECT_EQ(Status::kTooLarge, ports.disk->open(too_long, Disk::kRead).status());
  EXPECT_EQ(Status::kTooLarge, ports.disk->rename(longest, too_long));
}

TEST_P(DiskConformance, TheSixtyFifthOpenFileIsRefusedAsBusy) {
  std::vector<Disk::File> files;
  for (int i = 0; i < 64; ++i) files.push_back(must_open("a", Disk::kWrite | Disk::kCreate));
  EXPECT_EQ(Status::kBusy, ports.disk->open("a", Disk::kRead).status());
  ports.disk->close(files.back());
  files.back() = must_open("a", Disk::kRead);
  for (Disk::File file : files) ports.disk->close(file);
}

TEST_P(DiskConformance, ALockIsHeldAgainstOtherProcesses) {
  ASSERT_EQ(Status::kOk, ports.disk->lock("lock"));
  std::unique_ptr<Subject> other = subject->other_process();
  EXPECT_EQ(Status::kBusy, other->ports().disk->lock("lock"));
  EXPECT_EQ(Status::kOk, other->ports().disk->lock("another"));
}

TEST_P(DiskConformance, SpaceIsTold) {
  Result<Disk::Space> space = ports.disk->space();
  ASSERT_EQ(Status::kOk, space.status());
  EXPECT_GT(space.value().capacity_bytes, 0u);
  EXPECT_LE(space.value().free_bytes, space.value().capacity_bytes);
}

DREY_CONFORMANCE(DiskConformance);

}  // namespace
}  // namespace drey::conformance
