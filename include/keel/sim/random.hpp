#pragma once

#include <iterator>

#include "keel/raft/random.hpp"

namespace keel::sim {

// The only source of chance in a simulation. Streams forked from one seed for different purposes do not disturb each
// other: drawing more for one leaves the others as they were.
class Random : public keel::Random {
 public:
  using keel::Random::Random;

  // True with this probability (0 never, 1 always; neither draws anything).
  bool chance(double probability) {
    if (probability <= 0) return false;
    if (probability >= 1) return true;
    return static_cast<double>(next() >> 11) < probability * 0x1p53;
  }
  // In [low, high].
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
  Duration between(Duration low, Duration high) { return high <= low ? low : low + below(high - low + Duration(1)); }

  template <class Choices>
  auto pick(const Choices& choices) {
    return choices[below(static_cast<std::uint64_t>(std::size(choices)))];
  }

  // A stream of its own for `purpose`, which is any number; this one does not move.
  [[nodiscard]] Random fork(std::uint64_t purpose) const {
    Random mixed = *this;
    return Random(mixed.next() ^ keel::Random(purpose).next());
  }
};

}  // namespace keel::sim
