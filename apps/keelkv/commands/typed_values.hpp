#pragma once

#include <algorithm>

#include "keelkv/commands/command.hpp"
#include "keelkv/data/kv_store.hpp"
#include "keelkv/data/kv_view.hpp"
#include "keelkv/resp/resp_writer.hpp"

namespace keel {

// False, and the error answered, if the key holds something else than a T. There need not be such a key.
template <class T>
[[nodiscard]] bool fits(const KvStore::Entry* entry, RespWriter& reply) {
  if (entry == nullptr || value_as<T>(entry->second.value.value) != nullptr) return true;
  reply.error(errors::wrong_type);
  return false;
}

// Null if there is no such key.
template <class T>
[[nodiscard]] const T* value_of(const KvStore::Entry* entry) {
  return entry == nullptr ? nullptr : value_as<T>(entry->second.value.value);
}

// Most reads begin so: false when it is answered already, because the key is of another type; else `value`, perhaps null.
template <class T>
struct Looked {
  bool good = false;
  const T* value = nullptr;
  explicit operator bool() const { return good; }
};
template <class T>
[[nodiscard]] Looked<T> look_up(KvView& view, std::string_view key, RespWriter& reply) {
  const auto* const entry = view.find(key);
  if (!fits<T>(entry, reply)) return {};
  return {.good = true, .value = value_of<T>(entry)};
}

// And most writes that need what is there.
template <class T>
struct Found {
  bool good = false;
  KvStore::Entry* entry = nullptr;
  explicit operator bool() const { return good; }
};
template <class T>
[[nodiscard]] Found<T> find_value(KvStore& store, std::string_view key, RespWriter& reply) {
  auto* const entry = store.find(key);
  if (!fits<T>(entry, reply)) return {};
  return {.good = true, .entry = entry};
}

inline std::int64_t as_integer(std::size_t count) { return static_cast<std::int64_t>(count); }

// Positions of a range as Redis counts them, from the end when negative: what of it is there.
struct Slice {
  std::size_t first = 0;
  std::size_t count = 0;
};
[[nodiscard]] inline Slice slice_of(std::int64_t first, std::int64_t last, std::size_t size) {
  const auto there = as_integer(size);
  if (first < 0) first = std::max<std::int64_t>(first + there, 0);
  if (last < 0) last += there;
  last = std::min(last, there - 1);
  if (first > last) return {};
  return {static_cast<std::size_t>(first), static_cast<std::size_t>(last - first + 1)};
}

// The same for the bytes of a string, where a range that ends before the beginning still has the first byte.
[[nodiscard]] inline Slice text_slice_of(std::int64_t first, std::int64_t last, std::size_t size) {
  if (first < 0 && last < 0 && first > last) return {};
  return slice_of(first, last < 0 ? std::max<std::int64_t>(last + as_integer(size), 0) : last, size);
}

}  // namespace keel
