#include "keel-bench/failover.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "keel-bench/interrupt.hpp"

namespace bench {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using keel::ErrorCode;
using keel::Result;

namespace {

constexpr std::size_t writers_each = 2;
constexpr auto patience = 50ms;  // then a client asks anew: a command that was lost with the leader costs no more

// Clients of every node that never stop writing.
class Writers {
 public:
  explicit Writers(Replicas& servers) {
    for (std::size_t i = 0; i < writers_each * Replicas::count; ++i) {
      threads_.emplace_back([this, i, writer = servers.writer_to(i % Replicas::count)] { write(*writer, i); });
    }
  }
  Writers(const Writers&) = delete;
  Writers& operator=(const Writers&) = delete;
  ~Writers() {
    stopping_ = true;
    for (std::thread& thread : threads_)
      thread.join();
  }

  // The longest time without an acknowledgement, until one came for a command that was sent after this call. Error:
  // `timed_out` after 30 s.
  Result<Clock::duration> pause_from_now() {
    const auto now = Clock::now();
    {
      const std::lock_guard lock(mutex_);
      longest_ = {};
      since_ = now;
      over_ = false;
    }
    while (Clock::now() < now + 30s) {
      std::this_thread::sleep_for(5ms);
      if (auto on = go_on(); !on) return std::unexpected(on.error());
      const std::lock_guard lock(mutex_);
      if (over_) return longest_;
    }
    return keel::fail(ErrorCode::timed_out, "nothing was acknowledged within 30 s");
  }

 private:
  void write(Writer& writer, std::size_t number) {
    const std::string value(256, 'x');
    while (!stopping_) {
      const auto sent = Clock::now();
      if (writer.put("failover:" + std::to_string(number), value, patience)) {
        note(sent, Clock::now());
      } else {
        std::this_thread::sleep_for(2ms);  // a node that is down refuses at once
      }
    }
  }
  void note(Clock::time_point sent, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (last_ != Clock::time_point()) longest_ = std::max(longest_, now - last_);
    last_ = now;
    over_ = over_ || sent > since_;
  }

  std::atomic<bool> stopping_{false};
  std::mutex mutex_;  // guards what follows
  Clock::time_point last_{};
  Clock::time_point since_ = Clock::time_point::max();
  Clock::duration longest_{};
  bool over_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

Result<Failover> measure_failover(Replicas& servers, int rounds) {
  Failover failover{
      .who = servers.name(),
      .ms = {},
      .note = fmt::format("leader killed with SIGKILL; last acknowledgement before to first after, of {} clients "
                          "on all nodes; election timeout 1 s, heartbeat 100 ms",
                          writers_each * Replicas::count)};
  if (auto started = servers.start(); !started) return std::unexpected(started.error());
  Writers writers(servers);
  for (int round = 1; round <= rounds; ++round) {
    std::this_thread::sleep_for(1s);  // load, and time for the one that came back to catch up
    const auto leader = servers.find_leader();
    if (!leader) return std::unexpected(leader.error());
    servers.kill(*leader);
    const auto pause = writers.pause_from_now();
    if (!pause) return std::unexpected(pause.error());
    failover.ms.push_back(std::chrono::duration<double, std::milli>(*pause).count());
    fmt::print(stderr, "failover {} of {}: {}, {:.0f} ms\n", round, rounds, failover.who, failover.ms.back());
    if (auto again = servers.start_again(*leader); !again) return std::unexpected(again.error());
  }
  return failover;
}

}  // namespace bench
