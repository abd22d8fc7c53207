// Fixed pools. A slot has exactly one owner; handing over clears the giver. Loop thread only: jobs
// receive views of a slot, never the pool.
#pragma once

#include <array>

#include "drey/bytes.h"
#include "drey/check.h"

namespace drey {

// A buffer of `Capacity` bytes with a used length.
template <size_t Capacity>
struct Buffer {
  size_t size = 0;
  alignas(64) std::array<uint8_t, Capacity> data;
  Bytes bytes() const { return {data.data(), size}; }
  MutBytes room() { return {data.data(), Capacity}; }
};

template <class T, size_t N>
class Pool {
 public:
  static constexpr size_t kCount = N;
  Pool() {
    for (size_t i = 0; i < N; ++i) free_[i] = static_cast<uint16_t>(N - 1 - i);
  }
  // Null when empty: the caller answers "busy" or waits for its credit.
  T* take() {
    if (free_count_ == 0) return nullptr;
    uint16_t index = free_[--free_count_];
    DREY_CHECK(!used_[index]);
    used_[index] = true;
    if (N - free_count_ > peak_) peak_ = N - free_count_;
    return &slots_[index];
  }
  // Gives a slot back and clears the giver's pointer.
  void give(T*& slot) {
    size_t index = index_of(slot);
    DREY_CHECK(used_[index]);
    used_[index] = false;
    free_[free_count_++] = static_cast<uint16_t>(index);
    slot = nullptr;
  }
  size_t index_of(const T* slot) const {
    DREY_CHECK(slot >= slots_.data());
    size_t index = static_cast<size_t>(slot - slots_.data());
    DREY_CHECK(index < N);
    return index;
  }
  size_t free_count() const { return free_count_; }
  size_t peak() const { return peak_; }
  bool used(size_t index) const { return used_[index]; }
  T& at(size_t index) { return slots_[index]; }

 private:
  std::array<T, N> slots_;
  std::array<uint16_t, N> free_{};
  std::array<bool, N> used_{};
  size_t free_count_ = N;
  size_t peak_ = 0;
};

}  // namespace drey
