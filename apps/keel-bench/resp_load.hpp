#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "keel-bench/stats.hpp"
#include "keel/base/error.hpp"

namespace bench {

// Writes of random keys, the same whoever is measured.
struct Load {
  std::size_t clients = 64;  // each with one connection
  std::size_t shared = 0;    // etcd: the connections that all clients share, if not one for each
  std::size_t pipeline = 1;  // commands that a connection sends together; it waits for all answers before the next
  std::size_t value = 256;   // bytes
  std::size_t keys = 100'000;
  double warm_up = 0.5;  // seconds, not counted
  double seconds = 2;
};

// Called when counting begins and when it ends, in the thread that makes the load.
using Edge = std::function<void()>;

struct LoadResult {
  double seconds = 0;          // that were counted
  std::uint64_t answered = 0;  // within them, and not with an error
  std::uint64_t failures = 0;  // answers that were errors, at any time
  std::string first_failure;
  Histogram latency;  // of what was answered
};

// Random key numbers: a different order each time would be no fairer, and one order can be repeated.
class Keys {
 public:
  explicit Keys(std::size_t count) : count_(count) {}
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ % count_;
  }

 private:
  std::uint64_t count_;
  std::uint64_t state_ = 0x9e3779b97f4a7c15u;
};
constexpr std::size_t key_digits = 12;
// Writes the digits of a key number over `at`; a key is "key:" and these.
void write_digits(char* at, std::uint64_t number);

// SET commands to a server of the Redis protocol on a port of the loopback. One thread, epoll: it shares the cores with
// what it measures. Errors: `io` when a connection fails, `timed_out` when answers stay away for 10 s.
[[nodiscard]] keel::Result<LoadResult> run_resp_load(int port, const Load& load, const Edge& begin, const Edge& end);

}  // namespace bench
