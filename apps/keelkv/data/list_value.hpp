#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace keel {

// A list. Both ends cost the same and little; what changes its middle costs in proportion to the list.
class ListValue {
 public:
  [[nodiscard]] const std::deque<std::string>& elements() const { return elements_; }
  [[nodiscard]] std::size_t size() const { return elements_.size(); }
  [[nodiscard]] bool empty() const { return elements_.empty(); }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  void push_front(std::string_view element);
  void push_back(std::string_view element);
  std::string pop_front();
  std::string pop_back();
  void set(std::size_t position, std::string_view element);
  // Before the one that is there; `size()` puts it at the end.
  void insert(std::size_t position, std::string_view element);
  // Keeps `count` from `first` on.
  void keep(std::size_t first, std::size_t count);
  // The first `count` that are equal, or the last; returns how many went.
  std::size_t remove(std::string_view element, std::size_t count, bool from_the_end);

 private:
  [[nodiscard]] std::uint64_t hash_at(std::size_t position) const;
  void rehash();

  std::deque<std::string> elements_;
  // Elements are hashed with their place on a line without ends, so that the others keep theirs when one comes before
  // them: this is the first one's.
  std::uint64_t first_ = 0;
  std::uint64_t hash_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace keel
