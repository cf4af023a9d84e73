#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "keel/base/assert.hpp"

namespace keel::check {

// Memory that costs nothing until it is touched, all zeros; in large pages where the system has them, because a table of
// hashes is touched all over.
template <class T>
class Zeroed {
 public:
  explicit Zeroed(std::size_t size)
      : items_(static_cast<T*>(::mmap(nullptr, size * sizeof(T), PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))),
        size_(size) {
    if (items_ == MAP_FAILED) throw std::bad_alloc();
    (void)::madvise(items_, size * sizeof(T), MADV_HUGEPAGE);
  }
  ~Zeroed() { ::munmap(items_, size_ * sizeof(T)); }
  Zeroed(const Zeroed&) = delete;
  Zeroed& operator=(const Zeroed&) = delete;

  [[nodiscard]] T& operator[](std::size_t i) { return items_[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return items_[i]; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  T* items_;
  std::size_t size_;
};

// Where in a table of `size` slots a well mixed hash begins to look.
[[nodiscard]] inline std::size_t slot_of(std::uint64_t hash, std::size_t size) {
  return static_cast<std::size_t>((static_cast<unsigned __int128>(hash) * size) >> 64);
}

// The states that were seen, 64 bits each (hash compaction: Wolper and Leroy, 1993), and for each the one before it and
// the step between: what a scenario is made of. Holds `capacity` states and no more.
class Visited {
 public:
  explicit Visited(std::size_t capacity)
      : hashes_(capacity + capacity / 6 + 1), before_(capacity), actions_(capacity), capacity_(capacity) {}
  // For so many bytes; states are numbered in 32 bits.
  static std::size_t capacity_for(std::uint64_t bytes) {
    return static_cast<std::size_t>(std::min<std::uint64_t>(bytes * 6 / (7 * 8 + 6 * 6), 0xfffffff0));
  }

  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&hashes_[slot_of(hash, hashes_.size())]); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

  enum class Inserted : std::uint8_t { is_new, seen, no_room };
  // A new one's number is then size() - 1.
  Inserted insert(std::uint64_t hash, std::uint32_t before, std::uint16_t action) {
    if (hash == 0) hash = 1;
    std::size_t at = slot_of(hash, hashes_.size());
    for (; hashes_[at] != 0; at = at + 1 == hashes_.size() ? 0 : at + 1) {
      if (hashes_[at] == hash) return Inserted::seen;
    }
    if (size_ == capacity_) return Inserted::no_room;
    hashes_[at] = hash;
    before_[size_] = before;
    actions_[size_++] = action;
    return Inserted::is_new;
  }
  [[nodiscard]] std::uint32_t before(std::uint32_t number) const { return before_[number]; }
  [[nodiscard]] std::uint16_t action(std::uint32_t number) const { return actions_[number]; }

 private:
  Zeroed<std::uint64_t> hashes_;
  Zeroed<std::uint32_t> before_;
  Zeroed<std::uint16_t> actions_;
  std::size_t capacity_;
  std::size_t size_ = 0;
};

// From 64 bits, never 0, to 32: open addressing, grows by itself.
class FlatMap {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  [[nodiscard]] std::uint32_t find(std::uint64_t key) const {
    for (std::size_t at = slot(key);; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].key == key) return slots_[at].value;
      if (slots_[at].key == 0) return none;
    }
  }
  // Only what is not there yet.
  void insert(std::uint64_t key, std::uint32_t value) {
    if (++size_ * 4 > slots_.size() * 3) grow();
    place({key, value});
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t value = 0;
  };
  [[nodiscard]] std::size_t slot(std::uint64_t key) const {
    const std::uint64_t mixed = key * 0x9e3779b97f4a7c15ULL;
    return static_cast<std::size_t>(mixed ^ (mixed >> 29)) & (slots_.size() - 1);
  }
  void place(Slot slot) {
    std::size_t at = this->slot(slot.key);
    while (slots_[at].key != 0)
      at = (at + 1) & (slots_.size() - 1);
    slots_[at] = slot;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.key != 0) place(slot);
    }
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1024);
  std::size_t size_ = 0;
};

// States that wait to be looked at, first in, first out, in as few words as they need.
class Queue {
 public:
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return chunks_.size() * chunk_words * sizeof(std::uint32_t); }

  void push(std::span<const std::uint32_t> words) {
    if (chunks_.empty() || chunk_words - written_ < words.size() + 1) {
      if (!chunks_.empty()) chunks_.back()[written_] = 0;  // the next is in the next chunk
      chunks_.push_back(std::make_unique_for_overwrite<std::uint32_t[]>(chunk_words + 1));
      written_ = 0;
    }
    std::uint32_t* to = chunks_.back().get() + written_;
    *to = static_cast<std::uint32_t>(words.size());
    std::copy(words.begin(), words.end(), to + 1);
    written_ += words.size() + 1;
    ++size_;
  }
  // Good until the next push or pop.
  [[nodiscard]] std::span<const std::uint32_t> pop() {
    if (chunks_.size() > 1 && (read_ == chunk_words || chunks_.front()[read_] == 0)) {
      chunks_.pop_front();
      read_ = 0;
    }
    const std::uint32_t* from = chunks_.front().get() + read_;
    read_ += *from + 1;
    --size_;
    return {from + 1, *from};
  }

 private:
  static constexpr std::size_t chunk_words = std::size_t{64} * 1024;
  std::deque<std::unique_ptr<std::uint32_t[]>> chunks_;
  std::size_t written_ = 0;
  std::size_t read_ = 0;
  std::size_t size_ = 0;
};

}  // namespace keel::check
