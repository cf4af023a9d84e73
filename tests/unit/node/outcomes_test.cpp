#include <random>

#include "cluster.hpp"

namespace keel::test {
namespace {

// Every role and every call: what a caller is told. Nothing hangs, nothing is answered twice.
enum class Situation { leader, follower, candidate, leaderless, machine_broken, failed, stopped };

std::string name(Situation situation) {
  switch (situation) {
    case Situation::leader: return "leader";
    case Situation::follower: return "follower";
    case Situation::candidate: return "candidate";
    case Situation::leaderless: return "leaderless";
    case Situation::machine_broken: return "machine_broken";
    case Situation::failed: return "failed";
    case Situation::stopped: return "stopped";
  }
  return "?";
}

struct Expected {
  Situation situation;
  std::string forwarded, direct, linearizable, local, transfer;  // "ok" or the error's name
};

class Calls : public testing::TestWithParam<Expected> {
 protected:
  // Brings node 1 there.
  void reach(TestCluster& cluster, Situation situation) {
    switch (situation) {
      case Situation::leader: return cluster.elect(1);
      case Situation::follower: return cluster.elect(2);
      case Situation::candidate:
        cluster.network.isolate(NodeId(1));
        cluster.node(1).expire(Timer::election);
        return cluster.run();
      case Situation::leaderless: return;
      case Situation::machine_broken:
        cluster.elect(2);
        cluster.machine(1).throw_on = "poison";
        cluster.submit(2, "poison");
        return cluster.executor.advance(200ms);
      case Situation::failed:
        cluster.elect(2);
        cluster.log(1).fail_writes = Error{ErrorCode::io, "no"};
        cluster.submit(2, "x");
        return cluster.run();
      case Situation::stopped: cluster.elect(2); return cluster.node(1).stop();
    }
  }

  template <class T>
  static std::string told(const Ended<T>& ended) {
    if (ended.ok()) return "ok";
    return ended.code() ? std::string(to_string(*ended.code())) : ended.text();
  }
};

TEST_P(Calls, AreAnsweredAsTheTableSays) {  // mission: 3, R4
  TestCluster cluster(3);
  reach(cluster, GetParam().situation);
  const auto forwarded = cluster.submit(1, "forwarded");
  const auto direct = cluster.submit(1, "direct", {.forward = false});
  const auto linearizable = cluster.read(1);
  const auto local = cluster.read(1, ReadLevel::local);
  cluster.run();
  const auto transfer = cluster.transfer(1, 3);
  cluster.run();
  EXPECT_EQ(told(*forwarded), GetParam().forwarded);
  EXPECT_EQ(told(*direct), GetParam().direct);
  EXPECT_EQ(told(*linearizable), GetParam().linearizable);
  EXPECT_EQ(told(*local), GetParam().local);
  EXPECT_EQ(told(*transfer), GetParam().transfer);
  EXPECT_EQ(cluster.node(1).status().commands_waiting, 0u);
  EXPECT_EQ(cluster.node(1).status().reads_waiting, 0u);
  cluster.node(1).step_down();  // harmless everywhere
  cluster.run();
}

INSTANTIATE_TEST_SUITE_P(
    Roles, Calls,
    testing::Values(Expected{Situation::leader, "ok", "ok", "ok", "ok", "ok"},
                    Expected{Situation::follower, "ok", "not_leader", "ok", "ok", "not_leader"},
                    Expected{Situation::candidate, "no_leader", "no_leader", "no_leader", "ok", "no_leader"},
                    Expected{Situation::leaderless, "no_leader", "no_leader", "no_leader", "ok", "no_leader"},
                    Expected{Situation::machine_broken, "not_leader", "not_leader", "failed", "failed", "not_leader"},
                    Expected{Situation::failed, "stopping", "stopping", "failed", "failed", "stopping"},
                    Expected{Situation::stopped, "stopping", "stopping", "stopping", "stopping", "stopping"}),
    [](const auto& param) { return name(param.param.situation); });

// Many callers, many faults, then peace: every command ends exactly once, and what is said of it is true.
class Storm : public testing::TestWithParam<unsigned> {};

TEST_P(Storm, OutcomesNeverLie) {  // mission: 3, R4; hazard: H57, H59
  std::mt19937 random(GetParam());
  const auto chance = [&](std::uint64_t percent) { return random() % 100 < percent; };
  struct Asked {
    std::string bytes;
    Command1 command;
    std::uint64_t node;
  };
  std::vector<Asked> asked;
  TestCluster cluster(5, [&](NodeOptions& options) {
    options.max_apply_entries = 1 + random() % 20;
    options.raft.log_cache_bytes = chance(50) ? 500 : 1u << 20;
    options.raft.pre_vote = chance(70);
    options.max_waiting_commands = 60;
  });
  for (std::uint64_t id = 1; id <= 5; ++id) {
    cluster.log(id).mode = chance(50) ? FakeLog::Mode::posted : FakeLog::Mode::slow;
    cluster.log(id).delay = std::chrono::milliseconds(1 + random() % 40);
  }
  std::uint64_t loss = 0;
  std::optional<std::uint64_t> alone;
  cluster.network.lose = [&](const PeerMessage& m) {
    return chance(loss) || (alone && (m.from == NodeId(*alone) || m.to == NodeId(*alone)));
  };
  cluster.network.twice = [&](const PeerMessage&) { return chance(10); };
  cluster.network.hold = [&](const PeerMessage&) { return chance(5); };

  int next = 0;
  for (int step = 0; step < 600; ++step) {
    const std::uint64_t id = 1 + random() % 5;
    switch (random() % 12) {
      case 0: loss = chance(50) ? 0 : random() % 40; break;
      case 1: {
        const NodeId leader = cluster.node(id).raft().leader();
        alone = chance(60) ? std::optional(leader != nobody && chance(60) ? leader.value() : id) : std::nullopt;
        break;
      }
      case 2: cluster.network.deliver_held(); break;
      case 3:
        if (chance(15)) {
          cluster.crash(id);
          cluster.start(id);
        }
        break;
      case 4:
        if (chance(20)) cluster.node(id).expire(Timer::election);
        break;
      case 5:
        if (chance(20)) cluster.transfer(id, 1 + random() % 5);
        break;
      default:
        for (auto n = random() % 8; n > 0; --n) {
          const std::string bytes = std::to_string(next++);
          SubmitOptions options;
          options.forward = chance(80);
          if (chance(50)) options.deadline = cluster.executor.now() + std::chrono::milliseconds(random() % 3000);
          asked.push_back({bytes, cluster.submit(id, bytes, std::move(options)), id});
        }
    }
    cluster.executor.advance(std::chrono::milliseconds(random() % 60));
  }
  cluster.network.lose = nullptr;
  cluster.network.twice = nullptr;
  cluster.network.hold = nullptr;
  cluster.network.deliver_held();
  cluster.executor.advance(30s);
  std::uint64_t leader = 0;
  for (std::uint64_t id = 1; id <= 5; ++id) {
    if (cluster.node(id).status().raft.ready) leader = id;
  }
  ASSERT_NE(leader, 0u) << "no leader after the storm";
  const auto last = cluster.submit(leader, "last");
  cluster.executor.advance(5s);
  ASSERT_TRUE(last->ok()) << last->text();

  const std::vector<std::string> order = cluster.machine(leader).commands();
  std::map<std::string, int> applied;
  for (const std::string& bytes : order)
    ++applied[bytes];
  for (std::uint64_t id = 1; id <= 5; ++id)
    EXPECT_EQ(cluster.machine(id).commands(), order) << "node " << id;
  std::map<std::string, int> outcomes;
  for (const Asked& one : asked) {
    ASSERT_EQ(one.command->times, 1) << one.bytes << " at node " << one.node;
    const int times = applied[one.bytes];
    EXPECT_LE(times, 1) << one.bytes;
    if (one.command->ok()) {
      EXPECT_EQ(times, 1) << one.bytes;
      EXPECT_EQ(one.command->result->value().reply, "ok " + one.bytes);
      ++outcomes["ok"];
    } else {
      ++outcomes[std::string(to_string(outcome_of(*one.command->code())))];
      if (outcome_of(*one.command->code()) != Outcome::unknown) {
        EXPECT_EQ(times, 0) << one.bytes << ": " << one.command->text();
      }
    }
  }
  EXPECT_GT(outcomes["ok"], 20);
  for (std::uint64_t id = 1; id <= 5; ++id) {
    EXPECT_EQ(cluster.node(id).status().commands_waiting, 0u);
    for (const Event& event : cluster.observer(id).events)
      EXPECT_FALSE(is_error(event.what)) << describe(event);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Storm, testing::Range(1u, 41u));

}  // namespace
}  // namespace keel::test
