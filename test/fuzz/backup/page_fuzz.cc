// A page of a snapshot's tree (first byte: its level): its keys rise, its rows are restorable, and
// what decodes encodes to the same rows.
#include <memory>

#include "backup/page.h"
#include "drey/check.h"

namespace {

using namespace drey;

struct Rooms {
  std::array<uint8_t, limits::kPageBytesMax> page;
  std::array<uint8_t, kRowBodyBytesMax> body;
  PageReader first, second;
  PageWriter writer;
};

void check_row(const RowKey& key, Bytes body, MutBytes room) {
  Row row;
  if (!ok(decode_row(key, body, &row))) return;
  DREY_CHECK(is_entry_path(key.path) && row.extent_count <= kExtentsPerRow);
  size_t size = 0;
  if (row.continuation) {
    DREY_CHECK(key.offset != 0 && row.entry_bytes.size() == 1);
    room[size++] = kContinuationMark;
  } else {
    DREY_CHECK(ok(encode_entry(row.entry, room, &size)));
    DREY_CHECK(equal(room.first(size), row.entry_bytes));
    Entry again;
    DREY_CHECK(ok(decode_entry(row.entry_bytes, &again)) && again.size == row.entry.size);
  }
  ByteWriter to(room.subspan(size));
  to.u16(row.extent_count);
  ByteReader extents(row.extents);
  uint64_t end = key.offset;
  for (size_t i = 0; i < row.extent_count; ++i) {
    Extent extent = decode_extent(extents);
    DREY_CHECK(extents.ok() && extent.length != 0);
    if (!extent.hole) DREY_CHECK(extent.offset + extent.length <= extent.chunk_bytes);
    end += extent.length;
    encode_extent(extent, to);
  }
  if (!row.continuation) DREY_CHECK(end <= row.entry.size);
  DREY_CHECK(to.ok() && equal(room.first(size + to.size()), body));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::unique_ptr<Rooms> rooms = std::make_unique<Rooms>();
  if (size == 0 || size > limits::kPageBytesMax) return 0;
  uint8_t level = data[0] % limits::kPageLevelsMax;
  Bytes page(data + 1, size - 1);
  PageReader& reader = rooms->first;
  if (!ok(reader.begin(page, level))) return 0;
  rooms->writer.begin(rooms->page, level);
  KeyBuffer last;
  Status status;
  bool whole = true;
  while (ok(status = reader.next())) {
    RowKey key = reader.key();
    DREY_CHECK(last.size == 0 || compare_keys(last.key(), key) < 0);
    last.assign(key);
    if (level == 0) {
      check_row(key, reader.body(), rooms->body);
    } else {
      PageRef child;
      if (ok(decode_child(reader.body(), &child)))
        DREY_CHECK(equal(child.d.bytes(), reader.body().first(32)));
    }
    whole = whole && rooms->writer.add(key, reader.body());
  }
  DREY_CHECK(status == Status::kEnd || status == Status::kInvalid);
  if (status != Status::kEnd || !whole) return 0;
  // Made anew from its rows it is no larger (a prefix may have been shared less) and reads the
  // same.
  Bytes again = rooms->writer.finish();
  DREY_CHECK(again.size() <= page.size());
  DREY_CHECK(ok(rooms->second.begin(again, level)) && ok(reader.begin(page, level)));
  while (ok(reader.next())) {
    DREY_CHECK(ok(rooms->second.next()));
    DREY_CHECK(compare_keys(reader.key(), rooms->second.key()) == 0);
    DREY_CHECK(equal(reader.body(), rooms->second.body()));
  }
  DREY_CHECK(rooms->second.next() == Status::kEnd);
  return 0;
}
