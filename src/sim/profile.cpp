#include "keel/sim/profile.hpp"

#include <algorithm>

namespace keel::sim {
namespace {

constexpr Fault network = Fault::weather | Fault::partitions | Fault::leadership;

}  // namespace

const std::vector<Profile>& profiles() {
  static const std::vector<Profile> all = {
      {"calm", "one to five nodes, load, no faults: nothing may go wrong, nobody may lose its office", 1, 5,
       Fault::none},
      {"network", "loss, repetition, reordering, delay; full, partial and one-way partitions; leaders that step down",
       3, 5, network},
      {"crash",
       "power cuts of one node, the leader, or all, at any moment, which lose, tear and reorder what was not "
       "synced; paused processes",
       3, 5, Fault::crashes | Fault::pauses},
      {"disk", "slow, hanging and full disks, operations of every kind that fail, and power cuts", 3, 5,
       Fault::crashes | Fault::slow_disks | Fault::bad_disks},
      {"clock", "clocks that run fast or slow, stand still and jump; paused processes; some delay", 3, 5,
       Fault::clocks | Fault::pauses | Fault::leadership},
      {"five", "five nodes, all faults of the network and all crashes", 5, 5, network | Fault::crashes | Fault::pauses},
      {"storm", "everything at once (the default)", 2, 5,
       network | Fault::crashes | Fault::pauses | Fault::slow_disks | Fault::bad_disks | Fault::clocks},
  };
  return all;
}

const Profile* find_profile(std::string_view name) {
  const auto found = std::ranges::find(profiles(), name, &Profile::name);
  return found == profiles().end() ? nullptr : &*found;
}

std::vector<std::string_view> must_reach(const Profile& profile) {
  std::vector<std::string_view> names = {"commands: acknowledged", "reads: answered", "raft: leaderships",
                                         "raft: campaigns"};
  const auto with = [&](Fault fault, std::vector<std::string_view> more) {
    if (has(profile.faults, fault)) names.insert(names.end(), more.begin(), more.end());
  };
  with(Fault::weather, {"faults: messages lost", "faults: messages repeated", "faults: messages reordered",
                        "faults: messages delayed"});
  with(Fault::partitions, {"faults: messages cut off", "faults: full partitions", "faults: partial partitions",
                           "faults: one-way cuts", "raft: entries truncated", "commands: discarded"});
  with(Fault::crashes, {"faults: crashes", "faults: leaders crashed", "faults: all crashed",
                        "faults: writes lost in crashes", "faults: settings changed", "commands: unknown"});
  with(Fault::pauses, {"faults: pauses"});
  with(Fault::leadership, {"transfer: done", "stepped down: asked", "faults: timers fired"});
  with(Fault::slow_disks,
       {"faults: disk operations slowed", "faults: disk operations hung", "stepped down: disk_stalled"});
  with(Fault::bad_disks,
       {"faults: disk write errors", "faults: disk sync errors", "faults: disk create errors",
        "faults: disk read errors", "faults: disk open errors", "faults: disks without space", "faults: nodes failed"});
  with(Fault::clocks, {"faults: clock rates", "faults: stopped clocks", "faults: clock jumps"});
  if (profile.faults != Fault::none) names.insert(names.end(), {"commands: refused", "commands: unknown"});
  return names;
}

}  // namespace keel::sim
