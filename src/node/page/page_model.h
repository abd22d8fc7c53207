// What the page shows, as plain values: filled by Api from the node, or by a test. Views live
// during the call only; loop thread.
#pragma once

#include <span>
#include <string_view>

#include "node/page/history.h"
#include "node/verdict.h"

namespace drey {

struct PageModel {
  struct Device {
    std::string_view name, state;  // "alive", "quiet", "away", "lost"
    bool leaving = false, heard = true;
    uint64_t seen_s = 0, free_bytes = 0, capacity_bytes = 0;
  };
  struct Set {
    std::string_view name, state, message;  // "waiting", "running", "failed"
    uint64_t next_s = 0, last_age_s = 0;
    bool ran = false;
  };
  struct Event {
    std::string_view level, text;
    uint64_t age_s = 0;
  };

  // ---- For everybody whom the page is for ----
  VerdictKind kind = VerdictKind::kWaiting;
  std::string_view sentence, node, mesh, version, board;
  uint64_t nodes = 0, copies = 0;
  std::span<const Device> devices;
  uint64_t records = 0, stored_bytes = 0, capacity_bytes = 0, free_bytes = 0;
  uint64_t written_bytes = 0, user_bytes = 0, under_replicated = 0, missing = 0;

  // ---- For who is signed in ----
  bool signed_in = false, may_write = false, may_admin = false, full = true;
  bool has_users = false;  // so the form that asks for a password makes sense
  std::span<const Set> sets;
  std::span<const Event> events;
  const SnapshotHistory* history = nullptr;  // null: a vault
  std::string_view (*member_name)(const void* context, const NodeId& id) = nullptr;
  const void* context = nullptr;
  int64_t wall_ns = 0;
  bool backing_up = false, scrubbing = false;
  uint64_t backup_files = 0, backup_bytes = 0, backup_added_bytes = 0;
  uint64_t scrub_read_bytes = 0, scrub_all_bytes = 0;
};

}  // namespace drey
