#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "node/deadlines.hpp"
#include "node/drain.hpp"

namespace keel {

// Linearizable reads that wait: first for Raft's word up to where the state machine must be, then for it to get there.
// All that were asked for in one turn are one question to Raft, put when the turn's other inputs are in.
class Reads {
 public:
  void add(Completion<Index> done, std::optional<Instant> deadline);
  [[nodiscard]] std::size_t size() const { return live_; }

  // Whether some wait for the question to be put, and its number: that of its first read.
  [[nodiscard]] bool has_new() const { return !fresh_.waiting.empty(); }
  [[nodiscard]] ReadId ask();

  // Raft's answer to a question.
  void confirmed(ReadId id, Index index);
  void refused(ReadId id, const Error& why, Drain& drain);
  // The state machine has come to `index`.
  void applied(Index index, Drain& drain);

  void expire(Instant now, Drain& drain);
  [[nodiscard]] std::optional<Instant> next_deadline() const { return deadlines_.next(); }
  void end_all(const Error& why, Drain& drain);

  // Questions that are held, with or without Raft's answer: for tests of leaks.
  [[nodiscard]] std::size_t groups() const { return asked_.size() + confirmed_.size(); }

 private:
  struct Waiting {
    Completion<Index> done;  // empty: answered already
    bool has_deadline = false;
  };
  struct Group {
    Index index;
    std::vector<Waiting> waiting;
    std::size_t live = 0;  // of them; a group with none is forgotten
  };
  using Groups = std::map<std::uint64_t, Group>;  // by the number of their first read; the others' follow
  struct Place {
    Groups* groups;  // null: in `fresh_`
    Groups::iterator at;
    Waiting* read;
  };
  std::optional<Place> find(std::uint64_t number);
  void end(Group& group, const Result<Index>& result, Drain& drain);
  [[nodiscard]] std::uint64_t fresh_first() const { return last_number_ + 1 - fresh_.waiting.size(); }

  Group fresh_;
  Groups asked_;
  Groups confirmed_;  // Raft answers in the order of the questions, so their indices ascend too
  std::uint64_t last_number_ = 0;
  Deadlines<std::uint64_t> deadlines_;
  std::size_t live_ = 0;
};

}  // namespace keel
