#include "cluster.hpp"

namespace keel::test {
namespace {

TEST(Start, RefusesOptionsThatDoNotFitByName) {
  TestCluster cluster(1);
  cluster.crash(1);
  const NodeOptions good = cluster.servers[1].options;
  const auto refused = [&](const std::function<void(NodeOptions&)>& spoil) {
    cluster.servers[1].options = good;
    spoil(cluster.servers[1].options);
    const auto started = cluster.try_start(1);
    return started ? std::string() : std::string(to_string(started.error().code)) + " " + started.error().message;
  };
  EXPECT_TRUE(refused([](NodeOptions& o) { o.max_apply_bytes = 0; }).starts_with("invalid max_apply_bytes"));
  EXPECT_TRUE(refused([](NodeOptions& o) { o.max_waiting_reads = 0; }).starts_with("invalid max_waiting_reads"));
  EXPECT_TRUE(refused([](NodeOptions& o) { o.raft.max_entry_bytes = 1u << 30; }).starts_with("invalid"));
  EXPECT_TRUE(refused([](NodeOptions& o) { o.raft.election_timeout = {}; }).starts_with("invalid"));
  EXPECT_FALSE(cluster.log(1).is_open());
  EXPECT_EQ(refused([](NodeOptions&) {}), "");
}

// One server, with nothing in its log.
struct Fresh {
  TestExecutor executor;
  FakeNetwork network{executor, ClusterId(1)};
  FakeLog log{executor};
  FakeMachine machine;
  FakeTransport transport{network, NodeId(1)};
  Genesis genesis = make_genesis("fresh", {{.id = NodeId(1), .address = "here:1"}});

  [[nodiscard]] static NodeOptions options() { return {.raft = {.id = NodeId(1), .seed = 7}}; }
  Pilot pilot() { return {.transport = transport, .log = log, .machine = machine}; }
  Result<std::unique_ptr<Node>> start() { return Node::start(options(), pilot(), executor); }
  Result<std::unique_ptr<Node>> bootstrap() { return Node::bootstrap(genesis, options(), pilot(), executor); }
  // Nothing: it started.
  static std::optional<ErrorCode> code(const Result<std::unique_ptr<Node>>& node) {
    return node ? std::nullopt : std::optional(node.error().code);
  }
};

TEST(Start, AnEmptyLogWantsToBeBootstrapped) {
  Fresh fresh;
  EXPECT_EQ(Fresh::code(fresh.start()), ErrorCode::not_found);
  EXPECT_FALSE(fresh.log.is_open());
}

TEST(Start, APartThatThrowsRefusesTheStart) {
  Fresh fresh;
  fresh.log.bootstrap(fresh.genesis);
  fresh.log.throws = true;
  const auto opened = fresh.start();
  ASSERT_EQ(Fresh::code(opened), ErrorCode::failed);
  EXPECT_EQ(opened.error().message, "the log store threw when opened: a store that throws");
  fresh.log.throws = false;

  fresh.transport.throws = true;
  const auto attached = fresh.start();
  ASSERT_EQ(Fresh::code(attached), ErrorCode::failed);
  EXPECT_TRUE(attached.error().message.ends_with("a transport that throws")) << attached.error().message;
  EXPECT_FALSE(fresh.log.is_open());
  fresh.transport.throws = false;

  EXPECT_EQ(Fresh::code(fresh.start()), std::nullopt);
}

TEST(Start, ClosesTheLogThatItHasOpened) {
  Fresh fresh;
  NodeOptions unfit = Fresh::options();
  unfit.max_apply_bytes = 0;
  EXPECT_EQ(Fresh::code(Node::start(unfit, fresh.pilot(), fresh.executor)), ErrorCode::invalid);
  EXPECT_EQ(fresh.log.opened, 0u) << "options are looked at first";
  fresh.log.fail_open = Error{ErrorCode::locked, "another process has it"};
  EXPECT_EQ(Fresh::code(fresh.start()), ErrorCode::locked);
  EXPECT_EQ(fresh.log.closed, 0u) << "what was not opened";
  fresh.log.fail_open.reset();
  EXPECT_EQ(Fresh::code(fresh.start()), ErrorCode::not_found);
  EXPECT_EQ(fresh.log.closed, 1u);
}

// A store that nobody would ever write to must not look like one that is in use.
TEST(Start, RefusesASnapshotStoreUntilThereAreSnapshots) {
  class Snapshots final : public SnapshotStore {
    Result<std::vector<SnapshotInfo>> list() override { return {}; }
    void save(LogBase, std::unique_ptr<SnapshotSource>, Completion<SnapshotInfo>) override {}
    Result<std::unique_ptr<SnapshotSource>> open(Index) override { return {}; }
    void drop(Index, Completion<void>) override {}
  } snapshots;
  Fresh fresh;
  Pilot pilot = fresh.pilot();
  pilot.snapshots = &snapshots;
  EXPECT_EQ(Fresh::code(Node::bootstrap(fresh.genesis, Fresh::options(), pilot, fresh.executor)),
            ErrorCode::unsupported);
  EXPECT_EQ(fresh.log.opened, 0u);
}

// mission: 4y.1
TEST(Bootstrap, GivesAnEmptyLogItsFirstEntryAndServesAtOnce) {
  Fresh fresh;
  {
    auto node = fresh.bootstrap();
    ASSERT_TRUE(node.has_value()) << node.error().message;
    fresh.executor.run_ready();
    ASSERT_EQ(fresh.transport.known.size(), 1u);
    EXPECT_EQ(fresh.transport.known[0].address, "here:1");
    std::string reply;
    (*node)->expire(Timer::election);
    fresh.executor.run_ready();
    (*node)->submit(bytes_of("x"), {},
                    [&](Result<Applied> result) { reply = result ? "done" : result.error().message; });
    fresh.executor.run_ready();
    EXPECT_EQ(reply, "done");
  }
  ASSERT_EQ(fresh.log.entries().size(), 3u);
  const Entry& first = fresh.log.entries()[0];
  EXPECT_EQ(decode_genesis(first.payload.bytes()).value(), fresh.genesis);
  EXPECT_EQ(wire::decode_header(first.payload.frame()).value().cluster, fresh.genesis.cluster_id());
}

TEST(Bootstrap, IsDoneOnce) {
  Fresh fresh;
  {
    const auto node = fresh.bootstrap();
    fresh.executor.run_ready();
    ASSERT_TRUE(node.has_value());
  }
  EXPECT_EQ(Fresh::code(fresh.bootstrap()), ErrorCode::exists);
  EXPECT_FALSE(fresh.log.is_open());
  EXPECT_EQ(Fresh::code(fresh.start()), std::nullopt);
}

// The power may go between the first term and the first entry; a vote is another matter.
TEST(Bootstrap, IsForALogThatHasPromisedNothing) {
  Fresh fresh;
  fresh.log.lose_all_but({Term(3), NodeId(2)});
  EXPECT_EQ(Fresh::code(fresh.bootstrap()), ErrorCode::exists);
  fresh.log.lose_all_but({Term(1), nobody});
  EXPECT_EQ(Fresh::code(fresh.bootstrap()), std::nullopt);
}

TEST(Bootstrap, RefusesAGenesisThatIsNone) {
  Fresh fresh;
  fresh.genesis = {};
  EXPECT_EQ(Fresh::code(fresh.bootstrap()), ErrorCode::invalid);
  EXPECT_EQ(fresh.log.writes, 0u);
  EXPECT_FALSE(fresh.log.is_open());
}

TEST(Start, TellsTheTransportWhoThereIs) {
  TestCluster cluster(3);
  ASSERT_EQ(cluster.transport(1).known.size(), 3u);
  EXPECT_EQ(cluster.transport(1).known[2].address, "10.0.0.3:7100");
}

TEST(Fail, AFailedWriteStopsTheNodeForGood) {  // hazard: H50
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.log(1).mode = FakeLog::Mode::manual;
  const auto sent = cluster.submit(1, "in the log");
  cluster.run();
  const auto unsent = cluster.submit(1, "not yet");
  const auto read = cluster.read(1);
  cluster.log(1).fail_writes = Error{ErrorCode::overloaded, "fdatasync of log.7: No space left on device"};
  cluster.log(1).finish_one();
  cluster.network.log = true;
  cluster.run();
  EXPECT_EQ(sent->code(), ErrorCode::storage_failed) << sent->text();
  EXPECT_EQ(outcome_of(*sent->code()), Outcome::unknown);
  EXPECT_EQ(unsent->code(), ErrorCode::stopping) << unsent->text();
  EXPECT_EQ(read->code(), ErrorCode::failed) << read->text();
  const NodeStatus status = cluster.node(1).status();
  EXPECT_EQ(status.state, NodeState::failed);
  EXPECT_EQ(status.failure->code, ErrorCode::storage_failed) << "whatever the store calls it";
  EXPECT_NE(status.failure->message.find("fdatasync of log.7"), std::string::npos);
  EXPECT_EQ(cluster.observer(1).count("NodeFailed"), 1u);

  const std::uint64_t writes = cluster.log(1).writes;
  const auto later = cluster.submit(1, "later");
  cluster.executor.advance(20s);
  EXPECT_EQ(later->code(), ErrorCode::stopping);
  EXPECT_EQ(cluster.log(1).writes, writes);
  const auto said =
      std::ranges::count_if(cluster.network.sent, [](const PeerMessage& m) { return m.from == NodeId(1); });
  EXPECT_EQ(said, 0) << "nothing is sent any more";
  // The others go on without it.
  const NodeId leader = cluster.node(2).raft().leader();
  ASSERT_TRUE(leader == NodeId(2) || leader == NodeId(3));
  // A new node on the same data is the way out.
  cluster.log(1).fail_writes.reset();
  cluster.log(1).mode = FakeLog::Mode::posted;
  cluster.crash(1);
  cluster.start(1);
  cluster.executor.advance(1s);
  EXPECT_EQ(cluster.node(1).status().raft.leader, leader);
}

TEST(Fail, AFailedWriteInsideWriteItselfIsNoDifferent) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.log(1).mode = FakeLog::Mode::at_once;
  cluster.log(1).fail_writes = Error{ErrorCode::io, "no"};
  cluster.network.log = true;
  const auto command = cluster.submit(1, "x");
  cluster.run();
  EXPECT_EQ(command->code(), ErrorCode::storage_failed) << command->text();
  for (const PeerMessage& message : cluster.network.sent) {
    if (message.from != NodeId(1)) continue;
    const MessageBody& body = std::get<Message>(message.body).body;
    EXPECT_TRUE(std::holds_alternative<AppendRequest>(body) || std::holds_alternative<Heartbeat>(body))
        << name_of(body);
  }
}

TEST(Fail, AFollowersFailedWriteAcknowledgesNothing) {  // hazard: H12, H50
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.network.lose = [](const PeerMessage& m) { return m.to == NodeId(3) || m.from == NodeId(3); };
  cluster.log(2).fail_writes = Error{ErrorCode::io, "no"};
  const auto command = cluster.submit(1, "x");
  cluster.executor.advance(300ms);
  EXPECT_EQ(command->times, 0);
  EXPECT_EQ(cluster.node(2).status().state, NodeState::failed);
  EXPECT_TRUE(cluster.machine(1).seen.empty());
}

TEST(Fail, TwoLeadersInATermStopTheNodeThatSeesThem) {
  TestCluster cluster(3);
  cluster.elect(1);
  const Term term = cluster.node(1).raft().term();
  const auto command = cluster.submit(1, "x");
  cluster.node(1).receive({GroupId(), NodeId(2), NodeId(1),
                           Message{GroupId(), NodeId(2), NodeId(1), term, Heartbeat{.commit = {}, .round = 1}}});
  cluster.run();
  EXPECT_EQ(cluster.node(1).status().state, NodeState::failed);
  EXPECT_EQ(command->times, 1) << command->text();
  const auto told = cluster.observer(1).told();
  EXPECT_TRUE(told.back().starts_with("NodeFailed")) << told.back();
  EXPECT_TRUE(told[told.size() - 2].starts_with("ProtocolViolation")) << told[told.size() - 2];
  EXPECT_EQ(cluster.node(1).recent_errors().size(), 2u);
}

TEST(Fail, AThrowingTransportOnlyLosesMessages) {
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.transport(1).throws = true;
  const auto command = cluster.submit(1, "x");
  cluster.run();
  EXPECT_EQ(cluster.node(1).status().state, NodeState::running);
  EXPECT_GT(cluster.node(1).status().caught_exceptions, 0u);
  cluster.transport(1).throws = false;
  cluster.executor.advance(500ms);
  EXPECT_TRUE(command->ok()) << command->text();
}

TEST(Fail, AStoreThatThrowsWhenAskedForItsRoomEndsTheNodeAndNotItsCaller) {
  TestCluster cluster(3);
  cluster.elect(1);
  const auto sent = cluster.submit(1, "x");
  cluster.run();
  ASSERT_TRUE(sent->ok()) << sent->text();
  cluster.log(1).throws = true;
  const auto command = cluster.submit(1, "y");
  const auto next = cluster.submit(1, "z");
  cluster.run();
  cluster.log(1).throws = false;
  EXPECT_EQ(command->code(), ErrorCode::stopping) << command->text();
  EXPECT_EQ(next->code(), ErrorCode::stopping) << next->text();
  EXPECT_EQ(cluster.node(1).status().state, NodeState::failed);
}

// A follower without room lets entries go as if the network had lost them, goes on voting, and comes back.
TEST(Fail, AFullFollowerTakesNothingAndRecovers) {  // scenario: D-04
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.log(2).room = 100;
  const std::uint64_t writes = cluster.log(2).writes;
  std::vector<Command1> commands;
  for (int i = 0; i < 10; ++i) {
    commands.push_back(cluster.submit(1, "x"));
    cluster.executor.advance(300ms);
  }
  for (const auto& command : commands)
    EXPECT_TRUE(command->ok()) << command->text();
  EXPECT_EQ(cluster.log(2).writes, writes);
  EXPECT_EQ(cluster.observer(2).count("StorageFull yes"), 1u);
  EXPECT_EQ(cluster.node(2).raft().leader(), NodeId(1));
  cluster.log(2).room = 1u << 30;
  cluster.executor.advance(1s);
  EXPECT_EQ(cluster.observer(2).count("StorageFull no"), 1u);
  EXPECT_EQ(cluster.machine(2).seen.size(), 10u);
}

TEST(Transfer, EndsWhenAnotherLeadsOrItIsKnownToHaveFailed) {  // scenario: E-13, E-15
  TestCluster cluster(3);
  cluster.elect(1);
  const auto to_self = cluster.transfer(1, 1);
  const auto to_stranger = cluster.transfer(1, 9);
  const auto elsewhere = cluster.transfer(2, 3);
  cluster.run();
  EXPECT_EQ(to_self->code(), ErrorCode::invalid);
  EXPECT_EQ(to_stranger->code(), ErrorCode::invalid);
  EXPECT_EQ(elsewhere->code(), ErrorCode::not_leader);

  cluster.network.isolate(NodeId(3));
  const auto unreachable = cluster.transfer(1, 3);
  const auto refused = cluster.submit(1, "x");
  cluster.executor.advance(1s);
  EXPECT_EQ(unreachable->code(), ErrorCode::timed_out) << unreachable->text();
  EXPECT_EQ(refused->code(), ErrorCode::no_leader) << "not while leadership is handed over";
  const auto taken = cluster.submit(1, "y");
  cluster.run();
  EXPECT_TRUE(taken->ok()) << taken->text();

  const auto replaced = cluster.transfer(1, 3);
  const auto moved = cluster.transfer(1, 2);
  const auto again = cluster.transfer(1, 2);
  cluster.executor.advance(100ms);
  EXPECT_EQ(replaced->code(), ErrorCode::invalid) << replaced->text();
  EXPECT_TRUE(moved->ok()) << moved->text();
  EXPECT_TRUE(again->ok()) << again->text();
  EXPECT_EQ(cluster.node(2).raft().role(), RoleName::leader);
}

// Nothing but a leader's own word says that it leads: a higher term may be anybody's.
TEST(Transfer, IsNotDoneWhenAnotherLeads) {
  TestCluster cluster(3, [](NodeOptions& options) {
    options.raft.pre_vote = options.raft.check_quorum = options.raft.stickiness = false;
  });
  cluster.elect(1);
  cluster.network.lose = is<TimeoutNow>;
  const auto moved = cluster.transfer(1, 3);
  cluster.run();
  cluster.node(2).expire(Timer::election);
  cluster.run();
  cluster.executor.advance(200ms);
  ASSERT_EQ(cluster.node(1).raft().leader(), NodeId(2));
  EXPECT_EQ(moved->code(), ErrorCode::leadership_lost) << moved->text();
  EXPECT_NE(moved->result->error().message.find("node 2 leads"), std::string::npos) << moved->text();
}

TEST(Transfer, EndsInTimeWhenNobodyIsHeardToLead) {  // hazard: H57
  TestCluster cluster(3);
  cluster.elect(1);
  cluster.network.lose = [](const PeerMessage& m) {
    const bool leads = is<Heartbeat>(m) || is<AppendRequest>(m);
    return m.from == NodeId(1) ? !is<TimeoutNow>(m) : m.to == NodeId(1) && leads;
  };
  const auto moved = cluster.transfer(1, 3);
  cluster.run();
  ASSERT_EQ(cluster.node(1).raft().role(), RoleName::follower) << "the target campaigns";
  cluster.network.isolate(NodeId(1));
  cluster.executor.advance(1900ms);
  EXPECT_EQ(moved->times, 0);
  cluster.executor.advance(200ms);
  EXPECT_EQ(moved->code(), ErrorCode::timed_out) << moved->text();
}

}  // namespace
}  // namespace keel::test
