#pragma once

#include <bitset>
#include <map>
#include <optional>
#include <vector>

#include "keel/wire/peer_message.hpp"
#include "node/deadlines.hpp"
#include "node/drain.hpp"

namespace keel {

// Tags tell the forwarded commands of one node apart: which run of the node (drawn at its start), and a number that
// counts up within it. A run's tags are never another's, so a restarted node takes no old answer for a new one.
inline constexpr unsigned forward_run_bits = 24;
inline constexpr unsigned forward_count_bits = 64 - forward_run_bits;

// The commands of this node's callers that it has passed on to a leader. Each is pinned to the term of that leader, and
// nobody else, nor the same node in another term, may append it. So an entry of a later term, once applied here, proves
// that a command which has not come by then never will: it ends as discarded, whichever message was lost.
class Forwards {
 public:
  struct Waiting {
    NodeId leader;
    Term term;
    Completion<Applied> done;
    AppendedCallback appended;
    Context context;
    Instant deadline;
    std::size_t bytes = 0;  // of the command, which is kept nowhere here
  };

  explicit Forwards(std::uint64_t run);

  [[nodiscard]] std::uint64_t add(Waiting command);
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] Context context_of(std::uint64_t tag) const;

  // The leader's word, which counts only if it comes from whom we asked.
  void appended(NodeId from, std::uint64_t tag, LogPosition position, Drain& drain);
  void refused(NodeId from, std::uint64_t tag, Error why, Drain& drain);

  // The command with this tag is applied here.
  void applied(std::uint64_t tag, LogPosition position, Reply&& reply, Drain& drain);
  // An entry of this term is applied here: what was pinned to an earlier one is over.
  void term_applied(LogPosition position, Drain& drain);

  void expire(Instant now, Drain& drain);
  [[nodiscard]] std::optional<Instant> next_deadline() const { return deadlines_.next(); }
  void end_all(const Error& why, Drain& drain);

 private:
  using Map = std::map<std::uint64_t, Waiting>;  // ascending: in the order in which they were asked for
  void end(Map::iterator at, Result<Applied> result, Drain& drain);
  void erase(Map::iterator at);

  std::uint64_t next_tag_;
  Map waiting_;
  std::size_t bytes_ = 0;  // of them
  Deadlines<std::uint64_t> deadlines_;
  Term settled_;  // nothing pinned to a term before this waits
};

// What a leader remembers of the commands passed on to it, so that a message repeated by the network appends nothing
// twice (H59). Bounded: for each run of a node the last `window` numbers; for all, the most recent `max_runs` runs.
// A number that has fallen out of its window counts as seen.
class SeenForwards {
 public:
  // Whether this is the first time; remembers it.
  bool first_time(NodeId origin, std::uint64_t tag);

  static constexpr std::size_t window = 4096;
  static constexpr std::size_t max_runs = 256;

 private:
  struct Run {
    NodeId origin;
    std::uint64_t run = 0;
    std::uint64_t highest = 0;
    std::bitset<window> seen;
    std::uint64_t used = 0;
  };
  Run& run_of(NodeId origin, std::uint64_t run);

  std::vector<Run> runs_;
  std::uint64_t uses_ = 0;
};

}  // namespace keel
