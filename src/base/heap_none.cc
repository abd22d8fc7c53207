// The heap of builds that keep the system's malloc. A linker takes this member of the archive only
// where platform/heap, which defines the same names, is absent.
#include "drey/heap.h"

namespace drey {

HeapStats heap_stats() { return {}; }
HeapUser heap_set_user(HeapUser) { return HeapUser::kOther; }
void heap_set_limit(HeapUser, size_t) {}
void heap_unlimited() {}
void heap_prefault() {}

}  // namespace drey
