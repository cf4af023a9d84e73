#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include "keel/raft/entry.hpp"

namespace keel {

// The entries of one message, in order. A single one lies inside: a command that is sent alone costs no allocation.
class Entries {
 public:
  Entries() = default;
  Entries(std::initializer_list<Entry> entries) : Entries(std::span(entries.begin(), entries.size())) {}
  Entries(std::vector<Entry> entries) : many_(std::move(entries)) {}
  explicit Entries(std::span<const Entry> entries) {
    if (entries.size() == 1) {
      push_back(entries.front());
    } else {
      many_.assign(entries.begin(), entries.end());
    }
  }

  [[nodiscard]] std::size_t size() const { return has_one_ ? 1 : many_.size(); }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] Entry* begin() { return has_one_ ? &one_ : many_.data(); }
  [[nodiscard]] Entry* end() { return begin() + size(); }
  [[nodiscard]] const Entry* begin() const { return has_one_ ? &one_ : many_.data(); }
  [[nodiscard]] const Entry* end() const { return begin() + size(); }
  [[nodiscard]] Entry& operator[](std::size_t i) { return begin()[i]; }
  [[nodiscard]] const Entry& operator[](std::size_t i) const { return begin()[i]; }
  [[nodiscard]] Entry& front() { return *begin(); }
  [[nodiscard]] const Entry& front() const { return *begin(); }
  [[nodiscard]] Entry& back() { return end()[-1]; }
  [[nodiscard]] const Entry& back() const { return end()[-1]; }

  void reserve(std::size_t size) {
    if (size > 1) many_.reserve(size);
  }
  void push_back(Entry entry) {
    if (empty() && many_.capacity() == 0) {
      one_ = std::move(entry);
      has_one_ = true;
      return;
    }
    if (has_one_) {
      many_.push_back(std::exchange(one_, {}));
      has_one_ = false;
    }
    many_.push_back(std::move(entry));
  }
  void clear() { *this = {}; }

  friend bool operator==(const Entries& a, const Entries& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::vector<Entry> many_;
  Entry one_;
  bool has_one_ = false;  // then `many_` is empty
};

}  // namespace keel
