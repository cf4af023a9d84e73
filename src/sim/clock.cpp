#include "keel/sim/clock.hpp"

#include "keel/base/assert.hpp"

namespace keel::sim {
namespace {

__extension__ using Wide = __int128;  // nanoseconds times parts per million outgrow 64 bits within hours

}  // namespace

Clock::Clock(const Timeline& timeline, Instant start, WallTime wall_epoch)
    : timeline_(timeline), base_(timeline.now()), local_base_(start), wall_base_(wall_epoch.time_since_epoch()) {}

WallTime Clock::wall_now() const {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(wall_base_ + passed()));
}

SimTime Clock::when(Instant local) const {
  const Duration ahead = local - now();
  if (ahead <= Duration(0)) return timeline_.now();
  if (rate_ == 0) return never;
  // Rounded up, so that the clock shows at least `local` then.
  const Wide from_base = (Wide{(local - local_base_).count()} * true_rate + rate_ - 1) / rate_;
  if (from_base > Wide{(never - base_).count()}) return never;
  return base_ + Duration(static_cast<Duration::rep>(from_base));
}

void Clock::set_rate(std::int64_t parts_per_million) {
  KEEL_ASSERT(parts_per_million >= 0, "a clock does not run backwards");
  rebase();
  rate_ = parts_per_million;
}

void Clock::jump(Duration ahead) {
  KEEL_ASSERT(ahead >= Duration(0), "a monotonic clock does not go back");
  rebase();
  local_base_ += ahead;
  wall_base_ += ahead;
}

void Clock::reboot(Instant start) {
  rebase();
  local_base_ = start;
}

Duration Clock::passed() const {
  const Wide passed = Wide{(timeline_.now() - base_).count()} * rate_ / true_rate;
  return Duration(static_cast<Duration::rep>(passed));
}

void Clock::rebase() {
  const Duration so_far = passed();
  base_ = timeline_.now();
  local_base_ += so_far;
  wall_base_ += so_far;
}

}  // namespace keel::sim
