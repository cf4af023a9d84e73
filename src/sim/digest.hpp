#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "keel/base/payload.hpp"

namespace keel::sim {

// 64-bit digests for comparing things within one process: quick, the same in every run, not for storing.
[[nodiscard]] inline std::uint64_t mix(std::uint64_t digest, std::uint64_t value) {
  digest = (digest ^ value) * 0x9e3779b97f4a7c15ULL;
  return digest ^ (digest >> 32);
}

[[nodiscard]] inline std::uint64_t digest_of(ByteView bytes) {
  std::uint64_t digest = mix(0x6b65656cULL, bytes.size());
  for (; bytes.size() >= sizeof(std::uint64_t); bytes = bytes.subspan(sizeof(std::uint64_t))) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    digest = mix(digest, word);
  }
  std::uint64_t tail = 0;
  if (!bytes.empty()) std::memcpy(&tail, bytes.data(), bytes.size());
  return mix(digest, tail);
}

[[nodiscard]] inline std::uint64_t digest_of(std::string_view text) {
  return digest_of(std::as_bytes(std::span(text)));
}

}  // namespace keel::sim
