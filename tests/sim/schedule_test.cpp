// What a seed draws, as data: written down, read back, run again, and made smaller.
#include <set>

#include <gtest/gtest.h>

#include "keel/sim/random_run.hpp"
#include "keel/sim/register_machine.hpp"
#include "keel/sim/shrink.hpp"

namespace keel::sim {
namespace {

using namespace std::chrono_literals;

class Schedules : public testing::TestWithParam<Profile> {};

// hazard: H60
TEST_P(Schedules, AreReadBackAsTheyWereWritten) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::string text = to_text(draw_schedule(seed, GetParam()));
    const auto read = parse_schedule(text);
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(to_text(*read), text);
  }
}

TEST_P(Schedules, RunAsTheirSeedDoes) {
  const auto read = parse_schedule(to_text(draw_schedule(3, GetParam())));
  ASSERT_TRUE(read) << read.error().message;
  const RunReport of_text = run_schedule(*read);
  const RunReport of_seed = run_seed(3, GetParam());
  EXPECT_EQ(of_text.digest, of_seed.digest);
  EXPECT_EQ(of_text.counters.all(), of_seed.counters.all());
}

INSTANTIATE_TEST_SUITE_P(Of, Schedules, testing::ValuesIn(profiles()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ScheduleText, SaysWhatIsWrongAndWhere) {
  const std::string good = "keel-sim schedule 1\nseed 7\nnodes 3\n";
  ASSERT_TRUE(parse_schedule(good));
  const auto error = [&](const std::string& line) {
    const auto read = parse_schedule(good + line);
    return read ? std::string() : read.error().message;
  };
  EXPECT_EQ(parse_schedule("").error().message,
            "schedule, line 0: a schedule begins with the line 'keel-sim schedule 1'");
  EXPECT_EQ(parse_schedule("{}").error().message,
            "schedule, line 1: a schedule begins with the line 'keel-sim schedule 1'");
  EXPECT_EQ(error("nods 3"), "schedule, line 4: there is no setting 'nods'");
  EXPECT_EQ(error("nodes many"), "schedule, line 4: 'many' is no value that can stand here");
  EXPECT_EQ(error("nodes 10"), "schedule: 10 nodes: there are 1 to 9");
  EXPECT_EQ(error("fault 1.000000s flood all for 1.000000s"), "schedule, line 4: there is no fault 'flood'");
  EXPECT_EQ(error("fault soon crash node1 for 1.000000s"), "schedule, line 4: 'soon' is no value that can stand here");
  EXPECT_EQ(error("fault 1.000000s crash node4 for 1.000000s"),
            "schedule: no such node: 1.000000s crash node4 for 1.000000s");
  EXPECT_EQ(error("fault 1.000000s crash node1 for 1.000000s hard=1"),
            "schedule, line 4: nothing is known of 'hard=1'");
  EXPECT_EQ(error("client 1 #1 1.000000s all get k0"), "schedule, line 4: a node should be where 'all' is");
  EXPECT_EQ(error("client 1 #1 1.000000s node1 look k0"),
            "schedule, line 4: get, set, append or compare_and_set should be where 'look' is");
  EXPECT_EQ(error("fault 2.000000s crash_all all for 1.000000s\nfault 1.000000s crash_all all for 1.000000s"),
            "schedule: faults and operations stand in the order of their times");
  EXPECT_EQ(error("heartbeat_interval 0.000000s").substr(0, 28), "schedule: heartbeat_interval");
  EXPECT_EQ(error("fault 1.000000s crash leader|2 for 1.000000s mid_write=1"), "");
}

// Each seed has a mix of its own: clusters of every size, kinds of faults alone and together.
TEST(Swarm, DrawsEveryMix) {
  std::set<std::size_t> sizes;
  std::set<FaultKind> kinds;
  std::set<LogKind> logs;
  std::size_t busy = 0;
  std::size_t tight = 0;
  std::size_t disks_only = 0;
  std::size_t nearly_all = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const Schedule schedule = draw_schedule(seed, *find_profile("storm"));
    std::set<FaultKind> here;
    for (const PlannedFault& fault : schedule.faults)
      here.insert(fault.kind);
    sizes.insert(schedule.world.nodes);
    kinds.insert(here.begin(), here.end());
    logs.insert(schedule.world.log);
    busy += schedule.world.grain > Duration(0) ? 1 : 0;
    tight += schedule.world.node.raft.max_uncommitted_bytes < 2000 ? 1 : 0;
    const bool all_disks = std::ranges::all_of(
        here, [](FaultKind kind) { return kind >= FaultKind::slow_disk && kind <= FaultKind::rot; });
    disks_only += all_disks && !here.empty() ? 1 : 0;
    nearly_all += here.size() >= 13 ? 1 : 0;
  }
  EXPECT_EQ(sizes, (std::set<std::size_t>{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(kinds.size(), fault_kinds);
  EXPECT_EQ(logs.size(), 2u);
  EXPECT_GE(busy, 50u);
  EXPECT_LE(busy, 100u);
  EXPECT_GE(tight, 20u);
  EXPECT_GE(disks_only, 5u);
  EXPECT_GE(nearly_all, 5u);
}

TEST(Swarm, AFailureSaysWhatWasDrawn) {
  Schedule schedule = draw_schedule(1, *find_profile("calm"));
  schedule.world.nodes = 3;
  schedule.faults = {{.at = 1s, .kind = FaultKind::crash, .node = NodeId(1), .lasts = 100s}};
  RunOptions options;
  options.machine = [](NodeId) -> std::unique_ptr<StateMachine> {
    struct Broken final : StateMachine {
      Index applied() override { return Index(0); }
      void apply(std::span<Command>, Index, Completion<Replies>) override { throw std::runtime_error("no luck"); }
    };
    return std::make_unique<Broken>();
  };
  options.command = [](Random&) { return std::string("x=1"); };
  const RunReport report = run_schedule(schedule, options);
  ASSERT_TRUE(report.failed);
  EXPECT_NE(report.text.find("drawn: seed 1, profile calm"), std::string::npos) << report.text;
  EXPECT_NE(report.text.find("1 crash"), std::string::npos) << report.text;
}

// A reader that asks nobody is found by what it reads while it is cut off; what is left is about that.
// hazard: H34
TEST(Shrinking, LeavesAFewEventsOfALongRun) {
  const RunOptions broken{.reads = ReadLevel::local};
  Schedule failing;
  RunReport report;
  for (std::uint64_t seed = 1; !report.failed && seed <= 20; ++seed) {
    failing = draw_schedule(seed, *find_profile("network"));
    failing.world.grain = 2ms;
    report = run_schedule(failing, broken);
    Schedule without = failing;
    without.world.grain = {};
    if (run_schedule(without, broken).check != report.check) report = {};
  }
  ASSERT_EQ(report.check, "linearizability");

  const auto shrunk = shrink(failing, {.run = broken, .max_runs = 3000, .max_time = 120s});
  ASSERT_TRUE(shrunk) << shrunk.error().message;
  EXPECT_EQ(shrunk->failure.check, "linearizability");
  EXPECT_LE(shrunk->schedule.faults.size(), 2u) << to_text(shrunk->schedule);
  EXPECT_LE(shrunk->schedule.operations.size(), 4u) << to_text(shrunk->schedule);
  EXPECT_LE(shrunk->schedule.world.nodes, 3u);
  EXPECT_EQ(shrunk->schedule.world.grain, Duration(0));

  const auto replayed = parse_schedule(to_text(shrunk->schedule));
  ASSERT_TRUE(replayed) << replayed.error().message;
  const RunReport again = run_schedule(*replayed, broken);
  EXPECT_EQ(again.check, "linearizability");
  EXPECT_EQ(again.digest, shrunk->failure.digest);
  EXPECT_FALSE(run_schedule(*replayed).failed) << "and it is the reads that are at fault";
}

TEST(Shrinking, WantsAFailure) {
  const auto shrunk = shrink(draw_schedule(1, *find_profile("calm")), {});
  ASSERT_FALSE(shrunk);
  EXPECT_EQ(shrunk.error().code, ErrorCode::invalid);
}

TEST(Shrinking, StopsAtItsBounds) {
  const RunOptions broken{.reads = ReadLevel::local};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Schedule failing = draw_schedule(seed, *find_profile("network"));
    if (!run_schedule(failing, broken).failed) continue;
    const auto shrunk = shrink(failing, {.run = broken, .max_runs = 5});
    ASSERT_TRUE(shrunk) << shrunk.error().message;
    EXPECT_EQ(shrunk->runs, 5u);
    EXPECT_FALSE(shrunk->complete);
    return;
  }
  FAIL() << "nothing failed";
}

}  // namespace
}  // namespace keel::sim
