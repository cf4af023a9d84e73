#pragma once

#include <stdexcept>

namespace keel {

// Thrown when Keel finds that it is itself wrong. Only the node's pump, the checker and the simulator catch it: the
// object that threw is never used again, the node is `failed`, the user's process lives.
class InvariantBroken : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void invariant_broken(const char* condition, const char* why, const char* file, int line);

}  // namespace keel

// On in every build. For what must not happen; what may happen is a Result.
#define KEEL_ASSERT(condition, why) \
  (static_cast<bool>(condition) ? void() : ::keel::invariant_broken(#condition, why, __FILE__, __LINE__))
