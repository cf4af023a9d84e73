#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace keel {

// The keys and their values. Changes only by its own functions, so that the hash of the whole state is always at hand:
// a sum over all keys and the blocks of their values, the same on every node that holds the same keys and values,
// whatever order they came in. What a change costs is in proportion to the bytes it brings.
class KvStore {
 public:
  // Null when there is no such key. Good until the next change.
  [[nodiscard]] const std::string* find(std::string_view key) const;
  [[nodiscard]] bool contains(std::string_view key) const { return find(key) != nullptr; }

  void set(std::string_view key, std::string_view bytes);
  // A missing key is made.
  void append(std::string_view key, std::string_view tail);
  bool erase(std::string_view key);
  void clear();

  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  // Of keys and values alone, without what it costs to hold them.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  struct Value {
    std::string bytes;
    std::uint64_t hash = 0;  // this key's share of the sum: of the key itself, and of each block of the value
  };
  struct KeyHash {
    using is_transparent = void;
    // Not noexcept, so that libstdc++ keeps the hash with each key and need not compute it again.
    std::size_t operator()(std::string_view key) const;
  };
  using Values = std::unordered_map<std::string, Value, KeyHash, std::equal_to<>>;

  Value& value_of(std::string_view key, std::uint64_t key_hash);
  void rehash(Value& value, std::uint64_t hash);

  Values values_;
  std::uint64_t hash_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace keel
