#pragma once

#include <cstddef>
#include <expected>

namespace demo {

struct Options {
  bool stop = false;  // those that run, instead of running one
  bool wait = true;
  double seconds = 3;  // of load in each act
  std::size_t writers = 8;
};

// When there is nothing to do, help or what is wrong has been printed, and this is the exit status.
std::expected<Options, int> parse_flags(int argc, const char* const* argv);

}  // namespace demo
