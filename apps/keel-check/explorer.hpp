#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "replica.hpp"
#include "store.hpp"

namespace keel::check {

struct Progress {
  std::size_t states = 0;   // distinct
  std::size_t waiting = 0;  // of them, not yet looked at
  std::uint64_t steps = 0;  // between them
  unsigned depth = 0;       // steps from the start
  double seconds = 0;
};

enum class Ending : std::uint8_t { finished, violated, memory_full, out_of_time };

// One step of a scenario, as a person and a test need it.
struct Taken {
  Kind kind{};
  NodeId node{};  // whom it happens to
  unsigned operand = 0;
  std::optional<Message> message;  // that arrives, or is lost
  bool alone = true;               // no other message under way has its short form
  bool repeated = false;           // and stays under way
  std::vector<Message> left;       // what goes out for it
  unsigned fetches = 0;
  std::optional<RaftStatus> after;  // nothing if the node is no more
};

struct Outcome {
  Ending ending = Ending::finished;
  Progress progress;
  std::size_t capacity = 0;     // states that there is memory for
  std::size_t node_states = 0;  // distinct states of single nodes
  std::size_t messages = 0;     // distinct messages
  std::uint64_t audited = 0;    // pairs of unequal nodes that counted as one, with an input
  std::uint64_t too_many = 0;   // steps not taken because too many messages would be under way
  std::uint64_t too_late = 0;   // because of a term beyond the last
  std::string full;             // memory_full: which part of it
  std::string violation;        // violated: the rule, as a sentence
  std::vector<Taken> scenario;  // violated: the shortest way there

  // At most so likely is it that some state was taken for another one and not looked at.
  [[nodiscard]] double miss() const;
};

// Breadth first through everything that can happen to a few nodes within bounds.
//
// What one node does depends on nothing but its own state and the input, so each such step is taken once with the
// production Raft and remembered; a state of the world is then a handful of numbers: of each node's state, of the
// messages under way, of what was committed and who led, and of the budgets used.
class Explorer {
 public:
  explicit Explorer(const Bounds& bounds);
  Explorer(const Explorer&) = delete;
  Explorer& operator=(const Explorer&) = delete;

  // Once. `tell` is called about once a second.
  [[nodiscard]] Outcome run(const std::function<void(const Progress&)>& tell = {});

 private:
  static constexpr std::uint32_t none = FlatMap::none;

  struct World {
    std::uint32_t number = 0;
    std::uint32_t ledger = 0;
    std::uint32_t leaders = 0;  // four bits a term: who led it
    std::uint64_t used = 0;     // four bits a budget
    std::uint32_t floors = 0;  // eight bits a read that waits: up to where entries were committed when it was asked for
    std::uint32_t under_way = 0;
    std::array<std::uint32_t, most_nodes> nodes{};
    std::array<std::uint32_t, most_inflight> messages{};  // ascending
  };
  struct Found {
    World world;
    std::uint64_t hash = 0;
    std::uint16_t action = 0;
    std::uint8_t changed = 0;  // the node; most_nodes: none
  };

  // An entry as far as it is told apart from another one.
  struct Content {
    Term term;
    std::uint64_t digest = 0;
    bool operator==(const Content&) const = default;
  };
  struct Committed {
    Content entry;
    Term seen;  // not below the term it was committed in
    bool operator==(const Committed&) const = default;
  };
  using Ledger = std::vector<Committed>;  // by index, from 1

  // Something that can happen to a node in this state without a message.
  struct Offer {
    Kind kind;
    std::optional<Budget> budget;
    unsigned operand = 0;
  };
  struct Node {
    Replica replica;
    std::vector<Offer> offers;
    std::vector<Content> log;  // all that was written
    std::vector<Content> disk;
    std::uint32_t view = 0;  // equal for equal log, role, term and commit
  };
  // What came of an input, remembered.
  struct Step {
    std::uint32_t node = none;    // the state it leads to; none: broken, or beyond the bounds
    std::uint32_t left = 0;       // where in left_ the messages are that go out
    std::uint32_t broken = none;  // in sentences_
    std::uint16_t count = 0;
    std::uint8_t fetches = 0;
    std::uint8_t answered = 0;  // so many in reads_, from `reads` on
    std::uint32_t reads = 0;
    bool elected = false;
    bool committed = false;
  };

  // What an action means in a state. Actions are numbers: of a message and what becomes of it, or of a node and an offer.
  struct Choice {
    Kind kind{};
    unsigned node = 0;               // counted from 0
    std::uint32_t input = none;      // for `step`; none: no node is touched
    std::size_t message = no_place;  // in the world's; it leaves the network unless it is repeated
    bool repeated = false;
    std::optional<Budget> budget;
  };
  static constexpr std::size_t no_place = ~std::size_t{0};

  // explorer.cpp
  [[nodiscard]] World begin();
  void explore(const std::function<void(const Progress&)>& tell);
  void expand(const World& from);
  void consider(const World& from, std::uint16_t action);
  [[nodiscard]] bool change(World& world, const Choice& choice, const Step& step);
  void take(const World& from, Found& found);
  void look_at_clock(const std::function<void(const Progress&)>& tell);
  void end(Ending ending, std::string full = {});
  [[nodiscard]] Choice choice_of(const World& from, std::uint16_t action) const;
  [[nodiscard]] Progress progress() const;
  [[nodiscard]] std::size_t memory_of_the_rest() const;
  void push(const World& world);
  [[nodiscard]] World unpack(std::span<const std::uint32_t> words) const;
  [[nodiscard]] std::uint64_t hash_of(const World& world) const;

  // steps.cpp: what single nodes do.
  const Step& step(std::uint32_t node, std::uint32_t input);
  Step perform(std::uint32_t node, const Input& input);
  std::uint32_t intern(Replica&& replica);
  std::uint32_t intern(const Message& message);
  std::uint32_t intern(const Ledger& ledger);
  // Whether two nodes that count as one state also do the same: every input that either may meet leads both to states
  // that count as one, with the same messages. Throws InvariantBroken if not.
  void audit(const Node& known, const Replica& other);
  void audit(const Node& known, const Replica& other, const Input& input);
  [[nodiscard]] Input input_of(std::uint32_t input) const;
  [[nodiscard]] std::vector<Offer> offers_in(const Replica& replica) const;

  // rules.cpp: what only somebody can judge who sees all nodes and remembers.
  // Each returns the first sentence that does not hold.
  using Broken = std::optional<std::string>;
  [[nodiscard]] Broken note_leader(World& world, unsigned node);
  [[nodiscard]] Broken note_commit(World& world, unsigned node);
  [[nodiscard]] static bool holds(const Node& node, std::size_t at, const Content& entry);
  [[nodiscard]] Broken note_reads(World& world, const Choice& choice, const Step& step);
  [[nodiscard]] Broken judge_pairs(const World& world, unsigned node);
  [[nodiscard]] static Broken judge_pair(const Node& a, const Node& b);
  void violate(const World& from, std::uint16_t action, const std::string& sentence);

  // path.cpp
  [[nodiscard]] std::vector<Taken> path();

  Bounds bounds_;
  Driver driver_;
  Visited visited_;
  Queue waiting_;
  std::vector<Found> found_;
  std::optional<std::pair<std::uint32_t, std::uint16_t>> broken_at_;  // after this state, with this action
  Outcome outcome_;
  bool ended_ = false;
  unsigned depth_ = 0;
  std::uint64_t taken_ = 0;
  std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point told_;

  std::deque<Node> nodes_;
  std::unordered_map<std::uint64_t, std::uint32_t> node_numbers_;
  std::unordered_map<std::uint64_t, std::uint32_t> view_numbers_;
  std::deque<Message> messages_;
  std::unordered_map<std::uint64_t, std::uint32_t> message_numbers_;
  std::vector<Ledger> ledgers_;
  std::unordered_map<std::uint64_t, std::uint32_t> ledger_numbers_;
  FlatMap step_numbers_;
  std::vector<Step> steps_;
  std::vector<std::uint32_t> left_;
  std::vector<ReadReady> reads_;
  std::vector<std::string> sentences_;
  FlatMap pairs_;  // of views that agree
  std::size_t node_bytes_ = 0;
};

}  // namespace keel::check
