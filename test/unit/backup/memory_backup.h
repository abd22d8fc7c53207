// Drives a SnapshotMaker against a map of chunks: what the backup op does with lanes and the mesh.
// Chunks are resolved late and in random order.
#pragma once

#include <functional>
#include <memory>
#include <random>
#include <set>

#include "backup/snapshot_maker.h"
#include "posix/posix_clock.h"
#include "posix/posix_tree.h"
#include "unit/backup/memory_chunks.h"

namespace drey::test {

// Real time plus an offset: files just written are old enough to be skipped the next time.
struct LateClock : Clock {
  PosixClock real;
  int64_t offset_ns = 10'000'000'000;
  uint64_t up_ns() override { return real.up_ns(); }
  int64_t wall_ns() override { return real.wall_ns() + offset_ns; }
};

struct MemoryBackup {
  std::vector<std::string> roots;
  std::vector<std::string> excludes;
  MemoryChunks chunks;
  LateClock clock;
  PosixTree tree;
  ChunkSizes sizes;
  MakerParts parts;
  SnapshotMaker maker{parts};
  size_t slots = 5;
  size_t in_flight_max = 3;
  bool has_previous = false;
  PageRef previous;
  bool check_held = false;
  std::set<ChunkId> not_held;
  SparseBundles sparse;
  std::mt19937_64 random{1};
  std::function<void(SnapshotMaker::Need)> on_need;
  size_t waits = 0;
  uint64_t page_bytes = 0;

  // One backup; the new root becomes `previous`.
  Status run() {
    std::array<uint8_t, 32> key{};
    Chunker chunker(key, sizes);
    std::vector<std::string_view> root_views(roots.begin(), roots.end());
    std::vector<std::string_view> exclude_views(excludes.begin(), excludes.end());
    MakerOptions options;
    options.tree = &tree;
    options.clock = &clock;
    options.chunker = &chunker;
    options.sizes = sizes;
    options.walk.roots = root_views;
    options.walk.excludes = exclude_views;
    options.has_previous = has_previous;
    options.previous = previous;
    options.check_held = check_held;
    options.sparse = &sparse;
    chunks.added = chunks.added_bytes = 0;
    waits = 0;
    maker.start(options);
    buffers.assign(slots, std::vector<uint8_t>(limits::kChunkBytesMax));
    free.clear();
    for (uint16_t i = 0; i < slots; ++i) free.push_back(i);
    flying.clear();
    page = false;
    while (true) {
      SnapshotMaker::Need need = maker.run();
      if (on_need) on_need(need);
      if (need == SnapshotMaker::Need::kFailed) return maker.status();
      if (need == SnapshotMaker::Need::kDone) break;
      DREY_TRY(serve(need));
      if (page && random() % 3 == 0) land_page();
    }
    maker.bundle_life().find_sparse(&sparse);
    previous = maker.root();
    has_previous = true;
    maker.stop();
    return flying.empty() ? Status::kOk : Status::kInvalid;
  }

 private:
  std::vector<std::vector<uint8_t>> buffers;
  std::vector<uint16_t> free;
  std::vector<FilledChunk> flying;
  bool page = false;

  Status serve(SnapshotMaker::Need need) {
    switch (need) {
      case SnapshotMaker::Need::kSlot:
        if (free.empty() && flying.empty()) return Status::kBusy;
        if (free.empty()) land();
        maker.give_slot(free.back(), buffers[free.back()]);
        free.pop_back();
        return Status::kOk;
      case SnapshotMaker::Need::kChunk:
        flying.push_back(maker.take_chunk());
        if (flying.size() > in_flight_max) land();
        return Status::kOk;
      case SnapshotMaker::Need::kPage:
        page = true;
        return Status::kOk;
      case SnapshotMaker::Need::kPrevious:
        load_previous();
        return Status::kOk;
      case SnapshotMaker::Need::kHeld: {
        bool all = true;
        for (const ChunkId& c : maker.held_question()) all = all && !not_held.contains(c);
        maker.held_answer(all);
        return Status::kOk;
      }
      case SnapshotMaker::Need::kWait:
        ++waits;
        if (flying.empty() && !page) return Status::kTimeout;  // it would wait forever
        if (flying.empty()) {
          land_page();
        } else {
          land();
        }
        return Status::kOk;
      default:
        return Status::kOk;
    }
  }
  void load_previous() {
    size_t size = 0;
    PageCursor& cursor = maker.previous();
    if (chunks.get(cursor.wants().c, cursor.room(), &size)) {
      maker.previous_loaded(size);
    } else {
      maker.previous_lost(Status::kNotFound);
    }
  }
  void land() {
    size_t at = random() % flying.size();
    FilledChunk chunk = flying[at];
    flying.erase(flying.begin() + static_cast<ptrdiff_t>(at));
    auto [d, c] = chunks.put(chunk.plain());
    free.push_back(chunk.slot);
    maker.resolve({chunk.number, d, c, static_cast<uint32_t>(chunk.size)});
  }
  void land_page() {
    auto [d, c] = chunks.put(maker.page());
    page_bytes += maker.page().size();
    maker.resolve_page(d, c);
    page = false;
  }
};

}  // namespace drey::test
