#pragma once

#include <cstdint>
#include <string_view>

namespace keel {

inline constexpr std::uint16_t key_slots = 16384;

// The slot that Redis Cluster puts a key in: CRC16 (XMODEM) of the key, or of what stands in its first braces, if
// anything does, so that keys can be kept together.
[[nodiscard]] std::uint16_t slot_of(std::string_view key);

}  // namespace keel
