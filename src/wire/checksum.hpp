#pragma once

#include <xxhash.h>

#include "keel/base/payload.hpp"

namespace keel::wire {

// XXH3-64. A seed ties what is checked to something that is not among its bytes.
[[nodiscard]] inline std::uint64_t checksum_of(ByteView bytes, std::uint64_t seed = 0) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace keel::wire
