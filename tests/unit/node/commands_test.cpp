#include "node/commands.hpp"

#include "cluster.hpp"

namespace keel::test {
namespace {

constexpr LogPosition at(std::uint64_t term, std::uint64_t index) { return {Term(term), Index(index)}; }

class CommandsTest : public testing::Test {
 protected:
  std::shared_ptr<Ended<Applied>> add(LogPosition position, std::optional<Instant> deadline = {}) {
    auto ended = std::make_shared<Ended<Applied>>();
    commands.add({position, record(ended), nullptr, deadline});
    return ended;
  }
  void apply(LogPosition position, std::optional<std::string> reply = std::string("ok")) {
    commands.applied(position, reply ? &*reply : nullptr, drain);
    drain.run();
  }
  Commands commands;
  Drain drain;
};

TEST_F(CommandsTest, TheSameTermAtTheIndexMeansApplied) {
  const auto a = add(at(2, 5));
  const auto b = add(at(2, 7));
  apply(at(2, 4), std::nullopt);
  EXPECT_EQ(a->times + b->times, 0);
  apply(at(2, 5));
  EXPECT_TRUE(a->ok());
  EXPECT_EQ(b->times, 0);
  apply(at(2, 6));  // a command of another node's caller
  apply(at(2, 7));
  EXPECT_TRUE(b->ok());
  EXPECT_EQ(commands.places(), 0u);
}

TEST_F(CommandsTest, AnotherTermAtTheIndexMeansDiscarded) {
  const auto a = add(at(3, 5));
  apply(at(2, 5));  // an older one, committed by a later leader: scenario C-16b, the other way round
  EXPECT_EQ(a->code(), ErrorCode::discarded);
}

TEST_F(CommandsTest, ALaterTermBeforeTheIndexMeansDiscarded) {
  const auto a = add(at(2, 5));
  const auto b = add(at(2, 900));
  const auto c = add(at(4, 901));
  apply(at(3, 5), std::nullopt);
  EXPECT_EQ(a->code(), ErrorCode::discarded);
  EXPECT_EQ(b->code(), ErrorCode::discarded);
  EXPECT_EQ(c->times, 0);
}

// The node lost its tail, and leads again with a shorter log: two of its commands wait for the same index.
TEST_F(CommandsTest, NewerCommandsDisplaceOlderOnesWhichStillWait) {
  const auto old5 = add(at(2, 5));
  const auto old6 = add(at(2, 6));
  const auto old7 = add(at(2, 7), Instant(5s));
  const auto new6 = add(at(4, 6));
  const auto new7 = add(at(4, 7));
  EXPECT_EQ(commands.size(), 5u);
  apply(at(2, 5));
  EXPECT_TRUE(old5->ok());
  EXPECT_EQ(old6->times + old7->times + new6->times, 0);
  commands.expire(Instant(6s), drain);
  drain.run();
  EXPECT_EQ(old7->code(), ErrorCode::timed_out);
  apply(at(4, 6));
  EXPECT_EQ(old6->code(), ErrorCode::discarded);
  EXPECT_TRUE(new6->ok());
  apply(at(4, 7));
  EXPECT_TRUE(new7->ok());
  EXPECT_EQ(commands.size(), 0u);
  EXPECT_EQ(commands.places(), 0u);
}

TEST_F(CommandsTest, ADisplacedCommandMayApplyAfterAll) {
  const auto old6 = add(at(2, 6));
  const auto new6 = add(at(4, 6));
  apply(at(2, 6));
  EXPECT_TRUE(old6->ok()) << old6->text();
  EXPECT_EQ(new6->code(), ErrorCode::discarded);
}

TEST_F(CommandsTest, AtTheEndTheUnsentAreToldApart) {
  const auto sent = add(at(2, 5));
  const auto unsent = add(at(2, 6));
  commands.end_all(at(2, 5), {ErrorCode::stopping, ""}, {ErrorCode::leadership_lost, ""}, drain);
  drain.run();
  EXPECT_EQ(sent->code(), ErrorCode::leadership_lost);
  EXPECT_EQ(unsent->code(), ErrorCode::stopping);
  EXPECT_EQ(commands.places(), 0u);
}

// A leader that cannot commit, and callers that give up: nothing of theirs is kept.
TEST_F(CommandsTest, AMillionExpiredCommandsLeakNothing) {  // mission: 5
  std::size_t ended = 0;
  std::size_t most = 0;
  std::uint64_t index = 1;
  Instant now{};
  const auto context = std::make_shared<int>(1);
  for (int wave = 0; wave < 1000; ++wave) {
    for (int i = 0; i < 1000; ++i) {
      commands.add(
          {at(2, ++index), [&](Result<Applied>) { ++ended; }, context, now + std::chrono::microseconds(i + 1)});
    }
    now += 1ms;
    commands.expire(now, drain);
    drain.run();
    most = std::max(most, commands.places());
  }
  EXPECT_EQ(ended, 1'000'000u);
  EXPECT_EQ(commands.size(), 0u);
  EXPECT_EQ(context.use_count(), 1);
  EXPECT_LT(most, 5000u);
}

// The usual case: far deadlines, and answers long before them.
TEST_F(CommandsTest, DeadlinesOfAnsweredCommandsAreForgotten) {
  std::size_t most = 0;
  for (std::uint64_t i = 1; i <= 1'000'000; ++i) {
    commands.add({at(2, i), [](Result<Applied>) {}, nullptr, Instant(std::chrono::hours(1)) + Duration(i)});
    if (i % 64 != 0) continue;
    for (std::uint64_t j = i - 63; j <= i; ++j) {
      Reply reply = "ok";
      commands.applied(at(2, j), &reply, drain);
    }
    drain.run();
    most = std::max(most, commands.places());
  }
  EXPECT_EQ(commands.size(), 0u);
  EXPECT_LT(most, 1000u);
}

TEST(Node, AMillionExpiredCommandsOfAClientLeakNothing) {  // mission: 5, scenario: C-20
  TestCluster cluster(3, [](NodeOptions& options) {
    options.raft.check_quorum = false;  // it leads on, heard by nobody
    options.raft.stickiness = false;
  });
  cluster.elect(1);
  cluster.network.isolate(NodeId(1));
  std::size_t timed_out = 0;
  std::size_t refused = 0;
  for (int wave = 0; wave < 200; ++wave) {
    for (int i = 0; i < 5000; ++i) {
      cluster.node(1).submit(bytes_of("x"), {.deadline = cluster.executor.now() + 1ms}, [&](Result<Applied> result) {
        ++(result.error().code == ErrorCode::timed_out ? timed_out : refused);
      });
    }
    cluster.executor.advance(1ms);
    ASSERT_EQ(cluster.node(1).status().commands_waiting, 0u);
  }
  EXPECT_EQ(timed_out + refused, 1'000'000u);
  EXPECT_GE(timed_out, 900'000u);
}

}  // namespace
}  // namespace keel::test
