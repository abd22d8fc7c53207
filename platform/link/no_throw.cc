// The program throws nothing, so it carries nothing to throw with: where the C++ library would
// throw for want of memory or because of a broken invariant, it ends. For `drey` alone; tests link
// the library's own.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace {
[[noreturn]] void end(const char* why) {
  std::fprintf(stderr, "drey: %s\n", why);
  std::abort();
}

void* take(std::size_t bytes, std::size_t alignment) {
  void* at = alignment <= alignof(std::max_align_t)
                 ? std::malloc(bytes)
                 : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (at == nullptr) end("out of memory");
  return at;
}
}  // namespace

void* operator new(std::size_t bytes) { return take(bytes, 1); }
void* operator new[](std::size_t bytes) { return take(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return take(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* at) noexcept { std::free(at); }
void operator delete[](void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
void operator delete[](void* at, std::size_t) noexcept { std::free(at); }
void operator delete(void* at, std::align_val_t) noexcept { std::free(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { std::free(at); }

namespace std {
__attribute__((weak)) void __throw_bad_alloc() { end("out of memory"); }
__attribute__((weak)) void __throw_bad_array_new_length() { end("out of memory"); }
__attribute__((weak)) void __throw_length_error(const char* what) { end(what); }
__attribute__((weak)) void __throw_logic_error(const char* what) { end(what); }
__attribute__((weak)) void __throw_out_of_range(const char* what) { end(what); }
__attribute__((weak)) void __throw_out_of_range_fmt(const char* what, ...) { end(what); }
__attribute__((weak)) void __throw_bad_function_call() { end("an empty function was called"); }
}  // namespace std
