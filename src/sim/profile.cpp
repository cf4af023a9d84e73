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
      {"disk", "slow, hanging and full disks, operations of every kind that fail, bits that flip, and power cuts", 3, 5,
       Fault::crashes | Fault::slow_disks | Fault::bad_disks | Fault::rot},
      {"clock", "clocks that run fast or slow, stand still and jump; paused processes; some delay", 3, 5,
       Fault::clocks | Fault::pauses | Fault::leadership},
      {"five", "five nodes, all faults of the network and all crashes", 5, 5, network | Fault::crashes | Fault::pauses},
      {"storm", "a swarm: one to seven nodes, and of all kinds of faults each seed draws its own mix (the default)", 1,
       7, network | Fault::crashes | Fault::pauses | Fault::slow_disks | Fault::bad_disks | Fault::clocks | Fault::rot,
       true},
  };
  return all;
}

const Profile* find_profile(std::string_view name) {
  const auto found = std::ranges::find(profiles(), name, &Profile::name);
  return found == profiles().end() ? nullptr : &*found;
}

namespace {

using Names = std::vector<std::string_view>;

// What runs of a kind cannot but come to, sooner or later.
struct Reach {
  Fault when;  // the profile has one of these; none: always
  Names soon;  // within 100 seeds
  Names late;  // within 2000
};

constexpr Fault strife = Fault::partitions | Fault::crashes | Fault::clocks;  // that costs leaders their office

// Left out, because nothing can lead there: messages that are malformed, of strangers or for others, and
// ProtocolViolation (who sends such is broken, or of another cluster, and unit tests play it); steps down because of a
// removal and targets that are gone (no membership changes here); errors of renaming (only compaction renames, and
// without snapshots there is none); commands' leadership_lost (when a node is stopped in peace; in scenarios) and
// failed (a broken machine: tests/sim/planted_test.cpp).
const std::vector<Reach>& reaches() {
  static const std::vector<Reach> all = {
      {Fault::none,
       {"commands: acknowledged",    "commands: refused",
        "reads: answered",           "reads: failed",
        "raft: leaderships",         "raft: campaigns",
        "raft: rehearsals",          "role: follower",
        "role: candidate",           "role: leader",
        "role: pre_candidate",       "event: CampaignStarted",
        "event: LeaderChanged",      "event: LeaderReady",
        "event: MessageRejected",    "event: RoleChanged",
        "event: TermChanged",        "message: AppendReply",
        "message: AppendRequest",    "message: ForwardReply",
        "message: ForwardRequest",   "message: Heartbeat",
        "message: HeartbeatReply",   "message: ReadIndexReply",
        "message: ReadIndexRequest", "message: VoteReply",
        "message: VoteRequest",      "rejected: stale",
        "error: command no_leader",  "error: command not_leader",
        "error: command overloaded", "error: read no_leader",
        "error: read overloaded"},
       {"event: SplitVote"}},
      {strife,
       {"commands: discarded", "commands: unknown", "error: command discarded", "error: command timed_out",
        "error: read leadership_lost", "error: read timed_out", "event: EntriesTruncated", "event: SteppedDown",
        "raft: entries truncated", "rejected: old_term", "rejected: wrong_role", "stepped down: higher_term",
        "stepped down: lost_quorum"},
       {"error: command wrong_term", "message: TimeoutNow"}},
      {Fault::weather,
       {"faults: messages lost", "faults: messages repeated", "faults: messages reordered", "faults: messages delayed",
        "faults: messages that waited for bandwidth", "faults: messages lost from full queues", "faults: bad links"},
       {}},
      {Fault::partitions,
       {"faults: messages cut off", "faults: full partitions", "faults: partial partitions", "faults: one-way cuts"},
       {}},
      {Fault::crashes,
       {"faults: crashes", "faults: leaders crashed", "faults: all crashed", "faults: messages to the dead",
        "faults: writes lost in crashes", "faults: writes that survived crashes unsynced", "faults: disk writes lost",
        "faults: disk writes torn", "faults: disk writes reordered", "faults: settings changed"},
       {}},
      {Fault::pauses, {"faults: pauses"}, {"event: StorageStalled"}},
      {Fault::leadership,
       {"event: TransferStarted", "event: TransferEnded", "message: TimeoutNow", "transfer: done",
        "transfer: timed_out", "stepped down: asked", "faults: timers fired"},
       {"transfer: lost_leadership", "transfer: replaced"}},
      {Fault::slow_disks,
       {"faults: disk operations slowed", "faults: disk operations hung", "event: StorageStalled",
        "stepped down: disk_stalled"},
       {}},
      {Fault::bad_disks,
       {"faults: disk write errors", "faults: disk sync errors", "faults: disk create errors",
        "faults: disk read errors", "faults: disk open errors", "faults: disk writes cut short",
        "faults: disk sectors reverted", "faults: disks without space", "faults: nodes failed",
        "faults: starts refused by a disk", "error: command stopping", "error: command storage_failed",
        "error: read failed"},
       {"faults: disk remove errors", "event: FetchFailed"}},
      {Fault::rot,
       {"faults: bits flipped", "faults: flipped bits found by a node", "faults: nodes failed"},
       {"faults: flipped bits found at a start"}},
      {Fault::clocks, {"faults: clock rates", "faults: stopped clocks", "faults: clock jumps"}, {}},
  };
  return all;
}

}  // namespace

std::vector<std::string_view> must_reach(const Profile& profile, std::uint64_t seeds) {
  Names names;
  for (const Reach& reach : reaches()) {
    if (reach.when != Fault::none && !has(profile.faults, reach.when)) continue;
    if (seeds >= 100) names.insert(names.end(), reach.soon.begin(), reach.soon.end());
    if (seeds >= 2000) names.insert(names.end(), reach.late.begin(), reach.late.end());
  }
  if (profile.swarm && seeds >= 100) names.emplace_back("turns: with a message and a write's end");
  return names;
}

}  // namespace keel::sim
