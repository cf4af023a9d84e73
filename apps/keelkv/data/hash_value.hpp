#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "keelkv/data/release.hpp"
#include "keelkv/data/scan_map.hpp"

namespace keel {

// A hash: fields and their values.
class HashValue {
 public:
  using Fields = ScanMap<std::string>;

  [[nodiscard]] const Fields& fields() const { return fields_; }
  [[nodiscard]] const std::string* get(const HashedKey& field) const {
    const auto* const found = fields_.find(field);
    return found == nullptr ? nullptr : &found->second.value;
  }
  [[nodiscard]] std::size_t size() const { return fields_.size(); }
  [[nodiscard]] bool empty() const { return fields_.empty(); }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  // True if the field is new.
  bool set(const HashedKey& field, std::string_view value) {
    const auto [element, is_new] = fields_.make(field);
    std::string& old = element->second.value;
    if (!is_new) hash_ -= hash_of(field, old);
    bytes_ += value.size() - old.size() + (is_new ? field.bytes.size() : 0);
    if (old.capacity() > 2 * value.size() + 64) release(old);
    old.assign(value);
    hash_ += hash_of(field, value);
    return is_new;
  }
  // True if it was there.
  bool remove(const HashedKey& field) {
    auto* const found = fields_.find(field);
    if (found == nullptr) return false;
    hash_ -= hash_of(field, found->second.value);
    bytes_ -= field.bytes.size() + found->second.value.size();
    fields_.erase(*found);
    return true;
  }

 private:
  static std::uint64_t hash_of(const HashedKey& field, std::string_view value) {
    return hash_bytes(value, mix(field.hash));
  }

  Fields fields_;
  std::uint64_t hash_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace keel
