// A tree of pages as a hostile owner may have made it: pages that do not belong together, children
// that are their neighbours' children, bounds that lie. The cursor ends, and its keys only rise.
// Input: {u16 size, page}*; the first byte of a child's D says which page it is.
#include <algorithm>
#include <memory>
#include <vector>

#include "backup/page_cursor.h"
#include "drey/check.h"

namespace {

using namespace drey;

constexpr size_t kPagesMax = 32;
constexpr size_t kLoadsMax = 400;  // then the walk is given up, as a cancelled one is

struct World {
  PageCursor cursor;
  std::vector<Bytes> pages;
  size_t loads = 0;
  uint8_t lost = 0;  // every n-th page cannot be had; 0 = all can
};

Status serve(World& world, Status status) {
  while (status == Status::kAgain) {
    if (++world.loads > kLoadsMax) return Status::kCancelled;
    const PageRef& wants = world.cursor.wants();
    DREY_CHECK(wants.level < limits::kPageLevelsMax);
    MutBytes room = world.cursor.room();
    bool lost = world.lost != 0 && world.loads % world.lost == 0;
    Bytes page = world.pages[wants.d.raw[0] % world.pages.size()];
    if (lost || page.size() > room.size()) {
      status = world.cursor.failed();
      continue;
    }
    std::copy(page.begin(), page.end(), room.begin());
    status = world.cursor.loaded(page.size());
  }
  return status;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::unique_ptr<World> world = std::make_unique<World>();
  if (size < 4) return 0;
  PageRef root;
  root.level = data[0] % 4;
  world->lost = data[1] % 5;
  world->loads = 0;
  world->pages.clear();
  ByteReader in(Bytes(data + 2, size - 2));
  while (in.left() > 2 && world->pages.size() < kPagesMax) {
    size_t bytes = in.u16();
    world->pages.push_back(in.bytes(std::min(bytes, in.left())));
  }
  if (world->pages.empty()) return 0;
  world->cursor.start(root);
  Status status = serve(*world, world->cursor.seek({"", 0}));
  static KeyBuffer last, middle;
  last.clear();
  middle.clear();
  size_t rows = 0;
  while (ok(status) && ++rows < 2000) {
    RowKey key = world->cursor.key();
    DREY_CHECK(is_entry_path(key.path));
    DREY_CHECK(last.size == 0 || compare_keys(last.key(), key) < 0);
    last.assign(key);
    if (rows == 3) middle.assign(key);
    status = serve(*world, world->cursor.next());
  }
  if (status == Status::kCancelled || middle.size == 0) return 0;
  // Back to a row that was there: nothing before it may come.
  world->cursor.start(root);
  world->loads = 0;
  status = serve(*world, world->cursor.seek(middle.key()));
  if (ok(status)) DREY_CHECK(compare_keys(world->cursor.key(), middle.key()) >= 0);
  return 0;
}
