#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "keelkv/data/scan_map.hpp"

namespace keel {

struct Nothing {};

class SetValue {
 public:
  using Members = ScanMap<Nothing>;

  [[nodiscard]] const Members& members() const { return members_; }
  [[nodiscard]] bool contains(const HashedKey& member) const { return members_.find(member) != nullptr; }
  [[nodiscard]] std::size_t size() const { return members_.size(); }
  [[nodiscard]] bool empty() const { return members_.empty(); }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  // True if it was not there.
  bool add(const HashedKey& member) {
    if (!members_.make(member).second) return false;
    hash_ += mix(member.hash);
    bytes_ += member.bytes.size();
    return true;
  }
  // True if it was there.
  bool remove(const HashedKey& member) {
    auto* const found = members_.find(member);
    if (found == nullptr) return false;
    hash_ -= mix(member.hash);
    bytes_ -= member.bytes.size();
    members_.erase(*found);
    return true;
  }

 private:
  Members members_;
  std::uint64_t hash_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace keel
