#pragma once

#include <cstdint>
#include <deque>
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

  // Whether some wait for the question to be put, and its number.
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

 private:
  struct Waiting {
    Completion<Index> done;  // empty: answered already
    bool has_deadline = false;
  };
  struct Group {
    ReadId id;
    Index index;
    std::uint64_t first = 0;  // the number of its first read; the others follow
    std::vector<Waiting> waiting;
  };
  Waiting* find(std::uint64_t number);
  static Waiting* find_in(Group& group, std::uint64_t number);
  std::deque<Group>::iterator group_of(ReadId id);
  void end(Group& group, const Result<Index>& result, Drain& drain);

  Group fresh_;
  std::deque<Group> asked_;  // by id
  std::vector<Group> confirmed_;
  ReadId last_id_;
  std::uint64_t last_number_ = 0;
  Deadlines<std::uint64_t> deadlines_;
  std::size_t live_ = 0;
};

}  // namespace keel
