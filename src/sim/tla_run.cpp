#include "keel/sim/tla_trace.hpp"
#include "sim/judged.hpp"

namespace keel::sim {
namespace {

using namespace std::chrono_literals;

// A cluster with quiet times between its elections, so that a short trace holds much.
WorldOptions draw_world(std::uint64_t seed, Random random) {
  WorldOptions options;
  options.seed = seed;
  options.keep_events = false;
  constexpr std::size_t sizes[] = {1, 2, 3, 3, 3, 3, 3, 4, 5, 5};
  options.nodes = random.pick(sizes);
  options.check_quorum = random.chance(0.5);

  RaftOptions& raft = options.node.raft;
  raft.election_timeout = random.between(100ms, 300ms);
  raft.heartbeat_interval = raft.election_timeout / static_cast<Duration::rep>(random.between(3, 5));
  raft.split_vote_detection = random.chance(0.8);
  raft.eager_commit = random.chance(0.5);
  if (random.chance(0.5)) raft.max_append_entries = random.between(1, 4);
  if (random.chance(0.5)) raft.max_inflight_messages = random.between(1, 4);
  if (random.chance(0.3)) raft.log_cache_bytes = random.between(0, 1000);

  options.link.min_latency = random.between(100us, 2ms);
  options.link.max_latency = options.link.min_latency + random.between(Duration(0), 8ms);
  return options;
}

class TlaRun {
 public:
  TlaRun(std::uint64_t seed, std::size_t lines)
      : random_(seed ^ 0x746c61),
        tla_(draw_world(seed, random_.fork(1)), random_.fork(2).between(100us, 8ms)),
        world_(tla_.world()),
        lines_(lines) {
    fair_ = world_.network().link(1, std::min<std::size_t>(2, world_.size()));
    pace_ = random_.between(100ms, 1s);
    thinking_ = random_.between(5ms, 100ms);
  }

  void go() {
    submit();
    trouble();
    while (tla_.size() < lines_ && world_.step()) {
    }
  }

  void report(TlaReport& report) const {
    report.lines = tla_.lines();
    if (report.lines.size() > lines_) report.lines.resize(lines_);
    report.counters = world_.counters();
  }

 private:
  using Begin = void (TlaRun::*)();

  void later(Duration from, Duration to, std::function<void()> what) {
    world_.timeline().post(0, world_.now() + random_.between(from, to), std::move(what));
  }
  NodeId any() { return NodeId(random_.between(1, world_.size())); }
  NodeId victim() { return world_.leader() != nobody && random_.chance(0.5) ? world_.leader() : any(); }

  void submit() {
    later(Duration(0), 2 * thinking_, [this] {
      const NodeId leader = world_.leader();
      tla_.submit(leader != nobody && random_.chance(0.8) ? leader : any(), "k=v");
      submit();
    });
  }

  void trouble() {
    later(Duration(0), 2 * pace_, [this] {
      static constexpr Begin kinds[] = {&TlaRun::crash,    &TlaRun::crash,    &TlaRun::isolate,  &TlaRun::isolate,
                                        &TlaRun::cut_some, &TlaRun::one_way,  &TlaRun::weather,  &TlaRun::weather,
                                        &TlaRun::transfer, &TlaRun::campaign, &TlaRun::step_down};
      (this->*random_.pick(kinds))();
      trouble();
    });
  }

  void crash() {
    const NodeId node = victim();
    if (!world_.is_up(node)) return;
    world_.crash(node);
    later(0ms, 500ms, [this, node] { world_.restart(node); });
  }
  void isolate() {
    world_.network().isolate(victim());
    heal();
  }
  void cut_some() {
    for (std::size_t i = 0; i < world_.size(); ++i) {
      const NodeId one = victim();
      const NodeId other = any();
      if (one != other) world_.network().cut_between(one, other);
    }
    heal();
  }
  void one_way() {
    const NodeId one = victim();
    const NodeId other = any();
    if (one != other) world_.network().cut(one, other);
    heal();
  }
  void heal() {
    later(50ms, 1s, [this] { world_.network().heal(); });
  }
  // Everything but repetition.
  void weather() {
    Link link = fair_;
    if (random_.chance(0.6)) link.loss = 0.2;
    if (random_.chance(0.6)) link.reorder = 0.3;
    if (random_.chance(0.6)) link.max_latency *= static_cast<Duration::rep>(random_.between(2, 20));
    world_.network().set_links(link);
    later(100ms, 2s, [this] { world_.network().set_links(fair_); });
  }
  void transfer() {
    tla_.tell(victim(), [to = any()](Node& node) { node.transfer_leadership(to, [](const Result<void>&) {}); });
  }
  void campaign() {
    tla_.tell(any(), [](Node& node) { node.expire(Timer::election); });
  }
  void step_down() {
    tla_.tell(victim(), [](Node& node) { node.step_down(); });
  }

  Random random_;
  TlaWorld tla_;
  World& world_;
  std::size_t lines_;
  Link fair_;
  Duration pace_{};      // between troubles
  Duration thinking_{};  // between commands
};

}  // namespace

TlaReport run_tla(std::uint64_t seed, std::size_t lines) {
  TlaReport report;
  std::unique_ptr<TlaRun> run;
  judge(report, [&] {
    run = std::make_unique<TlaRun>(seed, lines);
    run->go();
  });
  if (run != nullptr) run->report(report);
  return report;
}

}  // namespace keel::sim
