#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <variant>

#include "keel/base/ids.hpp"
#include "keelkv/data/hash_value.hpp"
#include "keelkv/data/list_value.hpp"
#include "keelkv/data/scan_map.hpp"
#include "keelkv/data/set_value.hpp"
#include "keelkv/data/sorted_set_value.hpp"
#include "keelkv/data/string_value.hpp"

namespace keel {

// What a key holds. Strings, the most frequent, lie in the key's own element.
using KvValue = std::variant<StringValue, std::unique_ptr<ListValue>, std::unique_ptr<SetValue>,
                             std::unique_ptr<SortedSetValue>, std::unique_ptr<HashValue>>;

// Null if the value is of another type. `Value` is KvValue, const or not.
template <class T, class Value>
[[nodiscard]] auto* value_as(Value& value) {
  if constexpr (std::is_same_v<T, StringValue>) {
    return std::get_if<StringValue>(&value);
  } else {
    const auto* const held = std::get_if<std::unique_ptr<T>>(&value);
    using Pointer = std::conditional_t<std::is_const_v<Value>, const T*, T*>;
    return held == nullptr ? Pointer(nullptr) : Pointer(held->get());
  }
}

template <class T>
[[nodiscard]] KvValue empty_value() {
  if constexpr (std::is_same_v<T, StringValue>) {
    return StringValue();
  } else {
    return std::make_unique<T>();
  }
}

[[nodiscard]] std::string_view type_name(const KvValue& value);
// Of the contents and their type, whatever the key is.
[[nodiscard]] std::uint64_t hash_of(const KvValue& value);
// Of the contents alone, without what it costs to hold them.
[[nodiscard]] std::size_t bytes_of(const KvValue& value);
// Of a collection; a string may be empty.
[[nodiscard]] bool is_empty(const KvValue& value);
[[nodiscard]] KvValue copy_of(const KvValue& value);

inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

struct KvEntry {
  std::int64_t expiry = never;  // from this time of the log on, in milliseconds since 1970, the key is dead
  Index changed{};              // the log's entry that changed it last
  [[no_unique_address]] KvValue value;
};

using Keys = ScanMap<KvEntry>;

}  // namespace keel
