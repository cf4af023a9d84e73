// Bugs put in on purpose: a simulator that does not find these would find nothing.
#include <gtest/gtest.h>

#include "keel/sim/random_run.hpp"
#include "keel/sim/register_machine.hpp"
#include "keel/storage/memory_log_store.hpp"
#include "keel/storage/write_ahead_log.hpp"

namespace keel::sim {
namespace {

using namespace std::chrono_literals;

// The first of some seeds that fails, and by which check.
std::string found_by(std::string_view profile, const RunOptions& options, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const RunReport report = run_seed(seed, *find_profile(profile), options);
    if (report.failed) return report.check;
  }
  return "nothing";
}

std::string some_register_command(Random& random) {
  const std::string key = "k" + std::to_string(random.below(3));
  return key + (random.chance(0.5) ? "=" : "+=") + std::to_string(random.below(1000));
}

// A user's machine with something wrong in it.
class Wrong : public StateMachine, public Digestible {
 public:
  explicit Wrong(NodeId node) : node_(node) {}
  Index applied() override { return Index(0); }
  [[nodiscard]] std::uint64_t digest() const override { return inner_.digest(); }

 protected:
  NodeId node_;
  RegisterMachine inner_;
};

class Forgetful final : public Wrong {
 public:
  using Wrong::Wrong;
  void apply(std::span<Command> commands, Index up_to, Completion<Replies> done) override {
    const bool forgets = node_ == NodeId(2) && up_to.value() % 97 == 0;
    if (forgets) return done(Replies(commands.size(), "OK"));
    inner_.apply(commands, up_to, std::move(done));
  }
};

class Individual final : public Wrong {
 public:
  using Wrong::Wrong;
  void apply(std::span<Command> commands, Index up_to, Completion<Replies> done) override {
    inner_.apply(commands, up_to, [this, done = std::move(done)](Result<Replies> replies) mutable {
      for (Reply& reply : *replies)
        reply += " from " + std::to_string(node_.value());
      done(std::move(replies));
    });
  }
};

class Fragile final : public Wrong {
 public:
  using Wrong::Wrong;
  void apply(std::span<Command> commands, Index up_to, Completion<Replies> done) override {
    if (up_to > Index(50)) throw std::runtime_error("out of luck");
    inner_.apply(commands, up_to, std::move(done));
  }
};

template <class Machine>
RunOptions with_machine() {
  return {.machine = [](NodeId node) { return std::make_unique<Machine>(node); }, .command = some_register_command};
}

TEST(Planted, AGoodMachineOfOnesOwnPasses) {
  class Good final : public Wrong {
   public:
    using Wrong::Wrong;
    void apply(std::span<Command> commands, Index up_to, Completion<Replies> done) override {
      inner_.apply(commands, up_to, std::move(done));
    }
  };
  EXPECT_EQ(found_by("storm", with_machine<Good>(), 10), "nothing");
}

TEST(Planted, AMachineThatForgetsACommand) {
  const std::string check = found_by("calm", with_machine<Forgetful>(), 10);
  EXPECT_TRUE(check == "equal states" || check == "state machine safety") << check;
}

TEST(Planted, AMachineWhoseRepliesDependOnTheNode) {
  EXPECT_EQ(found_by("calm", with_machine<Individual>(), 5), "state machine safety");
}

TEST(Planted, AMachineThatThrows) { EXPECT_EQ(found_by("calm", with_machine<Fragile>(), 5), "unexpected event"); }

// Says that a write is durable while it is on its way. (Not the first ever, which an installation waits for.)
class HastyLog final : public LogStore {
 public:
  HastyLog(std::unique_ptr<LogStore> inner, Executor& executor) : inner_(std::move(inner)), executor_(executor) {}
  Result<Recovered> open() override {
    Result<Recovered> found = inner_->open();
    hasty_ = found && found->last > Index(0);
    return found;
  }
  void write(WriteBatch batch, Completion<void> done) override {
    if (!hasty_) return inner_->write(std::move(batch), std::move(done));
    executor_.post([done = std::move(done)]() mutable { done({}); });
    inner_->write(std::move(batch), [](const Result<void>&) {});
  }
  void read(IndexRange range, std::size_t max_bytes, Completion<std::vector<Entry>> done) override {
    inner_->read(range, max_bytes, std::move(done));
  }
  [[nodiscard]] LogStats stats() const override { return inner_->stats(); }
  void close() override { inner_->close(); }

 private:
  std::unique_ptr<LogStore> inner_;
  Executor& executor_;
  bool hasty_ = false;
};

// hazard: H12, H41
TEST(Planted, ALogThatAcknowledgesBeforeItIsDurable) {
  std::map<NodeId, std::shared_ptr<LogImage>> images;
  RunOptions options;
  options.make_log = [&images](NodeId node, Disk&, Executor& executor) {
    auto& image = images[node];
    if (image == nullptr) image = std::make_shared<LogImage>();
    auto slow = std::make_unique<MemoryLogStore>(executor, image);
    slow->set_latency(5ms);
    return std::make_unique<HastyLog>(std::move(slow), executor);
  };
  std::string check = "nothing";
  for (std::uint64_t seed = 1; seed <= 20 && check == "nothing"; ++seed) {
    images.clear();
    const RunReport report = run_seed(seed, *find_profile("crash"), options);
    if (report.failed) check = report.check;
  }
  EXPECT_EQ(check, "recovery");
}

// hazard: H34
TEST(Planted, ReadsThatAskNobody) {
  EXPECT_EQ(found_by("network", {.reads = ReadLevel::local}, 20), "linearizability");
}

// Protocol bugs, put in on the way.
class PlantedOnTheWay : public testing::Test {
 protected:
  // Runs until a check fails; which one.
  static std::string failure(World& world, Duration budget) {
    try {
      world.run_for(budget);
    } catch (const Failed& failed) {
      return failed.check();
    }
    return "nothing";
  }
};

TEST_F(PlantedOnTheWay, VotersThatSayYesToEverybody) {
  World world({.nodes = 5, .pre_vote = false});
  world.network().alter(Messages::of<VoteReply>().refused(), [](PeerMessage& message) {
    std::get<VoteReply>(std::get<Message>(message.body).body).granted = true;
  });
  std::string check = "nothing";
  for (int round = 0; round < 50 && check == "nothing"; ++round) {
    try {
      for (const NodeId id : world.all())
        world.fire_timer(id, Timer::election);
      world.run_for(20ms);
    } catch (const Failed& failed) {
      check = failed.check();
    }
  }
  EXPECT_EQ(check, "invariants");  // two leaders of one term, held against one another
}

TEST_F(PlantedOnTheWay, AcknowledgementsOfWhatIsNotThere) {
  World world({.link = {}, .log = LogKind::memory});
  const NodeId leader = world.elect();
  world.drop(Messages::of<AppendRequest>().from(leader).with_entries());
  world.network().pass(Messages::of<AppendRequest>().from(leader).first(2));
  world.network().alter(Messages::of<AppendReply>(), [](PeerMessage& message) {
    auto& reply = std::get<AppendReply>(std::get<Message>(message.body).body);
    reply = {.accepted = true, .index = reply.index + 1, .hint = {}};
  });
  std::string check;
  try {
    world.submit_async(leader, "x=1");
    check = failure(world, 5s);
  } catch (const Failed& failed) {
    check = failed.check();
  }
  EXPECT_TRUE(check == "commit" || check == "unexpected event" || check == "invariants") << check;
}

// The entry is on two of five, and one of them is told that it is committed.
// hazard: H4
TEST_F(PlantedOnTheWay, AHeartbeatThatCommitsTooMuch) {
  World world({.nodes = 5, .log = LogKind::memory});
  const NodeId leader = world.elect();
  const NodeId follower = world.some_follower();
  world.settle();
  world.drop(Messages::of<AppendRequest>() && !Messages::any().to(follower));
  world.submit_async(leader, "x=1");
  world.network().alter(Messages::of<Heartbeat>().to(follower), [](PeerMessage& message) {
    auto& beat = std::get<Heartbeat>(std::get<Message>(message.body).body);
    beat.commit += 1;
  });
  EXPECT_EQ(failure(world, 1s), "commit");
}

}  // namespace
}  // namespace keel::sim
