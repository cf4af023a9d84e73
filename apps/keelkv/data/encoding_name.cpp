#include "keelkv/data/encoding_name.hpp"

#include <algorithm>

#include "keelkv/data/numbers.hpp"

namespace keel {

namespace {

constexpr std::size_t short_collection = 128;
constexpr std::size_t short_element = 64;
constexpr std::size_t many_integers = 512;
constexpr std::size_t embedded_string = 44;
constexpr std::size_t list_in_one_piece = 8192;

// `is_short` of the element at a place.
template <class IsShort>
bool all_short(std::size_t size, IsShort is_short) {
  if (size > short_collection) return false;
  for (std::size_t i = 0; i < size; ++i) {
    if (!is_short(i)) return false;
  }
  return true;
}

std::string_view name_of(const StringValue& value) {
  if (parse_integer(value.text())) return "int";
  return value.bytes() <= embedded_string ? "embstr" : "raw";
}

std::string_view name_of(const ListValue& value) {
  constexpr std::size_t overhead = 2;  // at least so much for each element
  return value.bytes() + overhead * value.size() <= list_in_one_piece ? "listpack" : "quicklist";
}

std::string_view name_of(const SetValue& value) {
  const auto& members = value.members();
  bool integers = value.size() <= many_integers;
  for (std::size_t i = 0; i < value.size() && integers; ++i)
    integers = parse_integer(members.at(i).first).has_value();
  if (integers) return "intset";
  return all_short(value.size(), [&](std::size_t i) { return members.at(i).first.size() <= short_element; })
             ? "listpack"
             : "hashtable";
}

std::string_view name_of(const SortedSetValue& value) {
  const auto& members = value.members();
  return all_short(value.size(), [&](std::size_t i) { return members.at(i).first.size() <= short_element; })
             ? "listpack"
             : "skiplist";
}

std::string_view name_of(const HashValue& value) {
  const auto is_short = [&](std::size_t i) {
    const auto& field = value.fields().at(i);
    return std::max(field.first.size(), field.second.value.size()) <= short_element;
  };
  return all_short(value.size(), is_short) ? "listpack" : "hashtable";
}

}  // namespace

std::string_view encoding_name(const KvValue& value) {
  return std::visit(
      [](const auto& held) {
        if constexpr (requires { *held; }) {
          return name_of(*held);
        } else {
          return name_of(held);
        }
      },
      value);
}

}  // namespace keel
