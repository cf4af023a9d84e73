#pragma once

#include <cstddef>

namespace keel::wire::test {

// What this test program has asked the heap for since the last `start`. Single-threaded, as these tests are.
struct Allocations {
  static void start();
  static std::size_t count();
  static std::size_t largest();
};

}  // namespace keel::wire::test
