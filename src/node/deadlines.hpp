#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "keel/base/time.hpp"

namespace keel {

// Keys, each with a moment at which it is over. Nothing is searched when one ends before its moment: its owner says so
// with `gone`, and once the dead outnumber the living they are swept out, so that memory follows what is alive.
template <class Key>
class Deadlines {
 public:
  void add(Instant when, Key key) {
    heap_.push_back({when, key});
    std::ranges::push_heap(heap_, later);
    ++live_;
  }

  // One of them has ended otherwise. `alive(key)` tells which have not.
  template <class Alive>
  void gone(Alive alive) {
    --live_;
    if (heap_.size() < 2 * live_ + slack) return;
    std::erase_if(heap_, [&](const Item& item) { return !alive(item.key); });
    std::ranges::make_heap(heap_, later);
  }

  // Hands every key whose moment has come to `end`, which says whether it was alive until now.
  template <class End>
  void expire(Instant now, End end) {
    while (!heap_.empty() && heap_.front().when <= now) {
      const Key key = heap_.front().key;
      std::ranges::pop_heap(heap_, later);
      heap_.pop_back();
      if (end(key)) --live_;
    }
  }

  // The earliest moment; it may be that of a key which is gone.
  [[nodiscard]] std::optional<Instant> next() const {
    return heap_.empty() ? std::nullopt : std::optional(heap_.front().when);
  }
  [[nodiscard]] std::size_t size() const { return heap_.size(); }
  void clear() {
    heap_.clear();
    live_ = 0;
  }

 private:
  static constexpr std::size_t slack = 64;
  struct Item {
    Instant when;
    Key key;
  };
  static bool later(const Item& a, const Item& b) { return a.when > b.when; }

  std::vector<Item> heap_;
  std::size_t live_ = 0;
};

}  // namespace keel
