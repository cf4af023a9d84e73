// What a seed draws: a cluster, its settings, a storm, and what clients ask.
#include <algorithm>
#include <array>
#include <tuple>

#include "keel/sim/random_run.hpp"
#include "keel/sim/schedule.hpp"

namespace keel::sim {
namespace {

using namespace std::chrono_literals;

// In whole microseconds, as schedules are written.
Duration micros(Random& random, Duration low, Duration high) {
  return std::chrono::microseconds(
      random.between(static_cast<std::uint64_t>(low / 1us), static_cast<std::uint64_t>(high / 1us)));
}

std::size_t draw_nodes(const Profile& profile, Random& random) {
  if (!profile.swarm) return random.between(profile.min_nodes, profile.max_nodes);
  static constexpr std::array<std::size_t, 20> often = {1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 5, 5, 5, 5, 5, 6, 7, 7};
  return random.pick(often);
}

// Each draw is made whether it is used or not.
WorldOptions draw_world(const Profile& profile, Random random) {
  WorldOptions options;
  options.nodes = draw_nodes(profile, random);
  options.pre_vote = random.chance(0.7);
  options.check_quorum = random.chance(0.7);
  options.encode = random.chance(0.7);
  options.log = random.chance(0.8) ? LogKind::write_ahead : LogKind::memory;

  RaftOptions& raft = options.node.raft;
  raft.election_timeout = micros(random, 150ms, 500ms);
  raft.heartbeat_interval =
      raft.election_timeout / static_cast<Duration::rep>(random.between(3, 10)) / 1us * Duration(1us);
  raft.write_stall_timeout = random.chance(0.2) ? Duration(0) : micros(random, 500ms, 4s);
  raft.split_vote_detection = random.chance(0.8);
  raft.eager_commit = random.chance(0.7);
  if (random.chance(0.5)) raft.max_append_entries = random.between(1, 16);
  if (random.chance(0.3)) raft.max_append_bytes = random.between(100, 4000);
  if (random.chance(0.5)) raft.max_inflight_messages = random.between(1, 8);
  if (random.chance(0.3)) raft.max_inflight_bytes = random.between(1000, 100'000);
  if (random.chance(0.5)) raft.log_cache_bytes = random.between(0, 20'000);
  if (random.chance(0.3)) raft.max_uncommitted_bytes = random.between(200'000, 400'000);
  if (random.chance(0.1)) raft.max_pending_reads = random.between(1, 4);
  if (random.chance(0.3)) options.node.max_apply_entries = random.between(1, 8);
  if (random.chance(0.2)) options.node.max_waiting_commands = random.between(1, 4);
  if (random.chance(0.1)) options.node.max_waiting_reads = random.between(1, 4);

  options.link.min_latency = micros(random, 50us, 1ms);
  options.link.max_latency = options.link.min_latency + micros(random, Duration(0), 4ms);
  options.sync_latency = micros(random, 50us, 3ms);
  options.sync_jitter = micros(random, Duration(0), 3ms);
  options.segment_bytes = 4096 * random.between(1, random.chance(0.5) ? 4 : 64);

  if (random.chance(0.15)) raft.max_uncommitted_bytes = random.between(100, 1500);  // a few commands fill it
  const bool busy = random.chance(0.25);
  const Duration grain = micros(random, 1ms, 20ms);
  // Who acts seldom and does little each time would not be done before the peace is over.
  const std::size_t a_round = std::min({raft.max_append_entries * raft.max_inflight_messages,
                                        raft.max_append_bytes / 100 * raft.max_inflight_messages,
                                        raft.max_inflight_bytes / 100, options.node.max_apply_entries});
  if (profile.swarm && busy) options.grain = a_round < 20 ? grain / 10 / 1us * 1us : grain;
  return options;
}

// Which kinds of faults a run has: those of its profile, or of a swarm all, one, or any of them, so that runs differ in
// kind and not only in detail, and nothing is hidden by what else goes wrong.
Fault draw_kinds(const Profile& profile, Random& random) {
  static constexpr std::array<Fault, 9> each = {Fault::weather,   Fault::partitions, Fault::crashes,
                                                Fault::pauses,    Fault::leadership, Fault::slow_disks,
                                                Fault::bad_disks, Fault::clocks,     Fault::rot};
  const std::uint64_t how = random.below(std::uint64_t{10});
  const Fault one = random.pick(each);
  Fault any = Fault::none;
  for (const Fault fault : each) {
    if (random.chance(0.5)) any = any | fault;
  }
  if (!profile.swarm || how < 2) return profile.faults;
  return how < 4 || any == Fault::none ? one : any;
}

class StormDrawer {
 public:
  StormDrawer(const Schedule& schedule, const Profile& profile, Random random)
      : schedule_(schedule), nodes_(schedule.world.nodes), random_(random) {
    const Fault on = draw_kinds(profile, random_);
    rotten_ = random_.between(1, nodes_);
    for (Kind kind : kinds()) {
      const auto factor = static_cast<unsigned>(random_.below(std::uint64_t{4}));
      if (!has(on, kind.needs)) continue;
      all_.push_back(kind);
      kind.weight *= factor;
      weight_ += kind.weight;
      if (kind.weight > 0) possible_.push_back(kind);
    }
    if (possible_.empty()) {  // of what there is, something
      possible_ = all_;
      for (const Kind& kind : possible_)
        weight_ += kind.weight;
    }
    pace_ = random_.between(100ms, 2500ms);
  }

  std::vector<PlannedFault> draw() {
    if (weight_ == 0) return {};
    for (Duration at = micros(random_, 0ms, 2 * pace_); at < schedule_.storm; at += micros(random_, 0ms, 2 * pace_)) {
      fault_ = {};
      fault_.at = at;
      std::uint64_t draw = random_.below(std::uint64_t{weight_});
      for (const Kind& kind : possible_) {
        if (draw < kind.weight) {
          fault_.kind = kind.kind;
          (this->*kind.draw)();
          break;
        }
        draw -= kind.weight;
      }
    }
    return std::move(faults_);
  }

 private:
  struct Kind {
    FaultKind kind;
    Fault needs;
    unsigned weight;
    void (StormDrawer::*draw)();
  };
  static const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all = {
        {FaultKind::weather, Fault::weather, 3, &StormDrawer::weather},
        {FaultKind::bad_link, Fault::weather, 2, &StormDrawer::bad_link},
        {FaultKind::isolate, Fault::partitions, 3, &StormDrawer::isolate},
        {FaultKind::split, Fault::partitions, 2, &StormDrawer::split},
        {FaultKind::cut_pair, Fault::partitions, 2, &StormDrawer::cut_pairs},
        {FaultKind::one_way, Fault::partitions, 2, &StormDrawer::one_way},
        {FaultKind::crash, Fault::crashes, 4, &StormDrawer::crash},
        {FaultKind::crash_all, Fault::crashes, 1, &StormDrawer::crash_all},
        {FaultKind::pause, Fault::pauses, 2, &StormDrawer::pause},
        {FaultKind::transfer, Fault::leadership, 1, &StormDrawer::transfer},
        {FaultKind::step_down, Fault::leadership, 1, &StormDrawer::step_down},
        {FaultKind::fire_timer, Fault::leadership, 1, &StormDrawer::fire_timer},
        {FaultKind::slow_disk, Fault::slow_disks, 2, &StormDrawer::slow_disk},
        {FaultKind::hang_disk, Fault::slow_disks, 1, &StormDrawer::hang_disk},
        {FaultKind::break_disk, Fault::bad_disks, 2, &StormDrawer::break_disk},
        {FaultKind::fill_disk, Fault::bad_disks, 1, &StormDrawer::fill_disk},
        {FaultKind::rot, Fault::rot, 1, &StormDrawer::rot},
        {FaultKind::clock_rate, Fault::clocks, 2, &StormDrawer::clock_rate},
        {FaultKind::clock_stop, Fault::clocks, 1, &StormDrawer::clock_stop},
        {FaultKind::clock_jump, Fault::clocks, 1, &StormDrawer::clock_jump},
    };
    return all;
  }

  NodeId any() { return NodeId(random_.between(1, nodes_)); }
  void victim() {  // the leader, half of the time
    fault_.node = any();
    fault_.leader = random_.chance(0.5);
  }
  void lasts(Duration low, Duration high) { fault_.lasts = micros(random_, low, high); }
  void add() { faults_.push_back(fault_); }

  void weather() {
    const std::uint64_t strength = random_.chance(0.3) ? 300 : 50;
    if (random_.chance(0.6)) fault_.loss = strength;
    if (random_.chance(0.6)) fault_.duplicate = strength;
    if (random_.chance(0.6)) fault_.reorder = strength;
    if (random_.chance(0.5)) fault_.slower = random_.between(2, 50);
    if (random_.chance(0.4)) {
      fault_.spike = strength;
      fault_.spike_latency = micros(random_, 20ms, 2000ms);
    }
    if (random_.chance(0.3)) fault_.hint = 500;
    if (random_.chance(0.3)) fault_.bandwidth = random_.between(2000, 200'000);
    lasts(200ms, 6s);
    add();
  }
  void bad_link() {
    fault_.node = any();
    fault_.other = any();
    if (fault_.node == fault_.other) return;
    fault_.loss = random_.between(0, 700);
    fault_.reorder = 300;
    fault_.slower = random_.between(1, 200);
    if (random_.chance(0.5)) fault_.bandwidth = random_.between(500, 50'000);
    lasts(500ms, 8s);
    add();
  }
  void isolate() {
    victim();
    lasts(100ms, 6s);
    add();
  }
  void split() {
    fault_.with = random_.between(1, (std::uint64_t{1} << nodes_) - 1);
    lasts(100ms, 6s);
    add();
  }
  // Some pairs cannot talk, so that a node in between may see both sides.
  void cut_pairs() {
    lasts(100ms, 8s);
    const std::uint64_t pairs = random_.between(1, nodes_);
    for (std::uint64_t i = 0; i < pairs; ++i) {
      victim();
      fault_.other = any();
      if (fault_.node != fault_.other) add();
    }
  }
  void one_way() {
    victim();
    fault_.inbound = random_.chance(0.5);
    for (std::uint64_t other = 0; other < nodes_; ++other) {
      if (!random_.chance(0.3)) fault_.with |= std::uint64_t{1} << other;
    }
    lasts(100ms, 8s);
    add();
  }
  void crash() {
    victim();
    fault_.mid_write = random_.chance(0.6);
    fault_.change_settings = random_.chance(0.1);  // as in a rolling change of settings
    lasts(0ms, 4s);
    add();
  }
  void crash_all() {
    lasts(0ms, 2s);
    add();
  }
  void pause() {
    victim();
    lasts(10ms, 5s);
    add();
  }
  void transfer() {
    fault_.node = any();
    fault_.leader = true;
    fault_.other = any();
    add();
  }
  void step_down() {
    fault_.node = any();
    fault_.leader = true;
    add();
  }
  void fire_timer() {
    fault_.node = any();
    fault_.timer = random_.below(std::uint64_t{3});
    add();
  }
  void slow_disk() {
    victim();
    fault_.by = micros(random_, 1ms, 100ms);
    lasts(500ms, 6s);
    add();
  }
  void hang_disk() {
    victim();
    lasts(100ms, 8s);
    add();
  }
  void break_disk() {
    victim();
    static constexpr DiskOp often[] = {DiskOp::write, DiskOp::sync, DiskOp::create, DiskOp::read};
    static constexpr DiskOp seldom[] = {DiskOp::open, DiskOp::rename, DiskOp::remove};
    fault_.op = random_.chance(0.7) ? random_.pick(often) : random_.pick(seldom);
    const bool many = fault_.op == DiskOp::write || fault_.op == DiskOp::sync || fault_.op == DiskOp::read;
    fault_.nth = many ? random_.between(1, 5) : 1;
    fault_.power_cut = random_.chance(0.4);
    lasts(600ms, 5s);
    add();
  }
  void fill_disk() {
    victim();
    fault_.room = random_.below(std::uint64_t{20'000});
    lasts(500ms, 8s);
    add();
  }
  // Always of the same few nodes: more could not be lost.
  void rot() {
    const std::uint64_t most = (nodes_ - 1) / 2;
    if (most == 0) return;
    fault_.node = NodeId((rotten_ + random_.below(most)) % nodes_ + 1);
    fault_.place = random_.next() >> 16;
    lasts(0ms, 1s);
    add();
  }
  void clock_rate() {
    victim();
    fault_.rate = random_.chance(0.5) ? random_.between(1'010'000, 10'000'000) : random_.between(50'000, 990'000);
    lasts(1s, 10s);
    add();
  }
  void clock_stop() {
    victim();
    lasts(500ms, 6s);
    add();
  }
  void clock_jump() {
    victim();
    fault_.by = micros(random_, 1ms, 20s);
    add();
  }

  const Schedule& schedule_;
  std::uint64_t nodes_;
  Random random_;
  std::vector<Kind> all_;
  std::vector<Kind> possible_;
  unsigned weight_ = 0;
  std::uint64_t rotten_ = 0;
  Duration pace_{};  // between faults
  PlannedFault fault_;
  std::vector<PlannedFault> faults_;
};

// What clients are like in one run.
struct Manners {
  explicit Manners(Random& random)
      : clients(static_cast<std::uint32_t>(random.between(2, 8))),
        keys(static_cast<std::uint32_t>(random.between(1, random.chance(0.2) ? 20 : 4))),
        hot(random.chance(0.3) ? 0.8 : 0),
        reads(random.pick(std::array<std::uint64_t, 4>{10, 40, 40, 80})),
        follows(random.pick(std::array<double, 3>{0.2, 0.6, 1})),
        thinking(random.between(20ms, 300ms)),
        patience(micros(random, 300ms, 3s)),
        deadlines(random.pick(std::array<double, 3>{0, 0.7, 1})),
        big(random.chance(0.3) ? 0.02 : 0),
        largest(random.between(2000, 60'000)) {}

  std::uint32_t clients;
  std::uint32_t keys;
  double hot;           // how much goes to the first key
  std::uint64_t reads;  // out of 100
  double follows;       // how much goes to the leader
  Duration thinking;
  Duration patience;
  double deadlines;
  double big;
  std::uint64_t largest;
};

class ClientDrawer {
 public:
  ClientDrawer(const Manners& manners, std::size_t nodes, std::uint32_t client, Random random)
      : manners_(manners), nodes_(nodes), random_(random) {
    operation_.client = client;
    operation_.node = NodeId(random_.between(1, nodes_));
  }

  void draw(Duration until, std::vector<PlannedOperation>& into) {
    for (;;) {
      operation_.at += micros(random_, 1us, 2 * manners_.thinking);
      if (operation_.at >= until) return;
      ++operation_.number;
      draw_one();
      into.push_back(operation_);
    }
  }

 private:
  // Some ask to be told in time, some wait for as long as it takes; some writes must be for the node's own term.
  void draw_one() {
    if (random_.chance(0.2)) operation_.node = NodeId(random_.between(1, nodes_));
    operation_.leader = random_.chance(manners_.follows);
    operation_.key =
        random_.chance(manners_.hot) ? 0 : static_cast<std::uint32_t>(random_.below(std::uint64_t{manners_.keys}));
    const bool reads = random_.below(std::uint64_t{100}) < manners_.reads;
    const std::uint64_t draw = random_.below(std::uint64_t{4});
    operation_.call = reads       ? RegisterCall::get
                      : draw < 2  ? RegisterCall::set
                      : draw == 2 ? RegisterCall::append
                                  : RegisterCall::compare_and_set;
    operation_.logged = reads && random_.chance(0.2);
    operation_.patience = manners_.patience;
    operation_.deadline = random_.chance(manners_.deadlines);
    operation_.forward = random_.chance(0.8);
    operation_.own_term = random_.chance(0.05);
    const bool large = !reads && random_.chance(manners_.big);
    operation_.size = large ? static_cast<std::uint32_t>(random_.between(1000, manners_.largest)) : 0;
  }

  const Manners& manners_;
  std::size_t nodes_;
  Random random_;
  PlannedOperation operation_;
};

}  // namespace

Schedule draw_schedule(std::uint64_t seed, const Profile& profile) {
  const Random random(seed ^ 0x73696d);
  Schedule schedule;
  schedule.seed = seed;
  schedule.profile = profile.name;
  schedule.world = draw_world(profile, random.fork(1));
  schedule.storm = storm_time;
  schedule.faults = StormDrawer(schedule, profile, random.fork(2)).draw();
  Random clients = random.fork(3);
  const Manners manners(clients);
  for (std::uint32_t i = 1; i <= manners.clients; ++i) {
    ClientDrawer(manners, schedule.world.nodes, i, clients.fork(i))
        .draw(storm_time + recovery_bound + peace_time, schedule.operations);
  }
  std::ranges::sort(schedule.operations, {},
                    [](const PlannedOperation& each) { return std::tuple(each.at, each.client, each.number); });
  return schedule;
}

}  // namespace keel::sim
