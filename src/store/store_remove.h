// Removes a store that never became a node's: what an interrupted init, join or recover left
// behind. Blocking, before a Store is opened. The marker goes last: a crash in between is cleaned
// up again.
#pragma once

#include "drey/ports.h"

namespace drey {

// kOk also when there is nothing. kExists: the log's disk has the log of another node, untouched.
// kUnsupported: a newer version's store, untouched. kBusy: a
// process has it open.
Status remove_store(Disk* disk, Disk* log_disk);

}  // namespace drey
