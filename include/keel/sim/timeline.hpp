#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "keel/base/ids.hpp"
#include "keel/base/time.hpp"
#include "keel/port/completion.hpp"
#include "keel/port/executor.hpp"

namespace keel::sim {

// The world's own time, which no node can read: each has a clock of its own (keel/sim/clock.hpp).
struct WorldClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<WorldClock>;
  static constexpr bool is_steady = true;
};
using SimTime = WorldClock::time_point;
inline constexpr SimTime never = SimTime::max();

// The first multiple of `grain` that is not before `when`; with a grain of 0 `when` itself.
[[nodiscard]] constexpr SimTime on_grain(SimTime when, Duration grain) {
  if (grain <= Duration(0) || when > never - grain) return when;
  const Duration past = when.time_since_epoch() % grain;
  return past == Duration(0) ? when : when + (grain - past);
}

// Whose event it is: 0 is the world itself, every process has a number of its own.
using Owner = std::uint32_t;

// All that is going to happen, in one queue, ordered by (time, sequence): a total order, so that equal inputs give equal
// runs. Nothing here knows what the events do.
class Timeline {
 public:
  [[nodiscard]] SimTime now() const { return now_; }

  // Runs `task` for `owner` once time has reached `when`; never before all that was posted earlier for that moment.
  // `local` is the owner's own idea of `when`, kept for `retime`.
  TimerId post(Owner owner, SimTime when, Task task, std::optional<Instant> local = std::nullopt);
  void cancel(TimerId event);

  // A stopped process: what is due waits, in order, until `thaw`.
  void freeze(Owner owner);
  void thaw(Owner owner);
  // A dead process: its events will not run. They are destroyed here.
  void drop(Owner owner);

  // Its clock has changed: asks `at(local)` anew for each waiting event that has a local time.
  template <class F>
  void retime(Owner owner, F at) {
    for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
      Slot& event = slots_[slot];
      if (event.owner == owner && event.local) move(slot, at(*event.local));
    }
  }

  // When the next event is; nothing if there is none.
  [[nodiscard]] std::optional<SimTime> next();
  // Runs the next event, moving time to it. False if there is none.
  bool step();
  // Moves time on, not beyond the next event.
  void pass_until(SimTime when);

  // Whose event runs or ran last.
  [[nodiscard]] Owner running() const { return running_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }

 private:
  // Where an event is: its position in waiting_, or one of these.
  static constexpr std::uint32_t nowhere = ~0U;  // the slot is free
  static constexpr std::uint32_t in_ready = ~0U - 1;
  static constexpr std::uint32_t in_parked = ~0U - 2;

  struct Slot {
    Task task;
    SimTime when{};
    std::optional<Instant> local;
    std::uint32_t generation = 0;
    std::uint32_t place = nowhere;
    Owner owner = 0;
  };
  struct Waiting {
    SimTime when;
    std::uint64_t sequence;
    std::uint32_t slot;
    bool operator<(const Waiting& other) const {
      return when != other.when ? when < other.when : sequence < other.sequence;
    }
  };
  struct Ready {
    std::uint64_t sequence;
    std::uint32_t slot;
    std::uint32_t generation;
  };
  struct Process {
    bool frozen = false;
    std::vector<Ready> parked;
  };

  [[nodiscard]] bool frozen(Owner owner) const { return owner < processes_.size() && processes_[owner].frozen; }
  Process& process(Owner owner);
  void enqueue(std::uint32_t slot);
  void release(std::uint32_t slot);
  void park(std::uint32_t slot);
  void move(std::uint32_t slot, SimTime when);
  void sift(std::size_t position, Waiting entry);
  void remove_waiting(std::size_t position);
  // The slot of the event that comes next, after frozen ones are set aside; `nowhere` if there is none.
  std::uint32_t head();

  SimTime now_{};
  std::uint64_t sequence_ = 0;
  std::uint64_t steps_ = 0;
  Owner running_ = 0;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<Waiting> waiting_;  // a binary heap: later than the moment it was posted at
  std::deque<Ready> ready_;       // due at the moment it was posted at, so in order already
  std::vector<Process> processes_;
};

}  // namespace keel::sim
