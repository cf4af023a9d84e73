#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "keel/sim/random.hpp"

namespace keel::sim {

// When an operation was called and when it returned, as numbers on one line: larger is later, none is used twice.
struct Interval {
  static constexpr std::uint64_t open = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t called = 0;
  std::uint64_t returned = open;  // open: nobody knows whether it took effect, or will
};

// A sequential object. `step` is the state after `operation` took effect in `state`, or nothing if its result does not
// fit there; for an operation without a result every result fits. `only_reads` is true of an operation that changes no
// state in which it fits. `hash` may be anything that differs for states that do.
template <class M>
concept SequentialModel =
    std::equality_comparable<typename M::State> &&
    requires(const M& model, const typename M::State& state, const typename M::Operation& operation) {
      { model.step(state, operation) } -> std::same_as<std::optional<typename M::State>>;
      { model.only_reads(operation) } -> std::same_as<bool>;
      { model.hash(state) } -> std::same_as<std::uint64_t>;
      { operation.interval } -> std::convertible_to<Interval>;
    };

enum class Verdict : std::uint8_t { linearizable, violation, gave_up };

struct LinearizabilityResult {
  Verdict verdict = Verdict::linearizable;
  std::uint64_t tries = 0;
  // With a violation: the first operation that fits in no order found, by its place in the history.
  std::size_t stuck_at = 0;
};

// Whether there is an order of the operations that respects real time and in which each fits the model (Wing and Gong,
// 1993; with Lowe's memory of what was tried, 2017). An open operation may take effect at any time after its call, or
// never. At most `budget` tries; past it the answer is `gave_up`, which is not a pass.
//
// A read that fits is put in its place at once: if it could come later, it can come now. Only the others are tried in
// turns; also a write that would change nothing, because it may be wanted later, behind another.
//
// What was tried is remembered by a 128-bit hash of the operations taken and the model's 64-bit one of the state: two
// different tries agree with a probability of about tries² / 2⁶⁴.
template <SequentialModel Model>
class Linearizer {
 public:
  using Operation = typename Model::Operation;
  using State = typename Model::State;

  Linearizer(const Model& model, const std::vector<Operation>& history) : model_(model), history_(history) { link(); }

  LinearizabilityResult check(State state, std::uint64_t budget) {
    LinearizabilityResult result;
    std::size_t best = 0;
    take_reads(state);
    Candidate candidate = first_candidate();
    while (pending_ > 0) {
      if (result.tries >= budget) {
        result.verdict = Verdict::gave_up;
        return result;
      }
      if (candidate.operation != none) {
        ++result.tries;
        if (advance(candidate.operation, state)) {
          candidate = first_candidate();
          continue;
        }
        candidate = next_candidate(candidate);
        continue;
      }
      if (done_.size() >= best) {
        best = done_.size();
        result.stuck_at = first_return();
      }
      const std::size_t last_choice = step_back(state);
      if (last_choice == none) {
        result.verdict = Verdict::violation;
        return result;
      }
      candidate = next_candidate({last_choice});
    }
    return result;
  }

 private:
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

  struct Node {  // of the list of calls and returns in order of time
    std::size_t operation = none;
    bool is_return = false;
    std::size_t previous = none;
    std::size_t next = none;
  };
  struct Done {
    std::size_t operation;
    State before;
    bool chosen = true;  // among others; false: a read, nothing else would do better
  };
  struct Candidate {
    std::size_t operation;
  };
  struct Key {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return static_cast<std::size_t>(key.low); }
  };

  [[nodiscard]] bool is_open(std::size_t operation) const {
    return history_[operation].interval.returned == Interval::open;
  }

  // Node 0 is the head of the list. Open operations are kept apart: they are tried after the others, because most of
  // them did not take effect yet, or ever.
  void link() {
    std::vector<std::pair<std::uint64_t, Node>> order;
    Random random(0x6c696e);
    for (std::size_t i = 0; i < history_.size(); ++i) {
      keys_.push_back({random.next(), random.next()});
      if (is_open(i)) {
        open_.push_back(i);
        continue;
      }
      order.emplace_back(history_[i].interval.called, Node{i, false});
      order.emplace_back(history_[i].interval.returned, Node{i, true});
      ++pending_;
    }
    std::ranges::sort(order, {}, [](const auto& timed) { return timed.first; });
    std::ranges::sort(open_, {}, [this](std::size_t i) { return history_[i].interval.called; });
    used_.resize(history_.size());
    call_.resize(history_.size());
    return_.resize(history_.size());
    nodes_.emplace_back();
    for (const auto& [time, node] : order) {
      const std::size_t here = nodes_.size();
      nodes_.push_back({node.operation, node.is_return, here - 1, none});
      nodes_[here - 1].next = here;
      (node.is_return ? return_ : call_)[node.operation] = here;
    }
  }

  // The operation that must be linearized before any that is called later than its return.
  [[nodiscard]] std::size_t first_return() const {
    std::size_t node = nodes_[0].next;
    while (!nodes_[node].is_return)
      node = nodes_[node].next;
    return nodes_[node].operation;
  }

  Candidate first_candidate() const { return closed_from(nodes_[0].next); }
  Candidate next_candidate(Candidate after) const {
    if (!is_open(after.operation)) return closed_from(nodes_[call_[after.operation]].next);
    const auto place = std::ranges::find(open_, after.operation) - open_.begin();
    return open_from(static_cast<std::size_t>(place) + 1);
  }
  Candidate closed_from(std::size_t node) const {
    if (node == none) return {none};
    return nodes_[node].is_return ? open_from(0) : Candidate{nodes_[node].operation};
  }
  Candidate open_from(std::size_t place) const {
    const std::uint64_t limit = history_[first_return()].interval.returned;
    for (; place < open_.size() && history_[open_[place]].interval.called < limit; ++place) {
      if (!used_[open_[place]]) return {open_[place]};
    }
    return {none};
  }

  // False if it does not fit, or leads to where we have been.
  bool advance(std::size_t operation, State& state) {
    std::optional<State> after = model_.step(state, history_[operation]);
    if (!after) return false;
    take(operation, state, std::move(*after), true);
    take_reads(state);
    const std::uint64_t hash = model_.hash(state);
    if (tried_.insert({taken_.high ^ Random(hash).next(), taken_.low + Random(~hash).next()}).second) return true;
    step_back(state);
    return false;
  }

  void take_reads(State& state) {
    std::size_t node = nodes_[0].next;
    while (node != none && !nodes_[node].is_return) {
      const std::size_t operation = nodes_[node].operation;
      if (!model_.only_reads(history_[operation]) || !model_.step(state, history_[operation])) {
        node = nodes_[node].next;
        continue;
      }
      take(operation, state, state, false);
      node = nodes_[0].next;  // its return may have been what ended the list
    }
  }

  void take(std::size_t operation, State& state, State after, bool chosen) {
    taken_ = toggled(operation);
    done_.push_back({operation, std::exchange(state, std::move(after)), chosen});
    used_[operation] = true;
    if (is_open(operation)) return;
    unlink(call_[operation]);
    unlink(return_[operation]);
    --pending_;
  }

  // Takes back the last choice and what followed from it. Returns it, or `none` if there was none.
  std::size_t step_back(State& state) {
    while (!done_.empty()) {
      const Done last = std::move(done_.back());
      done_.pop_back();
      state = last.before;
      taken_ = toggled(last.operation);
      used_[last.operation] = false;
      if (!is_open(last.operation)) {
        relink(return_[last.operation]);
        relink(call_[last.operation]);
        ++pending_;
      }
      if (last.chosen) return last.operation;
    }
    return none;
  }

  [[nodiscard]] Key toggled(std::size_t operation) const {
    return {taken_.high ^ keys_[operation].high, taken_.low ^ keys_[operation].low};
  }
  void unlink(std::size_t node) {
    nodes_[nodes_[node].previous].next = nodes_[node].next;
    if (nodes_[node].next != none) nodes_[nodes_[node].next].previous = nodes_[node].previous;
  }
  void relink(std::size_t node) {
    nodes_[nodes_[node].previous].next = node;
    if (nodes_[node].next != none) nodes_[nodes_[node].next].previous = node;
  }

  const Model& model_;
  const std::vector<Operation>& history_;
  std::vector<Node> nodes_;
  std::vector<std::size_t> call_;
  std::vector<std::size_t> return_;
  std::vector<std::size_t> open_;
  std::vector<bool> used_;
  std::vector<Key> keys_;
  Key taken_;
  std::size_t pending_ = 0;  // completed operations that are not linearized yet
  std::vector<Done> done_;
  std::unordered_set<Key, KeyHash> tried_;  // asked, never walked
};

}  // namespace keel::sim
