// The default of `capacity =`: how much of a disk a device takes for the mesh. Pure; any thread.
#pragma once

#include <cstdint>

namespace drey {

// Four fifths of what would be free if this store were not there, and always 2 GiB left; of a disk
// with less than 4 GiB half of it.
uint64_t disk_share(uint64_t free_bytes, uint64_t stored_bytes);

}  // namespace drey
