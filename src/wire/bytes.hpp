#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "keel/base/payload.hpp"

namespace keel::wire {

// Integers are little-endian everywhere, whatever the machine.
template <std::integral T>
[[nodiscard]] constexpr T little(T value) {
  if constexpr (std::endian::native == std::endian::little || sizeof(T) == 1) {
    return value;
  } else {
    return std::byteswap(value);
  }
}

template <std::unsigned_integral T>
inline void store(std::byte* at, T value) {
  value = little(value);
  std::memcpy(at, &value, sizeof value);
}

template <std::unsigned_integral T>
[[nodiscard]] inline T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return little(value);
}

// memcpy, for which an empty source may be null.
inline void copy_bytes(std::byte* to, ByteView from) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

}  // namespace keel::wire
