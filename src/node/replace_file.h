// A small file of DIR, replaced whole. Blocking: before the loop, or a store job.
#pragma once

#include "drey/ports.h"

namespace drey {

// Writes `fresh`, syncs it, renames it to `name` and syncs the directory: after a crash the old
// content is there or the new one. What the disk said.
Status replace_file(Disk& disk, const char* name, const char* fresh, Bytes content);

}  // namespace drey
