#include "keelkv/data/kv_value.hpp"

#include <array>

namespace keel {

namespace {

// Calls `act` with the StringValue, the ListValue, ... itself.
template <class Act>
auto with_contents(const KvValue& value, Act act) {
  return std::visit(
      [&](const auto& held) {
        if constexpr (requires { *held; }) {
          return act(*held);
        } else {
          return act(held);
        }
      },
      value);
}

KvValue copy_of(const StringValue& value) { return value; }

// Same elements at the same places: what follows from a place, such as what SPOP takes, stays the same on every node.
KvValue copy_of(const ListValue& value) { return std::make_unique<ListValue>(value); }

KvValue copy_of(const SetValue& value) {
  auto copy = std::make_unique<SetValue>();
  for (std::size_t i = 0; i < value.size(); ++i)
    copy->add(value.members().at(i).first);
  return copy;
}

KvValue copy_of(const SortedSetValue& value) {
  auto copy = std::make_unique<SortedSetValue>();
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto& member = value.members().at(i);
    copy->set(member.first, member.second.value);
  }
  return copy;
}

KvValue copy_of(const HashValue& value) {
  auto copy = std::make_unique<HashValue>();
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto& field = value.fields().at(i);
    copy->set(field.first, field.second.value);
  }
  return copy;
}

}  // namespace

std::string_view type_name(const KvValue& value) {
  static constexpr std::array<std::string_view, std::variant_size_v<KvValue>> names = {"string", "list", "set", "zset",
                                                                                       "hash"};
  return names[value.index()];
}

std::uint64_t hash_of(const KvValue& value) {
  return mix(with_contents(value, [](const auto& contents) { return contents.hash(); }) + value.index());
}

std::size_t bytes_of(const KvValue& value) {
  return with_contents(value, [](const auto& contents) { return contents.bytes(); });
}

bool is_empty(const KvValue& value) {
  return with_contents(value, [](const auto& contents) {
    if constexpr (requires { contents.empty(); }) {
      return contents.empty();
    } else {
      return false;
    }
  });
}

KvValue copy_of(const KvValue& value) {
  return with_contents(value, [](const auto& contents) { return copy_of(contents); });
}

}  // namespace keel
