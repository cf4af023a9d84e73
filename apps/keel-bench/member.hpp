#pragma once

#include <cstdint>
#include <string>
#include <vector>

// One of the three processes of the node bench. Says "leader" on standard output when it can serve; answers each line
// "run IN_FLIGHT SECONDS PAYLOAD" with a line of Figures, and "cpu", "applied", "memory" with the word and a number.
struct MemberOptions {
  std::uint64_t id = 0;
  std::vector<int> ports;
  std::string data;
  bool again = false;    // its log is there already
  unsigned spin_us = 0;  // see keel::run
};
int run_member(const MemberOptions& options);
