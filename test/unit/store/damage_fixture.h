// What the tests of damaged stores share: records in a log, and its files as bytes.
#pragma once

#include "unit/store/store_fixture.h"

namespace drey {

inline constexpr const char* kFirst = "log/00000001.seg";

class StoreDamageTest : public StoreTest {
 protected:
  std::vector<TestRecord> records;

  void fill(uint64_t count, size_t size) {
    for (uint64_t i = 0; i < count; ++i) {
      records.push_back(make_record(records.size(), size));
      ASSERT_EQ(append_durably(records.back(), i + 1), Status::kOk);
    }
  }
  void expect_all(size_t count) {
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(read(records[i]), Status::kOk) << i;
  }
  std::vector<uint8_t> file(const std::string& name) { return *disk.peek(name); }
};

}  // namespace drey
