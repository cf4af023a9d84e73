#include "keel/sim/random_run.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "keel/base/assert.hpp"
#include "keel/sim/history.hpp"
#include "keel/sim/register_machine.hpp"
#include "sim/storm.hpp"
#include "sim/workload.hpp"

namespace keel::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t search_budget = 5'000'000;  // tries for one key's history

// What a seed draws before anything runs. Each draw is made whether it is used or not.
WorldOptions draw_world(std::uint64_t seed, const Profile& profile, Random random) {
  WorldOptions options;
  options.seed = seed;
  options.tail = 0;
  options.keep_events = false;
  options.bootstrapped = false;
  options.nodes = random.between(profile.min_nodes, profile.max_nodes);
  options.pre_vote = random.chance(0.7);
  options.check_quorum = random.chance(0.7);
  options.encode = random.chance(0.7);
  options.log = random.chance(0.8) ? LogKind::write_ahead : LogKind::memory;

  RaftOptions& raft = options.node.raft;
  raft.election_timeout = random.between(150ms, 500ms);
  raft.heartbeat_interval = raft.election_timeout / static_cast<Duration::rep>(random.between(3, 10));
  raft.write_stall_timeout = random.chance(0.2) ? Duration(0) : random.between(500ms, 4s);
  raft.split_vote_detection = random.chance(0.8);
  raft.eager_commit = random.chance(0.7);
  if (random.chance(0.5)) raft.max_append_entries = random.between(1, 16);
  if (random.chance(0.3)) raft.max_append_bytes = random.between(100, 4000);
  if (random.chance(0.5)) raft.max_inflight_messages = random.between(1, 8);
  if (random.chance(0.5)) raft.log_cache_bytes = random.between(0, 20'000);
  if (random.chance(0.3)) raft.max_uncommitted_bytes = random.between(200'000, 400'000);
  if (random.chance(0.3)) options.node.max_apply_entries = random.between(1, 8);
  if (random.chance(0.2)) options.node.max_waiting_commands = random.between(1, 4);

  options.link.min_latency = random.between(50us, 1ms);
  options.link.max_latency = options.link.min_latency + random.between(Duration(0), 4ms);
  options.sync_latency = random.between(50us, 3ms);
  options.sync_jitter = random.between(Duration(0), 3ms);
  options.segment_bytes = 4096 * random.between(1, random.chance(0.5) ? 4 : 64);
  return options;
}

// The order of events in one run.
class Run {
 public:
  Run(std::uint64_t seed, const Profile& profile, const RunOptions& options)
      : options_(options),
        random_(seed ^ 0x73696d),
        world_(with(draw_world(seed, profile, random_.fork(1)), options)),
        storm_(world_, profile.faults, random_.fork(2)),
        workload_(world_, random_.fork(3), options.command, options.reads) {
    if (options.sink != nullptr) world_.add_sink(*options.sink);
  }

  void go() {
    workload_.start();
    storm_.start(world_.now() + storm_time);
    world_.run_for(storm_time);
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
  static WorldOptions with(WorldOptions world, const RunOptions& options) {
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
    const std::string command = options_.command ? options_.command(random_) : "fresh=1";
    const NodeId leader = world_.leader();
    return world_.submit_async(leader == nobody ? NodeId(1) : leader, command);
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

  const RunOptions& options_;
  Random random_;
  World world_;
  Storm storm_;
  Workload workload_;
};

}  // namespace

RunReport run_seed(std::uint64_t seed, const Profile& profile, const RunOptions& options) {
  RunReport report;
  report.seed = seed;
  const auto run = std::make_unique<Run>(seed, profile, options);
  try {
    run->go();
  } catch (const Failed& failed) {
    report.failed = true;
    report.check = failed.check();
    report.text = failed.what();
  } catch (const InvariantBroken& broken) {
    report.failed = true;
    report.check = "assertion";
    report.text = broken.what();
  }
  run->report(report);
  return report;
}

}  // namespace keel::sim
