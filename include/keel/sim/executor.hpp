#pragma once

#include "keel/port/executor.hpp"
#include "keel/sim/clock.hpp"
#include "keel/sim/timeline.hpp"

namespace keel::sim {

// An Executor on the world's timeline, reading time from one node's clock. It outlives the node's restarts: `drop`
// forgets what a dead process had waiting.
class SimExecutor final : public Executor {
 public:
  SimExecutor(Timeline& timeline, Clock& clock, Owner owner) : timeline_(timeline), clock_(clock), owner_(owner) {}

  void post(Task task) override { timeline_.post(owner_, timeline_.now(), std::move(task)); }
  TimerId at(Instant when, Task task) override {
    return timeline_.post(owner_, clock_.when(when), std::move(task), when);
  }
  void cancel(TimerId timer) override { timeline_.cancel(timer); }
  [[nodiscard]] Instant now() const override { return clock_.now(); }
  [[nodiscard]] WallTime wall_now() const override { return clock_.wall_now(); }

  void pause() { timeline_.freeze(owner_); }
  void resume() { timeline_.thaw(owner_); }
  void drop() { timeline_.drop(owner_); }
  void clock_changed() {
    timeline_.retime(owner_, [this](Instant local) { return clock_.when(local); });
  }
  [[nodiscard]] Owner owner() const { return owner_; }

 private:
  Timeline& timeline_;
  Clock& clock_;
  Owner owner_;
};

}  // namespace keel::sim
