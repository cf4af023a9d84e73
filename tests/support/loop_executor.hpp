#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "keel/port/executor.hpp"

namespace keel::test {

// A loop with virtual time for one thread: when nothing is left to do, time moves on to the next timer.
class LoopExecutor final : public Executor {
 public:
  void post(Task task) override { tasks_.push_back(std::move(task)); }
  TimerId at(Instant when, Task task) override {
    const TimerId timer(++timers_made_);
    timers_.emplace(std::pair{when, timer}, std::move(task));
    return timer;
  }
  void cancel(TimerId timer) override {
    std::erase_if(timers_, [&](const auto& each) { return each.first.second == timer; });
  }
  [[nodiscard]] Instant now() const override { return now_; }
  [[nodiscard]] WallTime wall_now() const override {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(now_.time_since_epoch()));
  }

  // False when nothing is left to run.
  bool run_one() {
    if (tasks_.empty()) {
      if (timers_.empty()) return false;
      auto next = timers_.extract(timers_.begin());
      now_ = std::max(now_, next.key().first);
      tasks_.push_back(std::move(next.mapped()));
    }
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return true;
  }

 private:
  std::deque<Task> tasks_;
  std::map<std::pair<Instant, TimerId>, Task> timers_;
  std::uint64_t timers_made_ = 0;
  Instant now_{};
};

}  // namespace keel::test
