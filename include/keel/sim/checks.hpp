#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keel/port/observer.hpp"
#include "keel/port/state_machine.hpp"
#include "keel/raft/invariants.hpp"
#include "keel/raft/raft.hpp"
#include "keel/wire/peer_message.hpp"

namespace keel::sim {

// What somebody may do to a node on purpose, and what the node may report because of it.
enum class Trouble : std::uint8_t {
  storage_fails,   // NodeFailed, with a storage's error; FetchFailed
  storage_stalls,  // StorageStalled: a slow disk, a clock that jumps, a process that stood still
  storage_full,    // StorageFull; NodeFailed, of a log that needs a segment and can make none
  machine_fails,   // MachineFailed
  storage_rots,    // NodeFailed and FetchFailed, because of something that is `corrupt`
};

struct Violation {
  std::string check;  // the name of the rule
  std::string text;   // what happened, where
};

// Judges a run from outside, step by step, with its own books: what every store was given and has made durable, every
// entry ever seen, every commit, every leader, everything that was applied. Each step costs what has changed in it.
//
//   election safety          one leader a term (also: one vote a node and term)
//   log matching             an entry's index and term determine it and all before it
//   leader completeness      a leader has every entry committed before its term
//   state machine safety     one entry an index, applied everywhere the same, with the same reply
//   commit                   only what is durable on a quorum, and led by an entry of the leader's own term
//   monotony                 term, commit and applied never go back; no vote is changed
//   promises                 no vote, no acknowledgement leaves before what it says is durable
//   durability               a node takes for durable what its store has said to be
//   recovery                 a store opens with a prefix of what it was given, at least what it called durable
//   invariants               keel/raft/invariants.hpp
//   unexpected event         errors (see is_error) that no Trouble explains
//
// The first violation is kept; nothing is thrown from here, because it is called from inside the nodes.
class SafetyChecks {
 public:
  explicit SafetyChecks(std::size_t nodes);

  [[nodiscard]] const std::optional<Violation>& violation() const { return violation_; }
  void violate(std::string_view check, std::string text);

  // A node's store: found this at open; is given a batch; has made the oldest unreported batch durable.
  void opened(NodeId node, const Recovered& recovered);
  void writes(NodeId node, const WriteBatch& batch);
  void wrote(NodeId node);
  // Its process is gone, with all that was not durable or may not be.
  void stopped(NodeId node);
  // Whether a batch is on its way to the node's disk.
  [[nodiscard]] bool writing(NodeId node) const { return !view(node).pending.empty(); }
  // From `expect` until as many `expect_no_more`, what the trouble makes this node report is no violation.
  void expect(NodeId node, Trouble trouble) { ++troubles(node, trouble); }
  void expect_no_more(NodeId node, Trouble trouble);
  void expect_nothing();  // of any node
  [[nodiscard]] bool expects(NodeId node, Trouble trouble) const;

  void sent(const PeerMessage& message);
  // `raft` is null while the node is starting.
  void happened(NodeId node, const NodeEvent& event, const Raft* raft);
  // True if what `compare` looks at has changed: it is to be held against the others that are up.
  [[nodiscard]] bool stepped(NodeId node, const Raft& raft);
  void compare(const Raft& a, const Raft& b);
  void applied(NodeId node, const Command& command, std::string_view reply);

  // What is known to be committed, by whom it may be: entries 1..committed().
  [[nodiscard]] Index committed() const { return Index(committed_.size()); }
  [[nodiscard]] std::optional<Term> committed_term(Index index) const;
  // The term of the entry at `index` that is durable on `node`.
  [[nodiscard]] std::optional<Term> durable_term(NodeId node, Index index) const;
  // The digest of the command applied at `index`, by whomever; nothing if none was.
  [[nodiscard]] std::optional<std::uint64_t> applied_digest(Index index) const;
  [[nodiscard]] const std::map<Term, NodeId>& leaders() const { return leaders_; }
  // Batches that were on their way at a crash and were gone, wholly or in part, at the next start; and that were there.
  [[nodiscard]] std::uint64_t writes_lost() const { return writes_lost_; }
  [[nodiscard]] std::uint64_t writes_survived() const { return writes_survived_; }

 private:
  // A batch on its way to the disk: all that matters of it.
  struct Pending {
    std::optional<HardState> hard_state;
    std::optional<LogPosition> reset_to;
    std::optional<Index> truncate_from;
    std::vector<Term> terms;
  };
  // What is durable on a node: the term of every entry from index 1 on (0: behind a snapshot, not known).
  struct Durable {
    HardState hard_state;
    std::vector<Term> terms;
    [[nodiscard]] Index last() const { return Index(terms.size()); }
  };
  // What was durable on a node at some time while its durable term was this one. A message may leave later: then a
  // higher term is durable, and perhaps only that one, because writes are gathered.
  struct Kept {
    NodeId vote{};
    Index last;
  };
  // What check_pair looks at, as it was when that was done last.
  struct Compared {
    RoleName role;
    Term term;
    Index commit;
    Index base;
    Index last;
    std::vector<TermRun> terms;
    [[nodiscard]] bool is_of(const Raft& raft) const;
  };
  struct View {
    bool known = false;                  // was open once
    std::array<unsigned, 5> troubles{};  // by Trouble: how many of it
    Durable durable;
    HardState written;  // the newest vote and term handed to the store
    Index last_written;
    std::deque<Pending> pending;
    std::map<Term, Kept> kept;
    std::map<Term, NodeId> votes;  // that have left the node
    std::optional<Remembered> before;
    std::optional<Compared> compared;
  };
  struct Variant {  // one of the entries that were ever at an index
    Term term;
    Term previous;
    std::uint64_t digest = 0;
    std::uint32_t next = 0;
  };
  struct Committed {
    Term term;  // of the entry
    Term seen;  // not below the term in which it was committed
  };
  struct AppliedEntry {
    Term term;
    std::uint64_t command = 0;
    std::uint64_t reply = 0;
    bool known = false;
  };

  View& view(NodeId node) { return views_[static_cast<std::size_t>(node.value()) - 1]; }
  [[nodiscard]] unsigned& troubles(NodeId node, Trouble trouble) {
    return view(node).troubles[static_cast<std::size_t>(trouble)];
  }
  void note_durable(View& view);
  static Index durable_for_good(const View& view);
  void check_explained(NodeId node, const NodeEvent& event);
  [[nodiscard]] const View& view(NodeId node) const { return views_[static_cast<std::size_t>(node.value()) - 1]; }
  void note_entry(NodeId node, Index index, Term previous, const Entry& entry);
  static bool agrees(const Durable& model, const Recovered& recovered);
  // How many of `pending` are in what was recovered, the last perhaps in part; nothing if no prefix explains it.
  static std::optional<std::size_t> survived(Durable model, const std::deque<Pending>& pending,
                                             const Recovered& recovered);
  // Whether a node of this term loses what is committed when it cuts its log at `index`.
  [[nodiscard]] bool loses_committed(NodeId node, Index index, Term term) const;
  void check_vote(NodeId node, NodeId candidate, const Message& message);
  void check_leader(NodeId node, Term term, const Raft& raft);
  void note_leader(NodeId node, Term term);
  void check_commits(NodeId node, const Raft& raft, Index from);

  std::optional<Violation> violation_;
  std::vector<View> views_;
  std::vector<std::uint32_t> entries_;  // by index: the newest variant's place in variants_ plus one
  std::vector<Variant> variants_;
  std::vector<Committed> committed_;   // by index, from 1
  std::vector<AppliedEntry> applied_;  // by index, from 1
  std::map<Term, NodeId> leaders_;
  std::uint64_t writes_lost_ = 0;
  std::uint64_t writes_survived_ = 0;
};

}  // namespace keel::sim
