#pragma once

#include <cstddef>
#include <map>
#include <optional>

#include "keel/raft/ring.hpp"
#include "node/deadlines.hpp"
#include "node/drain.hpp"

namespace keel {

// The commands of this node's callers that it has appended itself, while it led: each waits at its place in the log
// until what is applied there, or before it, settles its fate.
//
// A command at (term t, index i) will never apply once an entry of another term is applied at i, or one of a later term
// at any index before: terms in a log never go back, so no log that holds that entry can hold the command behind it.
// Every new leader commits an entry of its own term first; so whoever follows the log soon knows. Truncation alone
// proves nothing (C-16b), nor does losing leadership: the command goes on waiting.
class Commands {
 public:
  struct Waiting {
    LogPosition position;
    Completion<Applied> done;  // empty: answered already, the place is all that is left
    Context context;
    std::optional<Instant> deadline;
  };

  void add(Waiting command);
  [[nodiscard]] std::size_t size() const { return live_; }

  // The context of the command there, if it waits; null otherwise.
  [[nodiscard]] Context context_at(LogPosition position);

  // The entry at `position` is applied. Called for every entry in order; `reply` is null for entries that have none.
  void applied(LogPosition position, Reply* reply, Drain& drain);

  void expire(Instant now, Drain& drain);
  [[nodiscard]] std::optional<Instant> next_deadline() const { return deadlines_.next(); }

  // Ends everything: with `unsent` what lies behind `issued` and is in no log, with `unknown` the rest.
  void end_all(LogPosition issued, const Error& unsent, const Error& unknown, Drain& drain);

  // What is held, dead or alive: for tests of leaks.
  [[nodiscard]] std::size_t places() const { return waiting_.size() + displaced_.size() + deadlines_.size(); }

 private:
  Waiting* find(LogPosition position);
  void settle(Waiting& command, LogPosition position, Reply* reply, Drain& drain);
  void forget(Waiting& command);
  void drop_dead();

  Ring<Waiting> waiting_;                    // index and term ascend together
  std::multimap<Index, Waiting> displaced_;  // whose places newer commands of this node have taken since
  Deadlines<LogPosition> deadlines_;
  std::size_t live_ = 0;
  Term applied_term_;
};

}  // namespace keel
