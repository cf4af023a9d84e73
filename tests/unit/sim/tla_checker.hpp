#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace keel::sim {

// Judges the lines of a trace (keel/sim/tla_trace.hpp) one by one, from them alone: what each says of its node must be
// what follows from all lines before it. It has the rules from docs/simulator.md and Raft's own, and nothing of Keel.
class TlaChecker {
 public:
  // What is wrong with the line; nothing if it may be so.
  std::optional<std::string> check(const std::string& text);
  [[nodiscard]] const std::map<std::string, std::size_t>& seen() const { return seen_; }  // lines by event and message

 private:
  using Number = std::uint64_t;
  struct Message {
    std::string type, from, to;
    Number term = 0, entries = 0, log_term = 0, index = 0, commit = 0;
    bool reject = false;
    std::vector<Number> terms{};  // of the entries: in no line, but they follow from the sender's log
  };
  struct State {
    Number term = 0;
    std::string vote = "0";
    Number commit = 0;
    std::string role = "StateFollower";
    std::vector<Number> log{};  // the terms of its entries
  };
  struct Node {
    State now;
    State durable;
    std::set<std::string> answered{};
    std::set<std::string> granted{};
    std::map<std::string, Number> match{};
    std::vector<Message> pending{};      // sent, and not let go
    std::vector<std::string> next{};     // what its next lines must be, the last first
    bool appends = false;                // and has not acknowledged it to itself
    std::optional<Message> unhandled{};  // received, handled when the node has become a follower
  };
  struct Line {
    std::string name, node;
    State state;  // of the log only its length is known
    Number last = 0;
    std::string conf;
    std::optional<Message> message;
  };

  static Line parse(const std::string& text);
  [[nodiscard]] std::string apply(const Line& line);
  [[nodiscard]] std::string start(const Line& line, Node& node, bool first);
  [[nodiscard]] std::string send(const Line& line, Node& node);
  [[nodiscard]] std::string send_append(const Line& line, Node& node);
  [[nodiscard]] std::string receive(const Line& line, Node& node);
  [[nodiscard]] std::string handle(Node& node, const Message& message);
  [[nodiscard]] std::string handle_append(Node& node, const Message& message);
  [[nodiscard]] std::string campaign(const Line& line, Node& node);
  [[nodiscard]] std::string follow(Node& node);
  [[nodiscard]] std::string lead(const Line& line, Node& node);
  [[nodiscard]] std::string commit(Node& node);
  [[nodiscard]] bool quorum(std::size_t count) const { return 2 * count > members_.size(); }
  [[nodiscard]] static std::string compare(const Line& line, const State& state);
  [[nodiscard]] std::string safe(const std::string& id);

  std::set<std::string> members_;
  std::map<std::string, Node> nodes_;
  std::vector<Message> network_;
  std::map<Number, std::string> leaders_;  // by term
  std::vector<Number> committed_;          // the terms of what any node knows to be committed
  std::map<std::string, std::size_t> seen_;
};

}  // namespace keel::sim
