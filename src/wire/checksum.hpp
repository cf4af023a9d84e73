#pragma once

#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL  // most of what is checked is so small that a call would cost more
#endif
#include <xxhash.h>

#include "keel/base/payload.hpp"

namespace keel::wire {

inline constexpr std::size_t checksum_size = sizeof(std::uint64_t);

// XXH3-64. A seed ties what is checked to something that is not among its bytes.
[[nodiscard]] inline std::uint64_t checksum_of(ByteView bytes, std::uint64_t seed = 0) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace keel::wire
