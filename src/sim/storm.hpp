#pragma once

#include <functional>
#include <vector>

#include "keel/sim/counters.hpp"
#include "keel/sim/profile.hpp"
#include "keel/sim/world.hpp"

namespace keel::sim {

// Breaks a World in every way its profile allows, each fault for a while, several at once, until it is told to end.
class Storm {
 public:
  Storm(World& world, Fault faults, Random random);

  // Until `end` of the world's time. Faults that are on then stay until `calm`.
  void start(SimTime end);
  // Everything is mended: cuts, weather, clocks, disks; who stood still or was down runs. What came of the faults may
  // still be reported, until SafetyChecks::expect_nothing.
  void calm();
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  struct Kind {
    Fault needs;
    unsigned weight;
    void (Storm::*begin)();
  };
  static const std::vector<Kind>& kinds();

  void next();
  void begin_one();
  void later(Duration from, Duration to, std::function<void()> what);
  NodeId any();
  NodeId victim();  // the leader, half of the time
  void note(std::string_view what, NodeId node = nobody);
  void count(std::string_view what);
  // `node` may report what a fault does to it, from its beginning until a while after it is over.
  void expect(NodeId node, Trouble trouble);
  void over(NodeId node, Trouble trouble);

  void weather();
  void bad_link();
  void isolate();
  void split();
  void cut_some();
  void one_way();
  void crash();
  void crash_all();
  void pause();
  void transfer();
  void step_down();
  void fire();
  void slow_disk();
  void hang_disk();
  void break_disk();
  void fill_disk();
  void clock_rate();
  void clock_stop();
  void clock_jump();

  void mend_network();
  [[nodiscard]] bool has_failed(NodeId node);
  void mend_disk(NodeId node);
  void mend_clock(NodeId node);
  void revive(NodeId node);

  World& world_;
  Fault faults_;
  Random random_;
  SimTime end_{};
  Duration pace_{};  // between faults
  bool raging_ = false;
  Link fair_;
  std::vector<Kind> possible_;
  unsigned weight_ = 0;
  Counters counters_;
};

}  // namespace keel::sim
