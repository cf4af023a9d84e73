#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace demo {

// Writers that never stop: each sets keys of its own, one after the other, on whichever node takes them, and remembers
// what was acknowledged.
class Load {
 public:
  using Clock = std::chrono::steady_clock;

  Load(std::vector<int> ports, std::size_t writers);
  ~Load() { stop(); }
  void stop();

  struct Totals {
    std::uint64_t acknowledged = 0;
    std::uint64_t unknown = 0;        // no answer, or one that promises nothing: may have been written
    std::uint64_t refused = 0;        // surely not written
    Clock::duration longest_pause{};  // between two acknowledgements, of all writers together
  };
  [[nodiscard]] Totals totals() const;
  // From now on looks out for the first acknowledgement of a command that is sent after `since`.
  void watch(Clock::time_point since);
  // When that came; the clock's zero until then.
  [[nodiscard]] Clock::time_point seen() const;

  static std::string key(std::size_t writer, std::uint64_t number);
  // What was acknowledged, writer by writer. Only when stopped.
  [[nodiscard]] const std::vector<std::vector<std::uint64_t>>& acknowledged() const { return acknowledged_; }

 private:
  void write(std::size_t writer);
  void back_off();
  void note_acknowledged(Clock::time_point sent);

  std::vector<int> ports_;
  std::atomic<bool> stopping_{false};
  std::vector<std::vector<std::uint64_t>> acknowledged_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable stopped_;
  Totals totals_;
  Clock::time_point last_{};
  Clock::time_point watch_since_ = Clock::time_point::max();
  Clock::time_point watch_hit_{};

  std::vector<std::thread> threads_;
};

}  // namespace demo
