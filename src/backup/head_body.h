// The sealed inside of a snapshot's head (DESIGN 5 "Heads"; byte table in FORMAT.md). Of one size,
// so that a head tells nothing by its length. Any thread, no state.
#pragma once

#include "backup/types.h"

namespace drey {

inline constexpr size_t kHeadBodyBytes = 640;
inline constexpr uint8_t kHeadBodyVersion = 1;

// `to` holds kHeadBodyBytes. Everything of `info` but id, node and sequence, which stand outside.
void encode_head_body(const SnapshotInfo& info, MutBytes to);
// kInvalid, kUnsupported (newer version). Leaves id, node and sequence as they are.
Status decode_head_body(Bytes from, SnapshotInfo* info);

}  // namespace drey
