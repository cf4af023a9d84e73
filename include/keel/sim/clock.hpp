#pragma once

#include <cstdint>

#include "keel/sim/timeline.hpp"

namespace keel::sim {

// One node's clock: monotonic and wall time as that node reads them. It may run fast, slow, stand still or jump; its
// monotonic side never goes back.
class Clock {
 public:
  static constexpr std::int64_t true_rate = 1'000'000;

  // Reads `start` now. `wall_epoch` is the wall time at the world's beginning.
  Clock(const Timeline& timeline, Instant start, WallTime wall_epoch);

  [[nodiscard]] Instant now() const { return local_base_ + passed(); }
  [[nodiscard]] WallTime wall_now() const;
  // When in the world this clock will show `local`: now if it is past, `never` if the clock stands still.
  [[nodiscard]] SimTime when(Instant local) const;

  // Parts per million of true time: 1'100'000 is 10 % fast, 0 stands still. Whoever has timers on it must retime them
  // after each change: World does.
  void set_rate(std::int64_t parts_per_million);
  [[nodiscard]] std::int64_t rate() const { return rate_; }
  // Ahead only.
  void jump(Duration ahead);
  // Wall time may be set to anything.
  void shift_wall(Duration by) { wall_base_ += by; }
  // A rebooted machine's monotonic clock starts anew from `start`; wall time goes on.
  void reboot(Instant start);

 private:
  [[nodiscard]] Duration passed() const;  // on this clock, since it was last changed
  void rebase();

  const Timeline& timeline_;
  SimTime base_;        // when it was last changed
  Instant local_base_;  // what it showed then
  Duration wall_base_;  // and as wall time, since the Unix epoch
  std::int64_t rate_ = true_rate;
};

}  // namespace keel::sim
