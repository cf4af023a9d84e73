#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "keel/port/executor.hpp"

namespace keel::test {

// An Executor for tests of single parts: virtual time, and nothing runs but where the test says so. Deterministic,
// unless a part under test has threads of its own, whose posts `run_until` waits for.
class TestExecutor final : public Executor {
 public:
  void post(Task task) override {
    const std::scoped_lock lock(mutex_);
    posted_.push_back(std::move(task));
    arrived_.notify_one();
  }

  TimerId at(Instant when, Task task) override {
    const TimerId id(++last_timer_);
    timers_.emplace(std::pair(std::max(when, now_), id), std::move(task));
    return id;
  }

  void cancel(TimerId timer) override {
    std::erase_if(timers_, [timer](const auto& entry) { return entry.first.second == timer; });
  }

  [[nodiscard]] Instant now() const override { return now_; }
  [[nodiscard]] WallTime wall_now() const override {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(now_.time_since_epoch()));
  }

  // Runs what is ready, one task; timers that are due count as posted last. False if nothing was.
  bool run_one() {
    Task task = take_posted();
    if (!task && !timers_.empty() && timers_.begin()->first.first <= now_) {
      task = std::move(timers_.extract(timers_.begin()).mapped());
    }
    if (!task) return false;
    task();
    return true;
  }

  // Runs everything that is ready, and what that makes ready; time stands still.
  void run_ready() {
    while (run_one()) {
    }
  }

  // Lets time pass, each timer at its moment.
  void advance(Duration by) {
    const Instant end = now_ + by;
    run_ready();
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      now_ = timers_.begin()->first.first;
      run_ready();
    }
    now_ = end;
  }

  // Runs until nothing is posted and no timer is armed: time goes as far as it must.
  void run_until_idle() {
    run_ready();
    while (to_next_timer())
      run_ready();
  }

  // Runs until `done()` holds: time passes when nothing is ready, and when no timer is armed either, other threads
  // get `patience` of real time to post something. False if it still does not hold.
  template <class Condition>
  bool run_until(Condition done, std::chrono::seconds patience = std::chrono::seconds(60)) {
    while (!done()) {
      if (run_one() || to_next_timer()) continue;
      std::unique_lock lock(mutex_);
      if (!arrived_.wait_for(lock, patience, [this] { return !posted_.empty(); })) return false;
    }
    return true;
  }

  // Forgets everything that waits, as the death of the process would.
  void drop_all() {
    timers_.clear();
    std::deque<Task> dropped;
    const std::scoped_lock lock(mutex_);
    dropped.swap(posted_);
  }

 private:
  Task take_posted() {
    const std::scoped_lock lock(mutex_);
    if (posted_.empty()) return {};
    Task task = std::move(posted_.front());
    posted_.pop_front();
    return task;
  }

  bool to_next_timer() {
    if (timers_.empty()) return false;
    now_ = timers_.begin()->first.first;
    return true;
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Task> posted_;  // guarded by mutex_
  std::map<std::pair<Instant, TimerId>, Task> timers_;
  std::uint64_t last_timer_ = 0;
  Instant now_{};
};

}  // namespace keel::test
