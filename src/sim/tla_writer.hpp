#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "keel/raft/raft.hpp"

namespace keel::sim {

// What a line says of a message.
struct TlaMessage {
  std::string_view type;
  Term term;
  NodeId from;
  NodeId to;
  std::uint64_t entries = 0;
  Term log_term = {};
  Index index = {};
  Index commit = {};
  bool reject = false;
  Index hint = {};
};

// What a line says of a node.
struct TlaState {
  Term term;
  NodeId vote;
  Index commit;
  RoleName role = RoleName::follower;
  Index last;
  bool operator==(const TlaState&) const = default;
};

// Writes down what nodes do, from what they were given and what they are before and after. It is told of one input at a
// time; what a node did by itself (a timer) is seen when it is looked at next.
//
// Two things are put in that specification's terms. The genesis is committed from the beginning: no commit index is below
// 1. And an append that begins below what its receiver has committed is written as the part behind that: that
// specification's follower would leave the rest aside.
class TlaWriter {
 public:
  explicit TlaWriter(std::size_t nodes) : nodes_(nodes), shown_(nodes) {}

  void started(NodeId node, const Raft& raft);
  void look(NodeId node, const Raft& raft);
  // A message, before it is handled, and when it has been.
  void receives(const Message& message, const Raft& raft);
  void received(const Message& message, const Raft& raft);
  // Given to the transport, to leave with the next `ready`.
  void sends(const Message& message, const Raft& raft);
  // Everything is durable, and what waited leaves. False if the last time said so already: nothing is written down.
  bool ready(NodeId node, const Raft& raft);
  // The node has heard that it is: what it says to itself has arrived.
  void arrived(NodeId node, const Raft& raft);

  [[nodiscard]] std::size_t size() const { return lines_.size(); }
  [[nodiscard]] std::string text(std::size_t number) const;
  [[nodiscard]] static Index committed(const Raft& raft) { return std::max(Index(1), raft.commit()); }
  // Whether that specification has such a message. It has no transfers, and no reads.
  [[nodiscard]] static bool knows(const Message& message);

 private:
  struct Line {
    std::string_view name;
    NodeId node;
    TlaState state;
    std::optional<TlaMessage> message;
  };
  struct Shown {
    TlaState state;
    TlaState ready;                   // when it was the last time
    bool waits = false;               // something has to leave since
    bool vote_to_self = false;        // on its way
    std::optional<Index> own_append;  // likewise: the last
  };
  // Which message this is: type, from, to, term, and what tells it from the others.
  using Key = std::tuple<std::size_t, NodeId, NodeId, Term, std::uint64_t, std::uint64_t, Index>;

  Shown& shown(NodeId node) { return shown_[static_cast<std::size_t>(node.value()) - 1]; }
  void line(std::string_view name, NodeId node, const TlaState& state,
            const std::optional<TlaMessage>& message = std::nullopt);
  void becomes_candidate(NodeId node, const TlaState& now, const Raft& raft);
  void appends(NodeId node, const TlaState& now);
  static std::optional<Key> key_of(const Message& message);
  TlaMessage as_sent(const Message& message, const TlaState& receiver);

  std::size_t nodes_;
  std::vector<Shown> shown_;
  std::vector<Line> lines_;
  std::map<Key, std::deque<std::size_t>> sent_;  // lines of messages that were not received yet
};

}  // namespace keel::sim
