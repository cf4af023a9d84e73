#pragma once

#include <cstdint>
#include <string_view>

namespace keel {

// What the state's hash is made of. The same on every node, and part of no format: only nodes are compared by it. It shows
// what went wrong, and is no seal: whoever wants to finds bytes that it takes for others.
[[nodiscard]] std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0);

// Spreads a number over all 64 bits, so that sums of such numbers tell what they were made of.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

}  // namespace keel
