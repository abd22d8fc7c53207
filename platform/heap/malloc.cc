// malloc and its family on one fixed arena of the board's size. Linked into `drey` only.
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "drey/limits.h"
#include "heap/arena.h"

namespace drey {

namespace {

using heap::Arena;

// Extents of twice the size each, so that few of them serve any command.
constexpr size_t kExtentBytesMin = size_t{4} << 20;
constexpr size_t kExtentBytesMax = size_t{256} << 20;
constexpr size_t kPageBytes = 4096;

alignas(kPageBytes) constinit uint8_t memory[board::kHeapArenaBytes] = {};
constinit Arena arena;
constinit pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
constinit bool started = false;
constinit bool unlimited = false;
constinit size_t extent_bytes = kExtentBytesMin;
constinit thread_local HeapUser current_user = HeapUser::kOther;

class Guard {
 public:
  Guard() {
    pthread_mutex_lock(&lock);
    if (started) return;
    started = true;
    arena.add_region(memory);
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() { pthread_mutex_unlock(&lock); }
};

// Pages from the kernel, never given back: only processes that end soon come here.
bool grow(size_t bytes) {
  if (!unlimited || bytes > Arena::kRequestMax) return false;
  size_t wanted = std::max((bytes + 2 * kPageBytes) / kPageBytes * kPageBytes, extent_bytes);
  void* extent = mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (extent == MAP_FAILED) return false;
  extent_bytes = std::min(extent_bytes * 2, kExtentBytesMax);
  if (arena.add_region({static_cast<uint8_t*>(extent), wanted})) return true;
  munmap(extent, wanted);
  return false;
}

void* allocate(size_t bytes, size_t alignment) {
  Guard guard;
  void* pointer = arena.allocate(bytes, alignment, current_user);
  // The first-fit class lies up to 1/16 above the request.
  if (pointer == nullptr && grow(bytes + bytes / 16 + alignment)) {
    arena.forgive_failure(current_user);
    pointer = arena.allocate(bytes, alignment, current_user);
  }
  if (pointer == nullptr) errno = ENOMEM;
  return pointer;
}

bool is_power_of_two(size_t v) { return v != 0 && (v & (v - 1)) == 0; }

}  // namespace

HeapStats heap_stats() {
  Guard guard;
  return arena.stats();
}

HeapUser heap_set_user(HeapUser user) {
  HeapUser before = current_user;
  current_user = user;
  return before;
}

void heap_set_limit(HeapUser user, size_t bytes) {
  Guard guard;
  arena.set_limit(user, bytes);
}

void heap_unlimited() {
  Guard guard;
  arena.drop_limits();
  unlimited = true;
}

void heap_prefault() {
#ifdef MADV_POPULATE_WRITE
  if (madvise(memory, sizeof(memory), MADV_POPULATE_WRITE) == 0) return;
#endif
  // An atomic "or" of nothing dirties a page without losing what another thread writes there.
  for (size_t i = 0; i < sizeof(memory); i += kPageBytes)
    __atomic_fetch_or(&memory[i], uint8_t{0}, __ATOMIC_RELAXED);
}

}  // namespace drey

extern "C" {

void* malloc(size_t bytes) { return drey::allocate(bytes, drey::Arena::kUnit); }

void free(void* pointer) {
  if (pointer == nullptr) return;
  int saved = errno;
  {
    drey::Guard guard;
    drey::arena.release(pointer);
  }
  errno = saved;
}

void* calloc(size_t count, size_t bytes) {
  size_t total = 0;
  if (__builtin_mul_overflow(count, bytes, &total)) {
    errno = ENOMEM;
    return nullptr;
  }
  void* pointer = drey::allocate(total, drey::Arena::kUnit);
  if (pointer != nullptr) std::memset(pointer, 0, total);
  return pointer;
}

void* realloc(void* pointer, size_t bytes) {
  if (pointer == nullptr) return drey::allocate(bytes, drey::Arena::kUnit);
  if (bytes == 0) {
    free(pointer);
    return nullptr;
  }
  drey::Guard guard;
  void* moved = drey::arena.resize(pointer, bytes, drey::current_user);
  if (moved == nullptr && drey::grow(bytes + bytes / 16)) {
    drey::arena.forgive_failure(drey::current_user);
    moved = drey::arena.resize(pointer, bytes, drey::current_user);
  }
  if (moved == nullptr) errno = ENOMEM;
  return moved;
}

void* reallocarray(void* pointer, size_t count, size_t bytes) {
  size_t total = 0;
  if (__builtin_mul_overflow(count, bytes, &total)) {
    errno = ENOMEM;
    return nullptr;
  }
  return realloc(pointer, total);
}

int posix_memalign(void** to, size_t alignment, size_t bytes) {
  if (!drey::is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  int saved = errno;
  void* pointer = drey::allocate(bytes, alignment);
  errno = saved;
  if (pointer == nullptr) return ENOMEM;
  *to = pointer;
  return 0;
}

void* memalign(size_t alignment, size_t bytes) {
  if (!drey::is_power_of_two(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  return drey::allocate(bytes, alignment);
}

void* aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
void* valloc(size_t bytes) { return drey::allocate(bytes, drey::kPageBytes); }
void* pvalloc(size_t bytes) {
  return drey::allocate((bytes + drey::kPageBytes - 1) / drey::kPageBytes * drey::kPageBytes,
                        drey::kPageBytes);
}

size_t malloc_usable_size(void* pointer) {
  if (pointer == nullptr) return 0;
  drey::Guard guard;
  return drey::arena.usable_bytes(pointer);
}

}  // extern "C"
