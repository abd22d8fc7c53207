// The one sentence: are this household's files safe, and what to do if not (CLI.md).
#pragma once

#include <array>
#include <string_view>

#include "mesh/data/data_types.h"

namespace drey {

enum class VerdictKind : uint8_t { kProtected, kWaiting, kAtRisk, kLost };

struct VerdictInput {
  bool full = true;            // a vault has no backups of its own
  bool cast_out = false;       // revoked
  bool left = false;           // retired
  bool cloned = false;         // another device runs with this identity
  bool leaving = false;        // on its way out
  std::string_view waits_for;  // ... and whom it still waits for; empty: nobody
  size_t others = 0;           // active members besides this node
  size_t others_away = 0;      // ... that are not connected
  size_t copies = 2;
  size_t own_snapshots = 0;
  uint64_t stored_records = 0;
  ReplicationSummary replication;
};

struct Verdict {
  VerdictKind kind = VerdictKind::kWaiting;
  std::array<char, 240> text{};
  size_t size = 0;
  std::string_view sentence() const { return {text.data(), size}; }
};

const char* verdict_name(VerdictKind kind);  // "protected", "waiting", "at_risk", "lost"
Verdict judge(const VerdictInput& input);

}  // namespace drey
