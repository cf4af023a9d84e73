#include "cluster.hpp"
#include "keel/wire/envelope.hpp"
#include "keel/wire/frame.hpp"

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

// A command with the time of a clock that is ahead, and behind it, in the same message, the term start of a leader that
// did not know the log's time yet. Who leads after that must not go back behind the command's time.
TEST(LogClock, SeesTheTimeOfEachEntryOfAMessage) {
  TestCluster cluster(3);
  const WallTime ahead = cluster.clock.wall_now() + 1h;
  const auto entry = [&](Index index, Term term, EntryKind kind, WallTime time) {
    Entry made{index, term, kind, Payload::copy_of(bytes_of(kind == EntryKind::command ? "x" : ""))};
    wire::set_envelope(made.payload, {.wall_time = time});
    wire::frame(made, cluster.genesis.cluster_id(), GroupId());
    return made;
  };
  const Message append{GroupId(), NodeId(1), NodeId(2), Term(2),
                       AppendRequest{.previous = {cluster.log(2).entries().back().term, Index(1)},
                                     .commit = Index(1),
                                     .entries = {entry(Index(2), Term(1), EntryKind::command, ahead),
                                                 entry(Index(3), Term(2), EntryKind::term_start, {})}}};
  cluster.node(2).receive({GroupId(), NodeId(1), NodeId(2), append});
  cluster.run();
  ASSERT_EQ(cluster.log(2).entries().size(), 3u);
  cluster.elect(2);
  EXPECT_GE(wire::envelope_of(cluster.log(2).entries().back().payload).wall_time, ahead);
}

}  // namespace
}  // namespace keel::test
