#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "keel/base/ids.hpp"
#include "keel/raft/raft.hpp"
#include "keel/sim/messages.hpp"

namespace keel::sim {

class World;

// Something that can be true of a World, in words too, so that a run that waits for it in vain can say what was missing.
// Combined with && || !.
class Condition {
 public:
  using Test = std::function<bool(const World&)>;
  Condition(std::string text, Test test) : text_(std::move(text)), test_(std::move(test)) {}

  [[nodiscard]] bool holds(const World& world) const { return test_(world); }
  [[nodiscard]] const std::string& text() const { return text_; }
  // Which parts of it do not hold, in words; the whole text if it has none.
  [[nodiscard]] std::string missing(const World& world) const { return missing_ ? missing_(world) : text_; }

  friend Condition operator&&(const Condition& a, const Condition& b);
  friend Condition operator||(const Condition& a, const Condition& b);
  friend Condition operator!(const Condition& a);

 private:
  using Explain = std::function<std::string(const World&)>;
  Condition(std::string text, Test test, Explain missing)
      : text_(std::move(text)), test_(std::move(test)), missing_(std::move(missing)) {}

  std::string text_;
  Test test_;
  Explain missing_;
};

// A node, in a script: `world.run_until(node(2).has_entry(command.index()))`. Of a node that is down nothing holds but
// `is_down`.
struct NodeRef {
  NodeId id;
  operator Who() const { return Who(id); }  // NOLINT(google-explicit-constructor)

  [[nodiscard]] Condition is_leader() const;  // in its own eyes
  [[nodiscard]] Condition is_ready() const;   // and has applied its term-start entry
  [[nodiscard]] Condition is_candidate() const;
  [[nodiscard]] Condition is_follower() const;
  [[nodiscard]] Condition follows(Who leader) const;
  [[nodiscard]] Condition knows_no_leader() const;
  [[nodiscard]] Condition in_term(Term at_least) const;
  [[nodiscard]] Condition has_entry(Index index) const;  // durable there
  [[nodiscard]] Condition committed(Index index) const;
  [[nodiscard]] Condition applied(Index index) const;
  // What is not covered above: node(2).where("has seen ten terms", [](const Raft& raft) { return …; }).
  [[nodiscard]] Condition where(std::string_view text, const std::function<bool(const Raft&)>& test) const;
  [[nodiscard]] Condition voted_for(Who candidate) const;  // in its term, durable or not
  [[nodiscard]] Condition is_down() const;
  [[nodiscard]] Condition has_failed() const;
};
[[nodiscard]] NodeRef node(std::uint64_t id);
[[nodiscard]] NodeRef node(NodeId id);

// Of all nodes that are up.
[[nodiscard]] Condition one_leader();  // all follow one, and it is ready
[[nodiscard]] Condition all_applied(Index index);
[[nodiscard]] Condition all_alike();  // one ready leader, equal logs, everything applied
// Of the network.
[[nodiscard]] Condition is_held(Messages which, std::size_t count = 1);
[[nodiscard]] Condition in_flight(Messages which, std::size_t count = 1);  // held or on their way

}  // namespace keel::sim
