#pragma once

#include <cstdint>

#include "keel/base/time.hpp"

namespace keel {

// SplitMix64 (Steele, Lea, Flood, 2014): small, seeded, the same everywhere.
class Random {
 public:
  Random() = default;
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // In [0, bound); 0 if bound is 0.
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  // In [0, span).
  Duration below(Duration span) {
    return Duration(static_cast<Duration::rep>(below(static_cast<std::uint64_t>(span.count()))));
  }

  bool operator==(const Random&) const = default;

 private:
  std::uint64_t state_ = 0;
};

}  // namespace keel
