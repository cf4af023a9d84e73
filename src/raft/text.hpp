#pragma once

#include <cstdint>
#include <string>

#include "keel/base/time.hpp"
#include "keel/raft/entry.hpp"

namespace keel {

// How messages and events write what both have.
inline std::string text(bool value) { return value ? "true" : "false"; }
inline std::string text(std::uint64_t value) { return std::to_string(value); }
template <class Tag>
std::string text(Ordinal<Tag> value) {
  return text(value.value());
}
template <class Tag>
std::string text(Number<Tag> value) {
  return text(value.value());
}
inline std::string text(LogPosition position) { return text(position.index) + "@" + text(position.term); }
inline std::string text(IndexRange range) { return text(range.first) + ".." + text(range.last); }
inline std::string text(Duration value) { return std::to_string(value.count()) + "ns"; }

}  // namespace keel
