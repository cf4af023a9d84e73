#include "sim/storm.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "keel/sim/sim_disk.hpp"

namespace keel::sim {
namespace {

using namespace std::chrono_literals;

// How long after the end of a fault a node may still report what came of it; longer than it lets a write wait.
constexpr Duration aftermath = 5s;
constexpr Duration before_next_try = 300ms;  // of a start that a disk refused
// For a crash in the middle of a write.
constexpr Duration between_looks = 200us;
constexpr Duration longest_wait_for_a_write = 50ms;
// Segments that may be at work: the one that is written to, and those that are made ready for it.
constexpr std::size_t open_segments = 3;

double probability(std::uint64_t of_1000) { return static_cast<double>(of_1000) / 1000; }

}  // namespace

const std::array<Storm::Begin, fault_kinds>& Storm::beginnings() {
  static const std::array<Begin, fault_kinds> all = {
      // by FaultKind
      &Storm::weather,   &Storm::bad_link,   &Storm::isolate,    &Storm::split,      &Storm::cut_pair,
      &Storm::one_way,   &Storm::crash,      &Storm::crash_all,  &Storm::pause,      &Storm::transfer,
      &Storm::step_down, &Storm::fire_timer, &Storm::slow_disk,  &Storm::hang_disk,  &Storm::break_disk,
      &Storm::fill_disk, &Storm::rot,        &Storm::clock_rate, &Storm::clock_stop, &Storm::clock_jump};
  return all;
}

Storm::Storm(World& world, const Schedule& schedule) : world_(world), schedule_(schedule), fair_(schedule.world.link) {}

void Storm::start() {
  raging_ = true;
  next();
}

void Storm::next() {
  if (begun_ == schedule_.faults.size()) return;
  world_.timeline().post(0, SimTime(schedule_.faults[begun_].at), [this] {
    if (!raging_) return;
    const PlannedFault& fault = schedule_.faults[begun_++];
    const NodeId leader = fault.leader ? world_.leader() : nobody;
    const NodeId node = leader == nobody ? fault.node : leader;
    (this->*beginnings()[static_cast<std::size_t>(fault.kind)])(fault, node);
    next();
  });
}

// What was planned before the calm does not happen after it.
void Storm::later(Duration after, std::function<void()> what) {
  world_.timeline().post(0, world_.now() + after, [this, what = std::move(what)] {
    if (raging_) what();
  });
}

void Storm::note(std::string_view what, NodeId node) { world_.note(TraceKind::fault, node, what); }

// What took effect. Effects that show elsewhere (on messages, on disks, in events) are counted there.
void Storm::count(std::string_view what) {
  counters_.add(fmt::format("faults: {}", what));
  note(what);
}

void Storm::expect(NodeId node, Trouble trouble) { world_.checks().expect(node, trouble); }

void Storm::over(NodeId node, Trouble trouble) {
  later(aftermath, [this, node, trouble] { world_.checks().expect_no_more(node, trouble); });
}

// The network.

Link Storm::changed(const PlannedFault& fault) const {
  Link link = fair_;
  link.loss = probability(fault.loss);
  link.duplicate = probability(fault.duplicate);
  link.reorder = probability(fault.reorder);
  link.spike = probability(fault.spike);
  link.spike_latency = fault.spike_latency;
  link.unreachable_hint = probability(fault.hint);
  link.bytes_per_second = fault.bandwidth;
  if (fault.slower > 0) link.max_latency *= static_cast<Duration::rep>(fault.slower);
  return link;
}

template <class Each>
void Storm::each_in(std::uint64_t bits, Each each) {
  for (const NodeId node : world_.all()) {
    if ((bits >> (node.value() - 1) & 1) != 0) each(node);
  }
}

void Storm::weather(const PlannedFault& fault, NodeId) {
  world_.network().set_links(changed(fault));
  note(describe(fault));
  later(fault.lasts, [this] { world_.network().set_links(fair_); });
}

void Storm::bad_link(const PlannedFault& fault, NodeId node) {
  if (fault.other == nobody || fault.other == node) return;
  world_.network().set_link(node, fault.other, changed(fault));
  count("bad links");
  later(fault.lasts, [this, node, other = fault.other] { world_.network().set_link(node, other, fair_); });
}

void Storm::heal_later(const PlannedFault& fault) {
  later(fault.lasts, [this] { world_.network().heal(); });
}

void Storm::isolate(const PlannedFault& fault, NodeId node) {
  if (world_.size() < 2) return;
  world_.network().isolate(node);
  count("full partitions");
  heal_later(fault);
}

void Storm::split(const PlannedFault& fault, NodeId) {
  bool any_cut = false;
  each_in(fault.with, [&](NodeId one) {
    each_in(~fault.with, [&](NodeId other) {
      world_.network().cut_between(one, other);
      any_cut = true;
    });
  });
  if (!any_cut) return;
  count("full partitions");
  heal_later(fault);
}

void Storm::cut_pair(const PlannedFault& fault, NodeId node) {
  if (fault.other == nobody || fault.other == node) return;
  world_.network().cut_between(node, fault.other);
  count("partial partitions");
  heal_later(fault);
}

void Storm::one_way(const PlannedFault& fault, NodeId node) {
  bool any_cut = false;
  each_in(fault.with, [&](NodeId other) {
    if (other == node) return;
    world_.network().cut(fault.inbound ? other : node, fault.inbound ? node : other);
    any_cut = true;
  });
  if (!any_cut) return;
  count("one-way cuts");
  heal_later(fault);
}

// Processes.

void Storm::crash(const PlannedFault& fault, NodeId node) {
  if (fault.mid_write) return crash_in_write(fault, node, world_.now() + longest_wait_for_a_write);
  crash_now(fault, node);
}

void Storm::crash_in_write(const PlannedFault& fault, NodeId node, SimTime latest) {
  if (world_.checks().writing(node) || world_.now() >= latest) return crash_now(fault, node);
  later(between_looks, [this, &fault, node, latest] { crash_in_write(fault, node, latest); });
}

void Storm::crash_now(const PlannedFault& fault, NodeId node) {
  if (!world_.is_up(node)) return;
  world_.crash(node);
  if (fault.change_settings) {
    bool& pre_vote = world_.options(node).raft.pre_vote;
    pre_vote = !pre_vote;
    count("settings changed");
  }
  later(fault.lasts, [this, node] { revive(node); });
}

// The power of all fails at once; they are back one after the other.
void Storm::crash_all(const PlannedFault& fault, NodeId) {
  const std::vector<NodeId> running = world_.running();
  if (running.size() < 2) return;
  Duration back = fault.lasts;
  for (const NodeId node : running) {
    world_.crash(node);
    later(back, [this, node] { revive(node); });
    back += fault.lasts / 4;
  }
  count("all crashed");
}

void Storm::revive(NodeId node) {
  if (world_.is_up(node)) return;
  const auto started = world_.try_restart(node);
  if (started) return;
  if (started.error().code == ErrorCode::corrupt && rotten_.contains(node)) {
    return count("flipped bits found at a start");  // and the node is lost
  }
  if (!world_.checks().expects(node, Trouble::storage_fails)) world_.fail("restart", started.error().message);
  count("starts refused by a disk");
  later(before_next_try, [this, node] { revive(node); });
}

void Storm::pause(const PlannedFault& fault, NodeId node) {
  if (!world_.is_up(node) || world_.is_paused(node)) return;
  expect(node, Trouble::storage_stalls);
  world_.pause(node);
  count("pauses");
  later(fault.lasts, [this, node] {
    world_.resume(node);
    over(node, Trouble::storage_stalls);
  });
}

void Storm::transfer(const PlannedFault& fault, NodeId node) {
  if (!world_.is_up(node) || fault.other == nobody) return;
  note("is asked to hand over", node);
  world_.node(node).transfer_leadership(fault.other, [](const Result<void>&) {});
}

void Storm::step_down(const PlannedFault&, NodeId node) {
  if (!world_.is_up(node)) return;
  note("is asked to step down", node);
  world_.node(node).step_down();
}

void Storm::fire_timer(const PlannedFault& fault, NodeId node) {
  if (!world_.is_up(node)) return;
  const Raft& raft = world_.raft(node);
  const bool leads = raft.role() == RoleName::leader;
  static constexpr std::array of_leaders = {Timer::heartbeat, Timer::check_quorum, Timer::transfer};
  const Timer timer = leads ? of_leaders[fault.timer % of_leaders.size()] : Timer::election;
  const auto state = [&raft] { return std::pair(raft.role(), raft.term()); };
  const auto before = state();
  world_.node(node).expire(timer);
  if (state() != before || (leads && timer == Timer::heartbeat)) count("timers fired");
}

// Disks.

void Storm::slow_disk(const PlannedFault& fault, NodeId node) {
  note("slow disk", node);
  expect(node, Trouble::storage_stalls);
  world_.disk(node).slow_down(fault.by);
  later(fault.lasts, [this, node] {
    world_.disk(node).slow_down(Duration(0));
    over(node, Trouble::storage_stalls);
  });
}

void Storm::hang_disk(const PlannedFault& fault, NodeId node) {
  note("disk hangs", node);
  expect(node, Trouble::storage_stalls);
  world_.disk(node).hang(true);
  later(fault.lasts, [this, node] {
    world_.disk(node).hang(false);
    over(node, Trouble::storage_stalls);
  });
}

// One operation fails. Most kinds make the node fail, which is started again when its disk is well; and since many are
// done only at a start, some nodes are started while it is not.
void Storm::break_disk(const PlannedFault& fault, NodeId node) {
  if (!world_.is_up(node) || world_.checks().expects(node, Trouble::storage_fails)) return;
  note(fmt::format("disk is to fail: {}", to_string(fault.op)), node);
  expect(node, Trouble::storage_fails);
  world_.disk(node).fail(fault.op, fault.nth);
  if (fault.power_cut) {
    world_.crash(node);
    later(fault.lasts / 8, [this, node] { revive(node); });
  }
  later(fault.lasts, [this, node] {
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
void Storm::fill_disk(const PlannedFault& fault, NodeId node) {
  note("disk is full", node);
  expect(node, Trouble::storage_full);
  SimMedia& disk = world_.disk(node);
  disk.set_capacity(disk.used_bytes() + fault.room);
  later(fault.lasts, [this, node] {
    world_.disk(node).set_capacity(SimMedia::ample);  // which the node finds out by its own clock
    if (!has_failed(node)) return;
    world_.crash(node);
    revive(node);
  });
}

// A bit is not what it was when the node comes back. The store must refuse to open, or the node must stop when it comes
// to read it; the cluster does without that node from then on. So this never meets as many as a majority cannot do
// without.
void Storm::rot(const PlannedFault& fault, NodeId node) {
  if (schedule_.world.log != LogKind::write_ahead || !world_.is_up(node) || has_failed(node)) return;
  if (!rotten_.contains(node) && rotten_.size() >= (world_.size() - 1) / 2) return;
  world_.crash(node);
  if (flip_a_bit(node, fault.place)) {
    if (rotten_.insert(node).second) expect(node, Trouble::storage_rots);
    count("bits flipped");
  }
  later(fault.lasts, [this, node] { revive(node); });
}

// In a segment that is full, or in the file of votes: of what the log's last segment holds, the store can tell damage from
// a write that was torn only where something says that it was synced.
bool Storm::flip_a_bit(NodeId node, std::uint64_t place) {
  SimMedia& disk = world_.disk(node);
  std::vector<std::string> names;  // in the order of their numbers
  bool has_vote = false;
  for (std::string& name : disk.files()) {
    has_vote = has_vote || name == "vote";
    if (name.starts_with("log-") && !name.ends_with(".tmp")) names.push_back(std::move(name));
  }
  names.resize(names.size() - std::min(names.size(), open_segments));
  if (names.empty() && has_vote) names.emplace_back("vote");
  if (names.empty()) return false;
  Random random(place);
  const std::string name = random.pick(names);
  const std::uint64_t offset = random.below(disk.size(name));
  disk.flip(name, offset, static_cast<unsigned>(random.below(std::uint64_t{8})));
  note(fmt::format("a bit of {} flips, in byte {}", name, offset), node);
  return true;
}

// Clocks.

void Storm::clock_rate(const PlannedFault& fault, NodeId node) {
  expect(node, Trouble::storage_stalls);
  world_.set_clock_rate(node, static_cast<std::int64_t>(fault.rate));
  count("clock rates");
  later(fault.lasts, [this, node] { mend_clock(node); });
}

void Storm::clock_stop(const PlannedFault& fault, NodeId node) {
  expect(node, Trouble::storage_stalls);
  world_.set_clock_rate(node, 0);
  count("stopped clocks");
  later(fault.lasts, [this, node] { mend_clock(node); });
}

void Storm::mend_clock(NodeId node) {
  world_.set_clock_rate(node, Clock::true_rate);
  over(node, Trouble::storage_stalls);
}

void Storm::clock_jump(const PlannedFault& fault, NodeId node) {
  expect(node, Trouble::storage_stalls);
  world_.jump_clock(node, fault.by);
  count("clock jumps");
  over(node, Trouble::storage_stalls);
}

void Storm::calm() {
  raging_ = false;
  world_.network().set_links(fair_);
  world_.network().heal();
  for (const NodeId node : world_.all()) {
    world_.set_clock_rate(node, Clock::true_rate);
    const bool about_to = world_.checks().expects(node, Trouble::storage_fails);
    const bool failed = has_failed(node);
    if (failed && rotten_.contains(node)) count("flipped bits found by a node");
    if (about_to || failed || rotten_.contains(node)) world_.crash(node);
    world_.disk(node).heal();
    world_.resume(node);
    if (!rotten_.contains(node)) world_.restart(node);
  }
}

}  // namespace keel::sim
