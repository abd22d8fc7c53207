// Heads of tar entries (POSIX.1-2001 pax on ustar), from entries of a snapshot. Pure, any thread.
#pragma once

#include <string_view>

#include "backup/entry.h"

namespace drey {

inline constexpr size_t kTarBlock = 512;
// The largest head: a pax header, its records for the longest path and link, and the ustar header.
inline constexpr size_t kTarHeadMax = 2 * kTarBlock + kEntryPathMax + kLinkBytesMax + 3 * kTarBlock;

// Writes the head of `entry` under the name `path`; the contents follow, padded to a block. Gives
// the size, 0: tar knows no such kind. `to` holds kTarHeadMax.
size_t write_tar_head(std::string_view path, const Entry& entry, MutBytes to);

}  // namespace drey
