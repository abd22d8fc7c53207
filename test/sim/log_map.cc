#include "sim/log_map.h"

#include "drey/check.h"

namespace drey::sim {

std::vector<LogPlace> log_places(const SimDisk& disk) {
  static std::vector<uint8_t> window(64 * 1024);
  SimDisk copy;
  copy.copy_from(disk);
  std::vector<LogPlace> places;
  for (const std::string& name : copy.names()) {
    if (!name.starts_with("log/")) continue;
    Result<uint32_t> number = parse_segment_name(name.substr(4));
    if (!number.ok()) continue;
    SegmentReader reader(window);
    if (!ok(reader.open(&copy, number.value(), false, 0))) continue;
    reader.seek(kSegmentHeaderBytes);
    SegmentEntry entry;
    while (ok(reader.next(true, &entry)))
      if (entry.body_ok) places.push_back({name, entry.offset, entry.header});
  }
  return places;
}

void drop_index(SimDisk* disk) {
  for (const std::string& name : disk->names())
    if (name.starts_with("drey.index")) DREY_CHECK(ok(disk->remove(name)));
  DREY_CHECK(ok(disk->sync_dir("")));
}

}  // namespace drey::sim
