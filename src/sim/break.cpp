// Where a script stops a run, and what it sees there.
#include <algorithm>

#include <fmt/format.h>

#include "keel/sim/world.hpp"
#include "sim/host.hpp"

namespace keel::sim {

std::string_view to_string(Moment moment) {
  switch (moment) {
    case Moment::sent: return "sent";
    case Moment::held: return "held";
    case Moment::delivered: return "delivered";
    case Moment::lost: return "lost";
  }
  return "sent";
}

// Patterns count: each is asked once for each message at its moment, and not again once it has what it wanted.
void World::look_for(Moment moment, const PeerMessage& message) {
  const auto look = [&](Wanted& wanted) {
    if (wanted.moment == moment && !wanted.seen && wanted.which.matches(message)) wanted.seen = message;
  };
  if (wanted_) look(*wanted_);
  for (Wanted& wanted : message_breaks_)
    look(wanted);
}

PeerMessage World::run_until(const Messages& which, Moment moment, std::optional<Duration> budget) {
  wanted_ = Wanted{which, moment};
  const Condition seen(fmt::format("{}: {}", to_string(moment), which.text()),
                       [](const World& world) { return world.wanted_->seen.has_value(); });
  try {
    run_until(seen, budget);
  } catch (...) {
    wanted_.reset();
    throw;
  }
  PeerMessage message = std::move(*wanted_->seen);
  wanted_.reset();
  return message;
}

void World::break_at(Condition condition) { breaks_.push_back(std::move(condition)); }

void World::break_at(Messages which, Moment moment) { message_breaks_.push_back({std::move(which), moment}); }

void World::check_breaks() {
  if (breaks_.empty() && message_breaks_.empty()) return;
  std::string hit;
  std::erase_if(breaks_, [&](const Condition& condition) {
    if (!condition.holds(*this)) return false;
    hit += condition.text() + "\n";
    return true;
  });
  std::erase_if(message_breaks_, [&](const Wanted& wanted) {
    if (!wanted.seen) return false;
    hit += fmt::format("{}: {}\n", to_string(wanted.moment), short_form(*wanted.seen));
    return true;
  });
  if (!hit.empty()) throw Failed("breakpoint", hit + inspect());
}

void World::shift_wall_clock(Who node, Duration by) {
  host(node).clock().shift_wall(by);
  trace_life(node.id, "clock", fmt::format("wall time shifted {} ms", by / std::chrono::milliseconds(1)));
}

std::string World::inspect() const {
  std::string text = describe();
  for (const NodeId id : running()) {
    for (const PeerStatus& peer : raft(id).status().peers) {
      text += fmt::format("\n  {} of {}: {} match {} next {}", id.value(), peer.id.value(), to_string(peer.state),
                          peer.match.value(), peer.next.value());
    }
  }
  for (const NodeId id : all()) {
    if (clock(id).rate() != Clock::true_rate)
      text += fmt::format("\n  clock {}: at {} ppm", id.value(), clock(id).rate());
    for (const NodeId other : all()) {
      if (network_.is_cut(id, other)) text += fmt::format("\n  cut: {} to {}", id.value(), other.value());
    }
  }
  const auto held = network_.held();
  for (const PeerMessage* message : network_.in_flight()) {
    const bool waits = std::ranges::find(held, message) != held.end();
    text += fmt::format("\n  {}: {}", waits ? "held" : "on its way", short_form(*message));
  }
  return text;
}

}  // namespace keel::sim
