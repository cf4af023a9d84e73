#include "keel/sim/condition.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "keel/sim/world.hpp"

namespace keel::sim {
namespace {

// A condition on the Raft of a node that is up.
template <class F>
Condition of_raft(NodeId id, std::string_view text, const F& test) {
  return {fmt::format("node {} {}", id.value(), text),
          [id, test](const World& world) { return world.is_up(id) && test(world.raft(id)); }};
}

bool led_by_one(const World& world) {
  const NodeId leader = world.leader();
  return leader != nobody && std::ranges::all_of(world.running(), [&](NodeId id) {
           const Raft& raft = world.raft(id);
           return raft.leader() == leader && raft.term() == world.raft(leader).term();
         });
}

}  // namespace

Condition operator&&(const Condition& a, const Condition& b) {
  return {a.text_ + ", and " + b.text_, [a = a.test_, b = b.test_](const World& world) { return a(world) && b(world); },
          [a, b](const World& world) {
            if (a.holds(world)) return b.missing(world);
            return b.holds(world) ? a.missing(world) : a.missing(world) + ", and " + b.missing(world);
          }};
}

Condition operator||(const Condition& a, const Condition& b) {
  return {"either " + a.text_ + ", or " + b.text_,
          [a = a.test_, b = b.test_](const World& world) { return a(world) || b(world); },
          [a, b](const World& world) { return "either " + a.missing(world) + ", or " + b.missing(world); }};
}

Condition operator!(const Condition& a) {
  return {"not: " + a.text_, [a = a.test_](const World& world) { return !a(world); }};
}

NodeRef node(std::uint64_t id) { return {NodeId(id)}; }
NodeRef node(NodeId id) { return {id}; }

Condition NodeRef::is_leader() const {
  return of_raft(id, "leads", [](const Raft& raft) { return raft.role() == RoleName::leader; });
}
Condition NodeRef::is_ready() const {
  return of_raft(id, "leads and is ready", [](const Raft& raft) { return raft.status().ready; });
}
Condition NodeRef::is_candidate() const {
  return of_raft(id, "is a candidate", [](const Raft& raft) { return raft.role() == RoleName::candidate; });
}
Condition NodeRef::is_follower() const {
  return of_raft(id, "is a follower", [](const Raft& raft) { return raft.role() == RoleName::follower; });
}
Condition NodeRef::follows(Who leader) const {
  return of_raft(id, fmt::format("follows node {}", leader.id.value()), [leader = leader.id](const Raft& raft) {
    return raft.role() == RoleName::follower && raft.leader() == leader;
  });
}
Condition NodeRef::knows_no_leader() const {
  return of_raft(id, "knows no leader", [](const Raft& raft) { return raft.leader() == nobody; });
}
Condition NodeRef::in_term(Term at_least) const {
  return of_raft(id, fmt::format("is in term {} or later", at_least.value()),
                 [at_least](const Raft& raft) { return raft.term() >= at_least; });
}
Condition NodeRef::has_entry(Index index) const {
  return of_raft(id, fmt::format("has entry {}, durable", index.value()),
                 [index](const Raft& raft) { return raft.log().stable() >= index; });
}
Condition NodeRef::committed(Index index) const {
  return of_raft(id, fmt::format("knows entry {} to be committed", index.value()),
                 [index](const Raft& raft) { return raft.commit() >= index; });
}
Condition NodeRef::applied(Index index) const {
  return of_raft(id, fmt::format("has applied entry {}", index.value()),
                 [index](const Raft& raft) { return raft.status().applied >= index; });
}
Condition NodeRef::where(std::string_view text, const std::function<bool(const Raft&)>& test) const {
  return of_raft(id, text, test);
}
Condition NodeRef::voted_for(Who candidate) const {
  return of_raft(id, fmt::format("has voted for node {}", candidate.id.value()),
                 [candidate = candidate.id](const Raft& raft) { return raft.hard_state().vote == candidate; });
}
Condition NodeRef::is_down() const {
  return {fmt::format("node {} is down", id.value()), [id = id](const World& world) { return !world.is_up(id); }};
}
Condition NodeRef::has_failed() const {
  return {fmt::format("node {} has failed", id.value()), [id = id](const World& world) {
            return world.is_up(id) && world.node(id).status().state == NodeState::failed;
          }};
}

Condition one_leader() { return {"all nodes that are up follow one ready leader", led_by_one}; }

Condition all_applied(Index index) {
  return {fmt::format("all nodes that are up have applied entry {}", index.value()), [index](const World& world) {
            return std::ranges::all_of(world.running(),
                                       [&](NodeId id) { return world.raft(id).status().applied >= index; });
          }};
}

Condition all_alike() {
  return {"all nodes that are up follow one ready leader, have its log, and have applied all of it",
          [](const World& world) {
            if (!led_by_one(world)) return false;
            const LogPosition end = world.raft(world.leader()).log().last();
            return std::ranges::all_of(world.running(), [&](NodeId id) {
              const RaftStatus status = world.raft(id).status();
              return world.raft(id).log().last() == end && status.applied == end.index && status.stable == end.index;
            });
          }};
}

Condition is_held(Messages which, std::size_t count) {
  const std::string text = fmt::format("{} held: {}", count, which.text());
  return {text,
          [which = std::move(which), count](const World& world) { return world.network().count_held(which) >= count; }};
}

Condition in_flight(Messages which, std::size_t count) {
  const std::string text = fmt::format("{} on their way: {}", count, which.text());
  return {text, [which = std::move(which), count](const World& world) {
            return world.network().count_in_flight(which) >= count;
          }};
}

}  // namespace keel::sim
