#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "keel/base/assert.hpp"
#include "keelkv/state_hash.hpp"

namespace keel {

// A key with its hash, computed once for everything that a command does with it.
struct HashedKey {
  HashedKey(std::string_view key) : bytes(key), hash(hash_bytes(key)) {}
  HashedKey(const std::string& key) : HashedKey(std::string_view(key)) {}
  std::string_view bytes;
  std::uint64_t hash;
};

// A hash map whose elements also stand in a row, each knowing its place: new ones at the end, and when one is erased the
// last takes its place. So any element can be had by its place, and a walk can be interrupted and taken up again.
//
// The row depends only on what was inserted and erased in which order: it is the same on every node. Elements stay where
// they are in memory.
template <class T>
class ScanMap {
  struct Hash {
    using is_transparent = void;
    // Not noexcept, so that libstdc++ keeps the hash with each key and need not compute it again.
    std::size_t operator()(const std::string& key) const { return hash_bytes(key); }
    std::size_t operator()(const HashedKey& key) const { return key.hash; }
  };
  struct Same {
    using is_transparent = void;
    bool operator()(const std::string& a, const std::string& b) const { return a == b; }
    bool operator()(const HashedKey& a, const std::string& b) const { return a.bytes == b; }
    bool operator()(const std::string& a, const HashedKey& b) const { return a == b.bytes; }
  };
  struct Slot {
    [[no_unique_address]] T value{};
    std::size_t position = 0;
  };
  using Map = std::unordered_map<std::string, Slot, Hash, Same>;

 public:
  using Element = typename Map::value_type;  // `first` is the key, `second.value` the value

  ScanMap() = default;
  ScanMap(const ScanMap&) = delete;
  ScanMap& operator=(const ScanMap&) = delete;

  [[nodiscard]] std::size_t size() const { return row_.size(); }
  [[nodiscard]] bool empty() const { return row_.empty(); }
  [[nodiscard]] const Element& at(std::size_t position) const { return *row_[position]; }
  [[nodiscard]] Element& at(std::size_t position) { return *row_[position]; }

  [[nodiscard]] const Element* find(const HashedKey& key) const {
    const auto found = map_.find(key);
    return found == map_.end() ? nullptr : &*found;
  }
  [[nodiscard]] Element* find(const HashedKey& key) {
    const auto found = map_.find(key);
    return found == map_.end() ? nullptr : &*found;
  }

  // The element, and whether it is new.
  std::pair<Element*, bool> make(const HashedKey& key) {
    if (Element* const found = find(key)) return {found, false};
    Element& made = *map_.try_emplace(std::string(key.bytes)).first;
    made.second.position = row_.size();
    row_.push_back(&made);
    return {&made, true};
  }

  void erase(Element& element) {
    const std::size_t hole = element.second.position;
    row_[hole] = row_.back();
    row_[hole]->second.position = hole;
    row_.pop_back();
    const auto found = map_.find(element.first);
    KEEL_ASSERT(found != map_.end(), "an element to erase is in the map");
    map_.erase(found);
  }

  void clear() {
    map_ = Map();
    row_ = std::vector<Element*>();
  }

  // Walks up to `steps` places downwards from `cursor` (0: from the end), and returns where to go on; 0 when the walk is
  // over. Meanwhile elements may come and go: those that come stand behind the walk, and one that moves into a hole was
  // either visited already or moves to a place that is still to be visited. So each that is there throughout is visited,
  // some perhaps twice.
  template <class Visit>
  std::uint64_t scan(std::uint64_t cursor, std::uint64_t steps, Visit visit) const {
    std::size_t left = cursor == 0 ? row_.size() : std::min<std::size_t>(cursor, row_.size());
    for (; steps > 0 && left > 0; --steps)
      visit(*row_[--left]);
    return left;
  }

 private:
  Map map_;
  std::vector<Element*> row_;
};

}  // namespace keel
