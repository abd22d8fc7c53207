// The marker `drey.format` in DIR and on the log's disk: format version and store id. It tells a
// store from an empty mount point, and a newer version from damage. FORMAT.md has its bytes.
#pragma once

#include "drey/ports.h"
#include "store/types.h"

namespace drey {

inline constexpr std::string_view kMarkerName = "drey.format";

// kNotFound: none. kUnsupported: a newer version. kCorrupt: damaged (the id is not set).
Status read_marker(Disk* disk, StoreId* id);
// Written beside, synced, renamed, directory synced.
Status write_marker(Disk* disk, const StoreId& id);

}  // namespace drey
