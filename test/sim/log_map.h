// What lies where in the log of a simulated disk.
#pragma once

#include <string>
#include <vector>

#include "sim/sim_disk.h"
#include "store/log_format.h"
#include "store/segment_reader.h"

namespace drey::sim {

struct LogPlace {
  std::string file;
  uint64_t offset = 0;
  EntryHeader header;
  uint64_t bytes() const { return entry_bytes(header.length); }
  bool is_statement(StatementKind kind) const {
    return header.type == EntryType::kStatement && header.kind == static_cast<uint8_t>(kind);
  }
  bool is_record() const { return header.type == EntryType::kRecord; }
  bool is_page() const {
    return is_record() && header.kind == static_cast<uint8_t>(ChunkType::kPage);
  }
};

// Every valid entry, in log order.
std::vector<LogPlace> log_places(const SimDisk& disk);
// Deletes the index, as a person may.
void drop_index(SimDisk* disk);

}  // namespace drey::sim
