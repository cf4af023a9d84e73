#include "sim/storm.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "keel/sim/sim_disk.hpp"

namespace keel::sim {
namespace {

using namespace std::chrono_literals;

// How long after the end of a fault a node may still report what came of it; longer than it lets a write wait.
constexpr Duration aftermath = 5s;

}  // namespace

const std::vector<Storm::Kind>& Storm::kinds() {
  static const std::vector<Kind> all = {
      {Fault::weather, 3, &Storm::weather},      {Fault::weather, 2, &Storm::bad_link},
      {Fault::partitions, 3, &Storm::isolate},   {Fault::partitions, 2, &Storm::split},
      {Fault::partitions, 2, &Storm::cut_some},  {Fault::partitions, 2, &Storm::one_way},
      {Fault::crashes, 4, &Storm::crash},        {Fault::crashes, 1, &Storm::crash_all},
      {Fault::pauses, 2, &Storm::pause},         {Fault::leadership, 1, &Storm::transfer},
      {Fault::leadership, 1, &Storm::step_down}, {Fault::leadership, 1, &Storm::fire},
      {Fault::slow_disks, 2, &Storm::slow_disk}, {Fault::slow_disks, 1, &Storm::hang_disk},
      {Fault::bad_disks, 2, &Storm::break_disk}, {Fault::bad_disks, 1, &Storm::fill_disk},
      {Fault::clocks, 2, &Storm::clock_rate},    {Fault::clocks, 1, &Storm::clock_stop},
      {Fault::clocks, 1, &Storm::clock_jump},
  };
  return all;
}

// Each run weighs the faults anew, some of them out, so that runs differ in kind and not only in detail.
Storm::Storm(World& world, Fault faults, Random random) : world_(world), faults_(faults), random_(random) {
  fair_ = world_.network().link(1, std::min<std::uint64_t>(2, world_.size()));
  for (Kind kind : kinds()) {
    if (!has(faults_, kind.needs)) continue;
    kind.weight *= static_cast<unsigned>(random_.below(4));
    weight_ += kind.weight;
    if (kind.weight > 0) possible_.push_back(kind);
  }
  pace_ = random_.between(100ms, 2500ms);
}

void Storm::start(SimTime end) {
  end_ = end;
  raging_ = true;
  if (weight_ > 0) next();
}

void Storm::next() {
  later(Duration(0), 2 * pace_, [this] {
    begin_one();
    next();
  });
}

// What was planned before the calm does not happen after it.
void Storm::later(Duration from, Duration to, std::function<void()> what) {
  world_.timeline().post(0, world_.now() + random_.between(from, to), [this, what = std::move(what)] {
    if (raging_ && world_.now() < end_) what();
  });
}

void Storm::begin_one() {
  std::uint64_t draw = random_.below(std::uint64_t{weight_});
  for (const Kind& kind : possible_) {
    if (draw < kind.weight) return (this->*kind.begin)();
    draw -= kind.weight;
  }
}

NodeId Storm::any() { return NodeId(random_.between(1, world_.size())); }

NodeId Storm::victim() {
  const NodeId leader = world_.leader();
  return leader != nobody && random_.chance(0.5) ? leader : any();
}

void Storm::note(std::string_view what, NodeId node) { world_.note(TraceKind::fault, node, what); }

// What took effect. Effects that show elsewhere (on messages, on disks, in events) are counted there.
void Storm::count(std::string_view what) {
  counters_.add(fmt::format("faults: {}", what));
  note(what);
}

void Storm::expect(NodeId node, Trouble trouble) { world_.checks().expect(node, trouble); }

void Storm::over(NodeId node, Trouble trouble) {
  later(aftermath, aftermath, [this, node, trouble] { world_.checks().expect_no_more(node, trouble); });
}

// The network.

void Storm::weather() {
  Link link = fair_;
  const double strength = random_.chance(0.3) ? 0.3 : 0.05;
  if (random_.chance(0.6)) link.loss = strength;
  if (random_.chance(0.6)) link.duplicate = strength;
  if (random_.chance(0.6)) link.reorder = strength;
  if (random_.chance(0.5)) link.max_latency *= static_cast<Duration::rep>(random_.between(2, 50));
  if (random_.chance(0.4)) {
    link.spike = strength;
    link.spike_latency = random_.between(20ms, 2000ms);
  }
  if (random_.chance(0.3)) link.unreachable_hint = 0.5;
  world_.network().set_links(link);
  note("bad weather");
  later(200ms, 6s, [this] { mend_network(); });
}

void Storm::bad_link() {
  const NodeId from = any();
  const NodeId to = any();
  if (from == to) return;
  Link link = fair_;
  link.loss = 0.5;
  link.reorder = 0.3;
  link.max_latency *= static_cast<Duration::rep>(random_.between(1, 200));
  world_.network().set_link(from, to, link);
  count("bad links");
  later(500ms, 8s, [this, from, to] { world_.network().set_link(from, to, fair_); });
}

void Storm::mend_network() { world_.network().set_links(fair_); }

void Storm::isolate() {
  world_.network().isolate(victim());
  count("full partitions");
  later(100ms, 6s, [this] { world_.network().heal(); });
}

void Storm::split() {
  std::vector<bool> side(world_.size());
  for (std::size_t i = 0; i < side.size(); ++i)
    side[i] = random_.chance(0.5);
  if (std::ranges::count(side, side[0]) == std::ssize(side)) return;
  for (std::size_t a = 0; a < side.size(); ++a) {
    for (std::size_t b = 0; b < side.size(); ++b) {
      if (side[a] != side[b]) world_.network().cut(a + 1, b + 1);
    }
  }
  count("full partitions");
  later(100ms, 6s, [this] { world_.network().heal(); });
}

// Some pairs cannot talk, so that a node in between may see both sides.
void Storm::cut_some() {
  const std::uint64_t pairs = random_.between(1, world_.size());
  bool any_cut = false;
  for (std::uint64_t i = 0; i < pairs; ++i) {
    const NodeId one = victim();
    const NodeId other = any();
    if (one == other) continue;
    world_.network().cut_between(one, other);
    any_cut = true;
  }
  if (!any_cut) return;
  count("partial partitions");
  later(100ms, 8s, [this] { world_.network().heal(); });
}

void Storm::one_way() {
  const NodeId deaf = victim();
  const bool hears_nothing = random_.chance(0.5);
  bool any_cut = false;
  for (const NodeId other : world_.all()) {
    if (other == deaf || random_.chance(0.3)) continue;
    world_.network().cut(hears_nothing ? other : deaf, hears_nothing ? deaf : other);
    any_cut = true;
  }
  if (!any_cut) return;
  count("one-way cuts");
  later(100ms, 8s, [this] { world_.network().heal(); });
}

// Processes.

void Storm::crash() {
  const NodeId node = victim();
  if (!world_.is_up(node)) return;
  world_.crash(node);
  if (random_.chance(0.1)) {  // as in a rolling change of settings
    bool& pre_vote = world_.options(node).raft.pre_vote;
    pre_vote = !pre_vote;
    count("settings changed");
  }
  later(0ms, 4s, [this, node] { revive(node); });
}

void Storm::crash_all() {
  const std::vector<NodeId> running = world_.running();
  if (running.size() < 2) return;
  for (const NodeId node : running) {
    world_.crash(node);
    later(0ms, 2s, [this, node] { revive(node); });
  }
  count("all crashed");
}

void Storm::revive(NodeId node) {
  if (world_.is_up(node)) return;
  if (auto started = world_.try_restart(node); !started) {
    const bool explained = world_.checks().expects(node, Trouble::storage_fails) ||
                           world_.checks().expects(node, Trouble::storage_full);  // a start writes a little too
    if (!explained) world_.fail("restart", started.error().message);
    count("starts refused by a disk");
    later(100ms, 1s, [this, node] { revive(node); });
  }
}

void Storm::pause() {
  const NodeId node = victim();
  if (!world_.is_up(node) || world_.is_paused(node)) return;
  expect(node, Trouble::storage_stalls);
  world_.pause(node);
  count("pauses");
  later(10ms, 5s, [this, node] {
    world_.resume(node);
    over(node, Trouble::storage_stalls);
  });
}

void Storm::transfer() {
  const NodeId leader = world_.leader();
  if (leader == nobody) return;
  note("is asked to hand over", leader);
  world_.node(leader).transfer_leadership(any(), [](const Result<void>&) {});
}

void Storm::step_down() {
  const NodeId leader = world_.leader();
  if (leader == nobody) return;
  note("is asked to step down", leader);
  world_.node(leader).step_down();
}

void Storm::fire() {
  const NodeId node = any();
  if (!world_.is_up(node)) return;
  const Raft& raft = world_.raft(node);
  const bool leads = raft.role() == RoleName::leader;
  static constexpr Timer of_leaders[] = {Timer::heartbeat, Timer::check_quorum, Timer::transfer};
  const Timer timer = leads ? random_.pick(of_leaders) : Timer::election;
  const auto state = [&raft] { return std::pair(raft.role(), raft.term()); };
  const auto before = state();
  world_.node(node).expire(timer);
  if (state() != before || (leads && timer == Timer::heartbeat)) count("timers fired");
}

// Disks.

void Storm::slow_disk() {
  const NodeId node = victim();
  note("slow disk", node);
  expect(node, Trouble::storage_stalls);
  world_.disk(node).slow_down(random_.between(1ms, 100ms));
  later(500ms, 6s, [this, node] {
    world_.disk(node).slow_down(Duration(0));
    over(node, Trouble::storage_stalls);
  });
}

void Storm::hang_disk() {
  const NodeId node = victim();
  note("disk hangs", node);
  expect(node, Trouble::storage_stalls);
  world_.disk(node).hang(true);
  later(100ms, 8s, [this, node] {
    world_.disk(node).hang(false);
    over(node, Trouble::storage_stalls);
  });
}

// One operation fails. Most kinds make the node fail, which is started again when its disk is well; and since many are
// done only at a start, some nodes are started while it is not.
void Storm::break_disk() {
  const NodeId node = victim();
  if (!world_.is_up(node) || world_.checks().expects(node, Trouble::storage_fails)) return;
  static constexpr DiskOp often[] = {DiskOp::write, DiskOp::sync, DiskOp::create, DiskOp::read};
  static constexpr DiskOp seldom[] = {DiskOp::open, DiskOp::rename, DiskOp::remove, DiskOp::replace};
  const DiskOp op = random_.chance(0.7) ? random_.pick(often) : random_.pick(seldom);
  const bool many = op == DiskOp::write || op == DiskOp::sync || op == DiskOp::read;
  note(fmt::format("disk is to fail: {}", to_string(op)), node);
  expect(node, Trouble::storage_fails);
  world_.disk(node).fail(op, many ? random_.between(1, 5) : 1);
  if (random_.chance(0.4)) {
    world_.crash(node);
    later(0ms, 500ms, [this, node] { revive(node); });
  }
  later(600ms, 5s, [this, node] {
    world_.crash(node);
    mend_disk(node);
    revive(node);
  });
}

bool Storm::has_failed(NodeId node) { return world_.is_up(node) && world_.holds(sim::node(node).has_failed()); }

void Storm::mend_disk(NodeId node) {
  world_.disk(node).heal();
  world_.checks().expect_no_more(node, Trouble::storage_fails);
}

// A leader refuses commands, a follower takes no entries, both until there is room. Who had room promised before the
// space went, and then writes a batch larger than a segment, fails.
void Storm::fill_disk() {
  const NodeId node = victim();
  note("disk is full", node);
  expect(node, Trouble::storage_full);
  SimMedia& disk = world_.disk(node);
  disk.set_capacity(disk.used_bytes() + random_.below(20'000));
  later(500ms, 8s, [this, node] {
    world_.disk(node).set_capacity(SimMedia::ample);  // which the node finds out by its own clock
    if (!has_failed(node)) return;
    world_.crash(node);
    revive(node);
  });
}

// Clocks.

void Storm::clock_rate() {
  const NodeId node = victim();
  const bool fast = random_.chance(0.5);
  expect(node, Trouble::storage_stalls);
  world_.set_clock_rate(node, static_cast<std::int64_t>(fast ? random_.between(1'010'000, 10'000'000)
                                                             : random_.between(50'000, 990'000)));
  count("clock rates");
  later(1s, 10s, [this, node] { mend_clock(node); });
}

void Storm::clock_stop() {
  const NodeId node = victim();
  expect(node, Trouble::storage_stalls);
  world_.set_clock_rate(node, 0);
  count("stopped clocks");
  later(500ms, 6s, [this, node] { mend_clock(node); });
}

void Storm::mend_clock(NodeId node) {
  world_.set_clock_rate(node, Clock::true_rate);
  over(node, Trouble::storage_stalls);
}

void Storm::clock_jump() {
  const NodeId node = victim();
  expect(node, Trouble::storage_stalls);
  world_.jump_clock(node, random_.between(1ms, 20s));
  count("clock jumps");
  over(node, Trouble::storage_stalls);
}

void Storm::calm() {
  raging_ = false;
  mend_network();
  world_.network().heal();
  for (const NodeId node : world_.all()) {
    world_.set_clock_rate(node, Clock::true_rate);
    const bool about_to = world_.checks().expects(node, Trouble::storage_fails);
    if (about_to || has_failed(node)) world_.crash(node);
    world_.disk(node).heal();
    world_.resume(node);
    world_.restart(node);
  }
}

}  // namespace keel::sim
