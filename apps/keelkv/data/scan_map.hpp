#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "keel/base/assert.hpp"
#include "keelkv/data/state_hash.hpp"
#include "keelkv/data/table_hash.hpp"

namespace keel {

inline void prefetch_bytes(const void* begin, std::size_t size) {
  constexpr std::size_t cache_line = 64;
  asm volatile("");  // else GCC takes what only prefetches for what does nothing, and leaves its callers out
  for (std::size_t at = 0; at < size; at += cache_line)
    __builtin_prefetch(static_cast<const std::byte*>(begin) + at);
}

// A key with its hashes, computed once for everything that a command does with it.
struct HashedKey {
  HashedKey(std::string_view key) : bytes(key), hash(hash_bytes(key)), table_hash(keel::table_hash(key)) {}
  HashedKey(const std::string& key) : HashedKey(std::string_view(key)) {}
  std::string_view bytes;
  std::uint64_t hash;        // the same on every node
  std::uint64_t table_hash;  // this process's own
};

// A hash map whose elements also stand in a row, each knowing its place: new ones at the end, and when one is erased the
// last takes its place. So any element can be had by its place, and a walk can be interrupted and taken up again.
//
// The row depends only on what was inserted and erased in which order: it is the same on every node. Elements stay where
// they are in memory.
//
// The map is a table of hashes with pointers, probed from place to place, never more than two thirds full: a look-up seldom
// touches memory beside one place of the table and its element, and growing touches no element.
template <class T>
class ScanMap {
  struct Slot {
    [[no_unique_address]] T value{};
    std::uint32_t position = 0;
  };

 public:
  using Element = std::pair<const std::string, Slot>;  // `first` is the key, `second.value` the value

  ScanMap() = default;
  ScanMap(const ScanMap&) = delete;
  ScanMap& operator=(const ScanMap&) = delete;

  [[nodiscard]] std::size_t size() const { return row_.size(); }
  [[nodiscard]] bool empty() const { return row_.empty(); }
  [[nodiscard]] const Element& at(std::size_t position) const { return *row_[position]; }
  [[nodiscard]] Element& at(std::size_t position) { return *row_[position]; }

  [[nodiscard]] const Element* find(const HashedKey& key) const {
    return table_.empty() ? nullptr : table_[place_of(key)].element;
  }
  [[nodiscard]] Element* find(const HashedKey& key) { return table_.empty() ? nullptr : table_[place_of(key)].element; }

  // Begins to bring into the cache what looking for keys with these table hashes will touch: all of them together wait
  // for memory about as long as one. `held` does the same for what an element holds.
  template <class Held>
  void prefetch(std::span<const std::uint64_t> hashes, Held held) const {
    if (table_.empty()) return;
    for (const std::uint64_t hash : hashes)
      prefetch_bytes(&table_[home_of(hash)], 1);
    for (const std::uint64_t hash : hashes) {
      const Element* const element = table_[home_of(hash)].element;
      if (element != nullptr) prefetch_bytes(element, sizeof(Element));
    }
    for (const std::uint64_t hash : hashes) {
      const Element* const element = table_[home_of(hash)].element;
      if (element == nullptr) continue;
      prefetch_bytes(element->first.data(), 1);
      held(element->second.value);
    }
  }

  // The element, and whether it is new.
  std::pair<Element*, bool> make(const HashedKey& key) {
    if (Element* const found = find(key)) return {found, false};
    if (3 * (row_.size() + 1) > 2 * table_.size()) grow();
    KEEL_ASSERT(row_.size() < std::numeric_limits<std::uint32_t>::max(), "a map has fewer than 2^32 elements");
    row_.push_back(
        std::make_unique<Element>(std::piecewise_construct, std::forward_as_tuple(key.bytes), std::forward_as_tuple()));
    Element* const made = row_.back().get();
    made->second.position = static_cast<std::uint32_t>(row_.size() - 1);
    table_[place_of(key)] = {made, key.table_hash};
    return {made, true};
  }

  void erase(Element& element) {
    vacate(place_of(element.first));
    const std::uint32_t hole = element.second.position;
    std::swap(row_[hole], row_.back());
    row_[hole]->second.position = hole;
    row_.pop_back();
  }

  void clear() {
    table_ = Table();
    row_ = Row();
  }

  // Walks up to `steps` places downwards from `cursor` (0: from the end), and returns where to go on; 0 when the walk is
  // over. Meanwhile elements may come and go: those that come stand behind the walk, and one that moves into a hole was
  // either visited already or moves to a place that is still to be visited. So each that is there throughout is visited,
  // some perhaps twice.
  template <class Visit>
  std::uint64_t scan(std::uint64_t cursor, std::uint64_t steps, Visit visit) const {
    std::size_t left = cursor == 0 ? row_.size() : std::min<std::size_t>(cursor, row_.size());
    for (; steps > 0 && left > 0; --steps)
      visit(std::as_const(*row_[--left]));
    return left;
  }

 private:
  struct Place {
    Element* element = nullptr;
    std::uint64_t hash = 0;
  };
  using Table = std::vector<Place>;  // its size is a power of two
  using Row = std::vector<std::unique_ptr<Element>>;

  [[nodiscard]] std::size_t home_of(std::uint64_t hash) const { return hash & (table_.size() - 1); }
  [[nodiscard]] std::size_t behind(std::size_t place) const { return (place + 1) & (table_.size() - 1); }

  // Where the key is, or would come.
  [[nodiscard]] std::size_t place_of(const HashedKey& key) const {
    std::size_t place = home_of(key.table_hash);
    while (table_[place].element != nullptr &&
           (table_[place].hash != key.table_hash || table_[place].element->first != key.bytes))
      place = behind(place);
    return place;
  }

  void grow() {
    Table old(std::max<std::size_t>(4, 2 * table_.size()));
    old.swap(table_);
    for (const Place& moved : old) {
      if (moved.element == nullptr) continue;
      std::size_t place = home_of(moved.hash);
      while (table_[place].element != nullptr)
        place = behind(place);
      table_[place] = moved;
    }
  }

  // Those behind it that would not be found over the gap move up.
  void vacate(std::size_t gap) {
    const auto distance = [&](std::size_t from, std::size_t to) { return (to - from) & (table_.size() - 1); };
    for (std::size_t next = behind(gap); table_[next].element != nullptr; next = behind(next)) {
      if (distance(home_of(table_[next].hash), next) < distance(gap, next)) continue;
      table_[gap] = table_[next];
      gap = next;
    }
    table_[gap] = {};
  }

  Table table_;
  Row row_;
};

}  // namespace keel
