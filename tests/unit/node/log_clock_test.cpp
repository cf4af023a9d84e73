#include "cluster.hpp"
#include "keel/wire/envelope.hpp"

namespace keel::test {
namespace {

// A store that answers slowly, a node that leads before it has read the log's end, and a wall clock that is behind the
// log: nothing may be stamped with a time before the log's own.
TEST(LogClock, NothingIsStampedBeforeTheLogsTimeIsKnown) {
  TestCluster cluster(1);
  cluster.elect(1);
  cluster.clock.wall_ahead = 2h;
  cluster.submit(1, "x");
  cluster.run();
  const auto time_of_last = [&] { return wire::envelope_of(cluster.log(1).entries().back().payload).wall_time; };
  const WallTime before = time_of_last();
  ASSERT_GT(before, WallTime{});

  cluster.crash(1);
  cluster.clock.wall_ahead = 1h;
  cluster.log(1).hold_reads = true;
  cluster.start(1);
  cluster.run();
  cluster.node(1).expire(Timer::election);
  cluster.run();
  ASSERT_EQ(cluster.node(1).raft().role(), RoleName::leader);
  ASSERT_EQ(cluster.log(1).entries().back().kind, EntryKind::term_start);
  EXPECT_EQ(time_of_last(), WallTime{}) << "none";
  const auto early = cluster.submit(1, "y");
  cluster.run();
  EXPECT_EQ(early->code(), ErrorCode::no_leader) << early->text();

  cluster.log(1).finish_reads();
  cluster.run();
  const auto command = cluster.submit(1, "y");
  cluster.run();
  EXPECT_TRUE(command->ok()) << command->text();
  EXPECT_GE(time_of_last(), before);
}

}  // namespace
}  // namespace keel::test
