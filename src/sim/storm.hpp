#pragma once

#include <array>
#include <functional>
#include <set>
#include <vector>

#include "keel/sim/counters.hpp"
#include "keel/sim/schedule.hpp"

namespace keel::sim {

// Breaks a World as planned, each fault for its while, several at once, until it is told to end.
class Storm {
 public:
  Storm(World& world, const Schedule& schedule);

  // Faults that are on at the schedule's end of the storm stay until `calm`.
  void start();
  // Everything is mended: cuts, weather, clocks, disks; who stood still or was down runs, but for those whose disks have
  // rotted: as long as a node cannot be put in another's place, they are lost. What came of the faults may still be
  // reported, until SafetyChecks::expect_nothing.
  void calm();
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  using Begin = void (Storm::*)(const PlannedFault&, NodeId);
  static const std::array<Begin, fault_kinds>& beginnings();

  void next();
  void later(Duration after, std::function<void()> what);
  void note(std::string_view what, NodeId node = nobody);
  void count(std::string_view what);
  // `node` may report what a fault does to it, from its beginning until a while after it is over.
  void expect(NodeId node, Trouble trouble);
  void over(NodeId node, Trouble trouble);
  [[nodiscard]] Link changed(const PlannedFault& fault) const;
  template <class Each>
  void each_in(std::uint64_t bits, Each each);

  void weather(const PlannedFault& fault, NodeId node);
  void bad_link(const PlannedFault& fault, NodeId node);
  void isolate(const PlannedFault& fault, NodeId node);
  void split(const PlannedFault& fault, NodeId node);
  void cut_pair(const PlannedFault& fault, NodeId node);
  void one_way(const PlannedFault& fault, NodeId node);
  void crash(const PlannedFault& fault, NodeId node);
  void crash_all(const PlannedFault& fault, NodeId node);
  void pause(const PlannedFault& fault, NodeId node);
  void transfer(const PlannedFault& fault, NodeId node);
  void step_down(const PlannedFault& fault, NodeId node);
  void fire_timer(const PlannedFault& fault, NodeId node);
  void slow_disk(const PlannedFault& fault, NodeId node);
  void hang_disk(const PlannedFault& fault, NodeId node);
  void break_disk(const PlannedFault& fault, NodeId node);
  void fill_disk(const PlannedFault& fault, NodeId node);
  void rot(const PlannedFault& fault, NodeId node);
  void clock_rate(const PlannedFault& fault, NodeId node);
  void clock_stop(const PlannedFault& fault, NodeId node);
  void clock_jump(const PlannedFault& fault, NodeId node);

  void crash_in_write(const PlannedFault& fault, NodeId node, SimTime latest);
  void crash_now(const PlannedFault& fault, NodeId node);
  void heal_later(const PlannedFault& fault);
  [[nodiscard]] bool has_failed(NodeId node);
  void mend_disk(NodeId node);
  void mend_clock(NodeId node);
  void revive(NodeId node);
  bool flip_a_bit(NodeId node, std::uint64_t place);

  World& world_;
  const Schedule& schedule_;
  std::size_t begun_ = 0;
  bool raging_ = false;
  Link fair_;
  std::set<NodeId> rotten_;  // with bits that were flipped
  Counters counters_;
};

}  // namespace keel::sim
