#include "keel/sim/random_run.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "keel/sim/history.hpp"
#include "keel/sim/register_machine.hpp"
#include "sim/judged.hpp"
#include "sim/storm.hpp"
#include "sim/workload.hpp"

namespace keel::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t search_budget = 5'000'000;  // tries for one key's history

// The order of events in one run.
class Run {
 public:
  Run(const Schedule& schedule, const RunOptions& options)
      : schedule_(schedule),
        options_(options),
        world_(with(schedule, options)),
        storm_(world_, schedule),
        workload_(world_, schedule, options.command, options.reads) {
    if (options.sink != nullptr) world_.add_sink(*options.sink);
  }

  void go() {
    world_.note(TraceKind::fault, nobody, summary(schedule_));
    workload_.start();
    storm_.start();
    world_.run_for(schedule_.storm);
    world_.note(TraceKind::fault, nobody, "peace");
    storm_.calm();
    recover();
    stay_calm();
    finish();
  }

  void report(RunReport& report) const {
    report.digest = world_.digest();
    report.steps = world_.steps();
    report.simulated = world_.now().time_since_epoch();
    report.counters = world_.counters();
    report.counters.add(storm_.counters());
  }

 private:
  static WorldOptions with(const Schedule& schedule, const RunOptions& options) {
    WorldOptions world = schedule.world;
    world.seed = schedule.seed;
    world.bootstrapped = false;
    world.keep_events = false;
    world.machine = options.machine;
    world.make_log = options.make_log;
    world.tail = options.tail;
    return world;
  }

  // A leader, nodes that caught up, and a fresh command that reaches them all. Load goes on meanwhile, so "caught up" is
  // what was committed when the peace began.
  void recover() {
    const SimTime bound = world_.now() + recovery_bound;
    world_.run_until(one_leader(), bound - world_.now());
    const Index committed = world_.checks().committed();
    world_.run_until(all_applied(committed), bound - world_.now());
    for (Submitted fresh = submit_fresh(); !fresh.ok(); fresh = submit_fresh()) {
      world_.run_until(fresh.is_answered(), bound - world_.now());
      if (fresh.ok()) {
        world_.run_until(all_applied(fresh.index()), bound - world_.now());
        return world_.run_for(bound - world_.now());
      }
      if (fresh.outcome() == Outcome::unknown || world_.now() >= bound) break;
      world_.run_for(world_.election_timeout() / 10);  // refused: it may be tried again
    }
    world_.fail("recovery", "no command got through after the storm");
  }

  Submitted submit_fresh() {
    Random random(schedule_.seed);
    const std::string command = options_.command ? options_.command(random) : "fresh=1";
    const NodeId leader = world_.leader();
    return world_.submit_async(leader == nobody ? world_.running().front() : leader, command);
  }

  void stay_calm() {
    world_.checks().expect_nothing();
    const std::size_t before = world_.leaderships();
    world_.run_for(peace_time);
    if (world_.leaderships() != before) world_.fail("stability", "a leader lost its office in peace");
  }

  void finish() {
    workload_.stop();
    const Condition over("every client has its answer", [this](const World&) { return workload_.idle(); });
    world_.run_until(over, 20s);
    world_.settle();
    world_.check_commands();
    compare_machines();
    if (options_.command) return;
    if (auto judged = check_linearizable(workload_.history(), search_budget); !judged) {
      world_.fail("linearizability", judged.error().message);
    }
  }

  void compare_machines() {
    std::optional<std::uint64_t> digest;
    for (const NodeId id : world_.running()) {
      const auto* machine = dynamic_cast<const Digestible*>(&world_.machine(id));
      if (machine == nullptr) return;
      if (digest && *digest != machine->digest()) {
        world_.fail("equal states",
                    fmt::format("node {}'s machine differs from node 1's after the same commands", id.value()));
      }
      digest = machine->digest();
    }
  }

  const Schedule& schedule_;
  const RunOptions& options_;
  World world_;
  Storm storm_;
  Workload workload_;
};

}  // namespace

RunReport run_seed(std::uint64_t seed, const Profile& profile, const RunOptions& options) {
  return run_schedule(draw_schedule(seed, profile), options);
}

RunReport run_schedule(const Schedule& schedule, const RunOptions& options) {
  RunReport report;
  report.seed = schedule.seed;
  std::unique_ptr<Run> run;
  judge(report, [&] {
    run = std::make_unique<Run>(schedule, options);
    run->go();
  });
  if (report.failed) report.text += "\ndrawn: " + summary(schedule);
  if (run != nullptr) run->report(report);
  return report;
}

}  // namespace keel::sim
