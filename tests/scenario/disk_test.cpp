#include "keel/sim/sim_disk.hpp"
#include "support.hpp"

namespace keel::sim::test {
namespace {

class Disks : public Scenario {
 protected:
  static WorldOptions nodes(std::size_t count) {
    WorldOptions options = Scenario::nodes(count);
    options.segment_bytes = 4096;
    options.node.min_room = 1024;
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(With, Disks, ::testing::ValuesIn(combinations({LogKind::write_ahead})), name_of_combination);

const std::string large = std::string(1000, '.');

// The power of one node goes as its first file operation begins, its second, and so on, while commands arrive: what was
// not synced is lost or torn. Whatever was acknowledged is there afterwards. Segments are small, so that some end.
// scenario: D-02
// hazard: H43
TEST_P(Disks, ThePowerGoesAtEachFileOperation) {
  for (const std::uint64_t victim : {1, 2}) {
    for (std::uint64_t nth = 1; nth <= 25; ++nth) {
      SCOPED_TRACE(nth);
      World world(nodes(3));
      world.elect(1);
      const std::uint64_t last = world.disk(victim).ops() + nth;
      world.disk(victim).crash_at(nth);
      std::vector<Submitted> commands;
      while (world.disk(victim).ops() < last) {
        commands.push_back(world.submit_async(world.leader() == nobody ? NodeId(3) : world.leader(), "x+=" + large));
        world.run_for(microseconds(300));
      }
      world.crash(victim);
      world.disk(victim).crash_at(0);
      world.restart(victim);
      world.settle();
      for (const Submitted& command : commands)
        EXPECT_TRUE(!command.ok() || command.applied(victim));
      all_is_well(world);
    }
  }
}

// A write fails, or its sync: the first that comes, the second, and so on. A follower that cannot trust its disk takes no
// further part, and the others go on; a leader likewise, and another takes over. What it owed its callers is unknown.
// Once the disk is well a restart is the way back, and nothing is missing that was acknowledged.
// scenario: D-04
// hazard: H50
TEST_P(Disks, AWriteOrASyncFails) {
  for (const DiskOp op : {DiskOp::write, DiskOp::sync}) {
    for (const std::uint64_t victim : {1, 2}) {
      for (std::uint64_t nth = 1; nth <= 6; ++nth) {
        SCOPED_TRACE(nth);
        World world(nodes(3));
        world.elect(1);
        world.settle();
        world.checks().expect(NodeId(victim), Trouble::storage_fails);
        world.disk(victim).fail(op, nth);
        std::vector<Submitted> commands;
        while (!world.holds(node(victim).has_failed())) {
          commands.push_back(world.submit_async(1, "x+=" + large));
          world.run_for(milliseconds(1));
        }
        world.run_until(node(victim == 1 ? 2 : 1).is_ready() || node(3).is_ready());
        for (const Submitted& command : commands) {
          if (victim == 1 && command.is_appended()) {
            EXPECT_TRUE(command.ok() || command.outcome() == Outcome::unknown);
          }
        }

        power_cut(world, {victim});
        world.settle();
        for (const Submitted& command : commands)
          EXPECT_TRUE(!command.ok() || command.applied_everywhere());
        all_is_well(world);
      }
    }
  }
}

// The leader cannot read the old entries that a follower lacks. That one waits, nobody else notices, and it goes on as
// soon as the disk can be read again.
// scenario: D-04
// hazard: H49
TEST_P(Disks, OldEntriesCannotBeRead) {
  WorldOptions options = nodes(3);
  options.node.raft.log_cache_bytes = 1;
  World world(options);
  world.elect(1);
  world.network().isolate(3);
  for (int i = 0; i < 10; ++i)
    world.submit(1, "x+=" + large);
  world.run_for(milliseconds(200));
  world.checks().expect(NodeId(1), Trouble::storage_fails);
  world.disk(1).fail_all(DiskOp::read, true);
  world.network().heal();
  const std::size_t changes = leader_changes_in(world, milliseconds(900));
  EXPECT_LE(changes, pre_vote() ? 0u : 2u) << "node 3 comes back at a higher term without PreVote";
  world.disk(1).fail_all(DiskOp::read, false);
  world.settle();
  EXPECT_EQ(world.read(3, "x").size(), 10 * large.size());
  all_is_well(world);
}

// The leader's disk is full: commands are refused before anything is written, and taken again once there is room. A
// follower's is full: it takes nothing more and says so; the others go on, and it catches up later.
// scenario: D-04
TEST_P(Disks, AFullDisk) {
  for (const std::uint64_t victim : {1, 2}) {
    SCOPED_TRACE(victim);
    World world(nodes(3));
    world.elect(1);
    world.run_for(milliseconds(100));  // until a next segment is there
    world.checks().expect(NodeId(victim), Trouble::storage_full);
    world.disk(victim).set_capacity(world.disk(victim).used_bytes());
    std::vector<Submitted> commands;
    for (int i = 0; i < 20; ++i) {
      commands.push_back(world.submit(1, "x+=" + large));
      world.run_for(milliseconds(30));  // as long as it takes to find that there is no space for a segment
    }
    EXPECT_EQ(commands.back().error(), victim == 1 ? std::optional(ErrorCode::overloaded) : std::nullopt);
    EXPECT_EQ(world.events_of<StorageFull>(victim).empty(), victim == 1);
    EXPECT_EQ(world.leaderships(), 1u);
    EXPECT_EQ(world.count_of<NodeFailed>(), 0u);

    world.disk(victim).set_capacity(1u << 30);
    world.run_for(seconds(2));  // it looks again from time to time
    EXPECT_TRUE(world.submit(1, "x+=.").applied_everywhere());
    all_is_well(world);
  }
}

// A follower's sync takes ten seconds. Heartbeats go on, the leader commits with the others, and the slow one says
// nothing that is not true.
// scenario: D-05
// hazard: H53
TEST_P(Disks, AFollowersSyncTakesTenSeconds) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.checks().expect(NodeId(3), Trouble::storage_stalls);
  world.disk(3).slow_down(seconds(10));
  const Submitted command = world.submit_async(1, "x=1");
  world.run_until(command.is_answered(), milliseconds(5));
  EXPECT_EQ(leader_changes_in(world, seconds(9)), 0u);
  EXPECT_LT(world.raft(1).status().peers[1].match, command.index());
  EXPECT_FALSE(command.applied(3));
  world.run_for(seconds(2));
  EXPECT_TRUE(command.applied(3)) << "without anybody's help";
  world.disk(3).slow_down({});
  all_is_well(world);
}

// The leader's sync takes ten seconds. Its heartbeats go on; it does not count itself, and with one follower's word alone
// nothing is committed. When its disk has been silent for too long it hands over, and does not campaign until the disk
// moves again.
// scenario: D-05
// hazard: H2
// hazard: H53
TEST_P(Disks, ALeaderWhoseDiskHangsHandsOver) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  const Duration patience = world.raft(1).options().write_stall_timeout;
  world.checks().expect(NodeId(1), Trouble::storage_stalls);
  world.disk(1).hang(true);
  world.hold(append_replies().from(3));
  const Submitted command = world.submit_async(1, "x=1");
  EXPECT_EQ(leader_changes_in(world, patience - milliseconds(10)), 0u);
  EXPECT_FALSE(command.committed()) << "durable on one node of three";

  world.network().clear_rules();
  world.run_until(!node(1).is_leader() && (node(2).is_ready() || node(3).is_ready()), milliseconds(100));
  EXPECT_EQ(world.events_of<SteppedDown>(1).front().reason, StepDownReason::disk_stalled);
  world.fire_timer(1, Timer::election);
  EXPECT_EQ(world.raft(1).role(), RoleName::follower);
  EXPECT_TRUE(world.submit("x=2").ok());
  EXPECT_FALSE(command.answered());

  world.disk(1).hang(false);
  world.run_until(command.is_answered());
  EXPECT_TRUE(command.ok()) << "the new leader had it, and this node has it now";
  EXPECT_EQ(world.leaderships(), 2u);
  all_is_well(world);
}

// A leader's disk hangs and moves again before its patience is over: nothing happened.
// scenario: D-05
TEST_P(Disks, AShortHangIsNoMatter) {
  World world(nodes(3));
  world.elect(1);
  world.settle();
  world.disk(1).hang(true);
  const Submitted command = world.submit_async(1, "x=1");
  world.run_for(seconds(3));
  EXPECT_TRUE(command.committed()) << "by the two others";
  EXPECT_FALSE(command.answered()) << "applied where it is durable";
  world.disk(1).hang(false);
  world.run_until(command.is_answered(), milliseconds(5));
  EXPECT_EQ(world.leaderships(), 1u);
  all_is_well(world);
}

// A bit of an entry is flipped while its node is down. It does not start with that, and says which entry; it is not cut,
// and the others do not need it.
// scenario: D-03
// hazard: H51
TEST_P(Disks, AFlippedBitIsNamed) {
  World world(nodes(3));
  world.elect(1);
  const Submitted command = world.submit("needle=1");
  world.settle();
  world.submit("x=2");
  world.settle();
  world.crash(3);
  for (const std::string& name : world.disk(3).files()) {
    const std::vector<std::byte> bytes = world.disk(3).contents(name);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (const auto at = text.find("needle"); at != std::string_view::npos) world.disk(3).flip(name, at, 0);
  }
  const auto started = world.try_restart(3);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::corrupt);
  EXPECT_THAT(started.error().message, ::testing::HasSubstr(std::to_string(command.index().value())));
  EXPECT_TRUE(world.submit("x=3").ok());
  all_is_well(world);
}

}  // namespace
}  // namespace keel::sim::test
