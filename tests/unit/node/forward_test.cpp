#include "cluster.hpp"
#include "node/forwards.hpp"

namespace keel::test {
namespace {

TEST(Forward, AFollowersCommandIsAnsweredByItsOwnMachine) {  // scenario: C-01
  TestCluster cluster(3);
  cluster.elect(1);
  std::optional<LogPosition> appended;
  SubmitOptions options;
  options.appended = [&](LogPosition position) { appended = position; };
  const auto command = cluster.submit(2, "x", std::move(options));
  cluster.run();
  ASSERT_TRUE(command->ok()) << command->text();
  EXPECT_EQ(command->result->value().reply, "ok x");
  ASSERT_TRUE(appended.has_value());
  EXPECT_EQ(*appended, command->result->value().position);
  EXPECT_EQ(cluster.node(2).status().commands_waiting, 0u);
}

TEST(Forward, TheCallerIsAnsweredOnlyWhenItsOwnNodeHasApplied) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.machine(2).manual = true;
  const auto command = cluster.submit(2, "x");
  cluster.run();
  EXPECT_EQ(cluster.machine(1).commands(), std::vector<std::string>{"x"});
  EXPECT_EQ(command->times, 0);
  cluster.machine(2).answer();
  cluster.run();
  EXPECT_TRUE(command->ok()) << command->text();
}

// The network repeats every message: each command is still appended once.
TEST(Forward, WhatTheNetworkRepeatsIsAppendedOnce) {  // hazard: H59, scenario: X-01
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.network.twice = [](const PeerMessage&) { return true; };
  std::vector<Command1> commands;
  for (int i = 0; i < 50; ++i) {
    commands.push_back(cluster.submit(2, std::to_string(i)));
    commands.push_back(cluster.submit(3, std::to_string(i)));
    if (i % 7 == 0) cluster.run();
  }
  cluster.run();
  cluster.executor.advance(1s);
  for (const auto& command : commands)
    EXPECT_TRUE(command->ok()) << command->text();
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_EQ(cluster.machine(id).seen.size(), 100u) << id;
}

// A copy that comes after the leader has lost its role and won it back is of another term.
TEST(Forward, ALateCopyIsNotAppendedInALaterTerm) {  // hazard: H59
  TestCluster cluster(3);
  cluster.elect(1);
  PeerMessage copy;
  cluster.network.hold = [&](const PeerMessage& m) {
    if (is_forward(m)) copy = m;
    return false;
  };
  const auto command = cluster.submit(2, "x");
  cluster.run();
  ASSERT_TRUE(command->ok()) << command->text();
  cluster.crash(1);  // forgets what it has seen
  cluster.start(1);
  cluster.executor.advance(200ms);
  cluster.elect(1);
  cluster.executor.advance(200ms);
  cluster.network.deliver(copy);
  cluster.executor.advance(200ms);
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_EQ(cluster.machine(id).seen.size(), 1u) << id;
}

TEST(Forward, ALostRequestTimesOutAtItsDeadline) {  // mission: 5
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.network.lose = is_forward;
  const auto command = cluster.submit(2, "x", {.deadline = cluster.executor.now() + 300ms});
  const auto patient = cluster.submit(2, "y");
  cluster.executor.advance(300ms);
  EXPECT_EQ(command->code(), ErrorCode::timed_out);
  EXPECT_EQ(patient->times, 0);
  cluster.executor.advance(10s);
  EXPECT_EQ(patient->code(), ErrorCode::timed_out) << "no caller waits for ever: hazard H57";
  EXPECT_EQ(cluster.node(2).status().commands_waiting, 0u);
}

TEST(Forward, ALostReplyCostsNothing) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.network.lose = is_forward_reply;
  std::optional<LogPosition> appended;
  SubmitOptions options;
  options.appended = [&](LogPosition position) { appended = position; };
  const auto command = cluster.submit(2, "x", std::move(options));
  cluster.run();
  ASSERT_TRUE(command->ok()) << command->text();
  EXPECT_EQ(appended, command->result->value().position) << "told before the answer all the same";
}

// Whatever was lost, an entry of a later term proves that the command will never apply.
TEST(Forward, ALostRequestIsDiscardedOnceALaterTermHasBegun) {  // hazard: H57
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.network.lose = is_forward;
  const auto command = cluster.submit(2, "x");
  cluster.run();
  cluster.network.heal();
  const auto moved = cluster.transfer(1, 3);
  cluster.run();
  ASSERT_TRUE(moved->ok()) << moved->text();
  EXPECT_EQ(command->code(), ErrorCode::discarded) << command->text();
}

TEST(Forward, ALeaderThatDiesWithTheCommandLeavesItDiscarded) {  // scenario: C-16
  TestCluster cluster(3);
  cluster.elect(1);
  // The leader appends it, tells so, and reaches nobody else.
  cluster.network.lose = is<AppendRequest>;
  const auto command = cluster.submit(2, "x");
  cluster.run();
  EXPECT_EQ(cluster.log(1).entries().back().kind, EntryKind::command);
  cluster.crash(1);
  cluster.network.heal();
  cluster.executor.advance(5s);
  EXPECT_EQ(command->code(), ErrorCode::discarded) << command->text();
  cluster.start(1);
  cluster.executor.advance(1s);
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_TRUE(cluster.machine(id).seen.empty()) << id;
}

TEST(Forward, ACommandSentToTheReturningExLeaderIsRedirected) {  // scenario: C-06
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.network.isolate(NodeId(1));
  cluster.executor.advance(5s);
  cluster.network.heal();
  cluster.executor.advance(500ms);
  ASSERT_NE(cluster.node(1).raft().role(), RoleName::leader);
  const auto redirected = cluster.submit(1, "redirected", {.forward = false});
  const auto forwarded = cluster.submit(1, "forwarded");
  cluster.run();
  EXPECT_EQ(redirected->code(), ErrorCode::not_leader);
  EXPECT_TRUE(forwarded->ok()) << forwarded->text();
}

TEST(Forward, ATransportMaySubmitMoreWhileItIsHandedWhatIsForwarded) {
  TestCluster cluster(3);
  cluster.elect(1);
  std::vector<Command1> commands{cluster.submit(2, "first"), cluster.submit(2, "second")};
  cluster.transport(2).in_send = [&](const PeerMessage& message) {
    for (int i = 0; i < 10 && is_forward(message) && commands.size() < 100; ++i)
      commands.push_back(cluster.submit(2, "more"));
  };
  cluster.run();
  EXPECT_GE(commands.size(), 100u);
  for (const auto& command : commands)
    EXPECT_TRUE(command->ok()) << command->text();
}

TEST(Forward, ARequestThatReachesANodeThatDoesNotLeadIsNotAppended) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.network.hold = is_forward;
  const auto command = cluster.submit(2, "x");
  cluster.run();
  ASSERT_EQ(cluster.network.held.size(), 1u);
  cluster.network.hold = nullptr;
  cluster.node(1).step_down();
  cluster.network.deliver_held();
  // The refusal comes before the next leader has committed anything.
  cluster.network.lose = [](const PeerMessage& m) { return is<AppendRequest>(m); };
  cluster.run();
  EXPECT_TRUE(command->code() == ErrorCode::no_leader || command->code() == ErrorCode::not_leader) << command->text();
}

// Whatever arrives in one turn, a transport is handed no more than it can queue; what is refused was not appended.
TEST(Forward, WhatIsOnItsWayIsBoundedInBytes) {
  TestCluster cluster(3, [](NodeOptions& options) { options.max_forwarded_bytes = 1000; });
  cluster.elect(1);
  const auto submit_ten = [&](std::optional<Instant> deadline) {
    std::vector<Command1> commands;
    for (int i = 0; i < 10; ++i)
      commands.push_back(cluster.submit(2, std::string(300, 'x'), {.deadline = deadline}));
    return commands;
  };
  const auto ended = [](const std::vector<Command1>& commands, std::optional<ErrorCode> how) {
    return std::ranges::count_if(commands, [&](const Command1& one) { return one->times == 1 && one->code() == how; });
  };
  for (int round = 0; round < 2; ++round) {
    const auto commands = submit_ten({});
    cluster.run();
    EXPECT_EQ(ended(commands, {}), 3) << "answered, so there is room again";
    EXPECT_EQ(ended(commands, ErrorCode::overloaded), 7);
  }
  EXPECT_EQ(cluster.machine(2).seen.size(), 6u);
  cluster.log(1).room = 0;
  const auto refused = submit_ten({});
  cluster.run();
  EXPECT_EQ(ended(refused, ErrorCode::overloaded), 10) << "three by the leader";
  cluster.log(1).room = 1u << 30;
  cluster.network.lose = is_forward;
  const auto lost = submit_ten(cluster.executor.now() + 100ms);
  cluster.executor.advance(100ms);
  EXPECT_EQ(ended(lost, ErrorCode::timed_out), 3);
  cluster.network.heal();
  const auto again = submit_ten({});
  cluster.run();
  EXPECT_EQ(ended(again, {}), 3);
  const auto large = cluster.submit(2, std::string(5000, 'y'));
  const auto beside = cluster.submit(2, "z");
  cluster.run();
  EXPECT_TRUE(large->ok()) << "alone it always fits: " << large->text();
  EXPECT_EQ(beside->code(), ErrorCode::overloaded) << beside->text();
}

// A restarted node cannot know what it appended before: it refuses nothing that it may have taken.
TEST(Forward, ARestartedLeaderDoesNotClaimToHaveAppendedNothing) {  // hazard: H59
  TestCluster cluster(3);
  cluster.elect(1);
  PeerMessage copy;
  cluster.network.lose = [&](const PeerMessage& m) {
    if (is_forward(m)) copy = m;
    return is_forward_reply(m) || (m.from == NodeId(1) && is<AppendRequest>(m) && m.to == NodeId(2));
  };
  const auto command = cluster.submit(2, "x");  // appended at 1 and 3, unknown at 2
  cluster.run();
  EXPECT_EQ(command->times, 0);
  cluster.crash(1);
  cluster.start(1);
  cluster.network.heal();
  cluster.network.deliver(copy);
  cluster.run();
  EXPECT_EQ(command->times, 0) << command->text();
  cluster.executor.advance(5s);
  EXPECT_TRUE(command->ok()) << command->text();
  for (std::uint64_t id : {1, 2, 3})
    EXPECT_EQ(cluster.machine(id).seen.size(), 1u) << id;
}

TEST(Forward, StrangersAreNotServed) {
  TestCluster cluster(3);
  cluster.elect(1);
  ForwardRequest request;
  request.tag = 1;
  cluster.node(1).receive({GroupId(), NodeId(9), NodeId(1), request});
  cluster.run();
  EXPECT_TRUE(cluster.machine(1).seen.empty());
  EXPECT_EQ(cluster.node(1).status().rejected[static_cast<std::size_t>(RejectReason::stranger)], 1u);
}

TEST(Forward, RefusalsOfTheLeaderComeBackAsTheyAre) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.log(1).room = 0;
  const auto command = cluster.submit(2, "x");
  cluster.run();
  EXPECT_EQ(command->code(), ErrorCode::overloaded);
}

TEST(SeenForwards, KnowsARepeatedTagAndAFreshOne) {
  SeenForwards seen;
  const std::uint64_t run = std::uint64_t{5} << forward_count_bits;
  for (std::uint64_t n : {1, 2, 3, 10, 7})
    EXPECT_TRUE(seen.first_time(NodeId(1), run + n)) << n;
  for (std::uint64_t n : {1, 2, 3, 10, 7})
    EXPECT_FALSE(seen.first_time(NodeId(1), run + n)) << n;
  EXPECT_TRUE(seen.first_time(NodeId(2), run + 1)) << "another node";
  EXPECT_TRUE(seen.first_time(NodeId(1), (std::uint64_t{6} << forward_count_bits) + 1)) << "another run";
  EXPECT_FALSE(seen.first_time(NodeId(1), run + 1)) << "the runs do not disturb each other";
}

TEST(SeenForwards, WhatHasFallenOutOfTheWindowCountsAsSeen) {
  SeenForwards seen;
  EXPECT_TRUE(seen.first_time(NodeId(1), 1));
  EXPECT_TRUE(seen.first_time(NodeId(1), 1 + SeenForwards::window));
  EXPECT_FALSE(seen.first_time(NodeId(1), 1)) << "repeated";
  EXPECT_TRUE(seen.first_time(NodeId(1), 2)) << "late, within the window";
  EXPECT_TRUE(seen.first_time(NodeId(1), 10 * SeenForwards::window));
  EXPECT_FALSE(seen.first_time(NodeId(1), 3)) << "cannot be told any more";
  for (std::uint64_t n = 9 * SeenForwards::window + 1; n < 10 * SeenForwards::window; ++n) {
    EXPECT_TRUE(seen.first_time(NodeId(1), n)) << n;
  }
  for (std::uint64_t n = 9 * SeenForwards::window + 1; n < 10 * SeenForwards::window; ++n) {
    EXPECT_FALSE(seen.first_time(NodeId(1), n)) << n;
  }
}

}  // namespace
}  // namespace keel::test
