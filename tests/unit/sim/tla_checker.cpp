#include "tla_checker.hpp"

#include <algorithm>

namespace keel::sim {
namespace {

constexpr std::string_view leader = "StateLeader";
constexpr std::string_view candidate = "StateCandidate";
constexpr std::string_view follower = "StateFollower";

// The value behind `"key":` in flat text, without quotes.
std::string value_of(std::string_view text, std::string_view key) {
  const std::string label = '"' + std::string(key) + "\":";
  const std::size_t at = text.find(label);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + label.size());
  if (text.starts_with('"')) return std::string(text.substr(1, text.find('"', 1) - 1));
  return std::string(text.substr(0, text.find_first_of(",}")));
}

std::uint64_t number_of(std::string_view text, std::string_view key) { return std::stoull(value_of(text, key)); }

std::string text_of(std::uint64_t number) { return std::to_string(number); }

std::uint64_t last_term(const std::vector<std::uint64_t>& log) { return log.empty() ? 0 : log.back(); }

bool is_receive(std::string_view name) { return name.starts_with("Receive"); }

}  // namespace

TlaChecker::Line TlaChecker::parse(const std::string& text) {
  Line line;
  const std::size_t said = text.find(R"(,"msg":{)");
  const std::string_view head = std::string_view(text).substr(0, said);
  line.name = value_of(head, "name");
  line.node = value_of(head, "nid");
  line.state.term = number_of(head, "term");
  line.state.vote = value_of(head, "vote");
  line.state.commit = number_of(head, "commit");
  line.state.role = value_of(head, "role");
  line.last = number_of(head, "log");
  const std::size_t conf = head.find(R"("conf":[[)") + 9;
  line.conf = head.substr(conf, head.find("],[]]", conf) - conf);
  if (said == std::string::npos) return line;
  const std::string_view body = std::string_view(text).substr(said + 7);
  line.message = Message{.type = value_of(body, "type"),
                         .from = value_of(body, "from"),
                         .to = value_of(body, "to"),
                         .term = number_of(body, "term"),
                         .entries = number_of(body, "entries"),
                         .log_term = number_of(body, "logTerm"),
                         .index = number_of(body, "index"),
                         .commit = number_of(body, "commit"),
                         .reject = value_of(body, "reject") == "true"};
  return line;
}

std::optional<std::string> TlaChecker::check(const std::string& text) {
  const Line line = parse(text);
  ++seen_[line.name + (line.message ? " " + line.message->type + (line.message->reject ? " no" : "") : "")];
  std::string wrong = apply(line);
  if (wrong.empty()) wrong = safe(line.node);
  if (wrong.empty()) return std::nullopt;
  return wrong + ": " + text;
}

std::string TlaChecker::compare(const Line& line, const State& state) {
  const State& said = line.state;
  if (said.term != state.term) return "its term must be " + text_of(state.term);
  if (said.vote != state.vote) return "its vote must be for " + state.vote;
  if (said.commit != state.commit) return "its commit index must be " + text_of(state.commit);
  if (said.role != state.role) return "its role must be " + state.role;
  if (line.last != state.log.size()) return "its log must end at " + text_of(state.log.size());
  return {};
}

std::string TlaChecker::apply(const Line& line) {
  const bool first = !nodes_.contains(line.node);
  Node& node = nodes_[line.node];
  if (line.name == "InitState") return start(line, node, first);
  if (first) return "a node begins with InitState";
  if (!node.next.empty()) {
    if (node.next.back() != line.name) return "it must be " + node.next.back();
    node.next.pop_back();
  }
  if (node.appends && line.name != "Replicate" && line.name != "SendAppendEntriesResponse") {
    return "a leader acknowledges first what it appends";
  }

  std::string wrong;
  if (is_receive(line.name)) return receive(line, node);
  if (line.name == "Replicate") {  // what it says is from before the entry
    if (node.now.role != leader) return "only a leader appends";
    wrong = compare(line, node.now);
    node.now.log.push_back(node.now.term);
    node.appends = true;
    return wrong;
  }
  if (line.name == "BecomeCandidate")
    wrong = campaign(line, node);
  else if (line.name == "BecomeFollower")
    wrong = follow(node);
  else if (line.name == "BecomeLeader")
    wrong = lead(line, node);
  else if (line.name == "Commit")
    wrong = commit(node);
  else if (line.name.starts_with("Send"))
    wrong = send(line, node);
  else if (line.name == "Ready") {
    node.durable = node.now;
    network_.insert(network_.end(), node.pending.begin(), node.pending.end());
    node.pending.clear();
  } else {
    return "there is no such event";
  }
  if (wrong.empty()) wrong = compare(line, node.now);
  if (!wrong.empty() || !node.unhandled) return wrong;
  const Message message = *node.unhandled;
  node.unhandled.reset();
  return handle(node, message);
}

// The first line of a node says what it begins with: the first configuration, committed. Each later one is a restart.
std::string TlaChecker::start(const Line& line, Node& node, bool first) {
  if (first) {
    node.now.term = 1;
    node.now.log.assign(line.last, 1);
    node.now.commit = line.last;
    for (std::size_t at = 0; at < line.conf.size(); at += 4)
      members_.insert(line.conf.substr(at + 1, 1));
    if (!members_.contains(line.node)) return "a node is in its configuration";
  } else {
    node.now = node.durable;
    node.now.role = follower;
    node.pending.clear();
    node.next.clear();
    node.appends = false;
    node.unhandled.reset();
    node.match.clear();
    node.answered.clear();
    node.granted.clear();
  }
  node.durable = node.now;
  return compare(line, node.now);
}

std::string TlaChecker::campaign(const Line& line, Node& node) {
  if (node.now.role == leader) return "a leader does not campaign";
  ++node.now.term;
  node.now.vote = line.node;
  node.now.role = candidate;
  node.answered.clear();
  node.granted.clear();
  for (const std::string& member : members_)
    node.next.push_back(member == line.node ? "SendRequestVoteResponse" : "SendRequestVoteRequest");
  std::ranges::reverse(node.next);
  return {};
}

std::string TlaChecker::follow(Node& node) {
  if (node.unhandled && node.unhandled->term > node.now.term) {
    node.now.term = node.unhandled->term;
    node.now.vote = "0";
  } else if (node.now.role == follower) {
    return "it is a follower already";
  }
  node.now.role = follower;
  return {};
}

std::string TlaChecker::lead(const Line& line, Node& node) {
  if (node.now.role != candidate) return "only a candidate is elected";
  if (!quorum(node.granted.size())) return "no majority has voted for it";
  const auto [found, fresh] = leaders_.emplace(node.now.term, line.node);
  if (!fresh && found->second != line.node) return "two leaders in one term";
  node.now.role = leader;
  node.match.clear();
  node.match[line.node] = node.now.log.size();
  node.next = {"Replicate"};
  return {};
}

std::string TlaChecker::commit(Node& node) {
  if (node.now.role != leader) return "only a leader commits";
  std::vector<Number> held;
  for (const std::string& member : members_)
    held.push_back(node.match[member]);
  std::ranges::sort(held, std::greater());
  const Number agreed = held[members_.size() / 2];
  if (agreed > 0 && agreed <= node.now.log.size() && node.now.log[agreed - 1] == node.now.term) {
    node.now.commit = std::max(node.now.commit, agreed);
  }
  return {};
}

std::string TlaChecker::send(const Line& line, Node& node) {
  if (!line.message) return "nothing is sent";
  Message message = *line.message;
  if (message.from != line.node) return "a node speaks for itself";
  if (message.term != node.now.term) return "a message is of its sender's term";
  if (!members_.contains(message.to)) return "it goes to a stranger";
  const bool to_itself = message.to == line.node;
  if (line.name == "SendAppendEntriesRequest") return send_append(line, node);
  if (line.name == "SendRequestVoteRequest") {
    if (node.now.role != candidate || to_itself || message.type != "MsgVote") return "nobody asks so for a vote";
    if (node.answered.contains(message.to)) return "that vote is known";
    if (message.index != node.now.log.size() || message.log_term != last_term(node.now.log)) {
      return "it must tell where its log ends";
    }
  } else if (line.name == "SendRequestVoteResponse") {
    if (node.now.role != candidate || !to_itself || message.reject || message.type != "MsgVoteResp") {
      return "a candidate votes for itself";
    }
  } else if (line.name == "SendAppendEntriesResponse") {
    if (node.now.role != leader || !to_itself || message.reject || message.type != "MsgAppResp") {
      return "a leader acknowledges what it appends";
    }
    if (message.index != node.now.log.size()) return "it must acknowledge its last entry";
    node.appends = false;
  } else {
    return "there is no such event";
  }
  node.pending.push_back(std::move(message));
  return {};
}

std::string TlaChecker::send_append(const Line& line, Node& node) {
  Message message = *line.message;
  if (node.now.role != leader || message.to == line.node) return "only a leader appends, on others";
  const Number match = node.match[message.to];
  if (message.type == "MsgHeartbeat") {
    if (message.index != 0 || message.entries != 0) return "a heartbeat has no index and no entries";
    if (message.commit != std::min(node.now.commit, match)) return "it must commit what the receiver is known to hold";
  } else if (message.type == "MsgApp") {
    const Number end = message.index + message.entries;
    if (message.index < match) return "it begins below what the receiver is known to hold";
    if (end > node.now.log.size()) return "its log does not reach so far";
    if (message.log_term != (message.index == 0 ? 0 : node.now.log[message.index - 1])) return "that is another term";
    if (message.commit != std::min(node.now.commit, end)) return "it must commit no more than it holds";
    const auto from = node.now.log.begin();
    message.terms.assign(from + static_cast<std::ptrdiff_t>(message.index), from + static_cast<std::ptrdiff_t>(end));
  } else {
    return "there is no such append";
  }
  node.pending.push_back(std::move(message));
  return {};
}

// From the network: sent, let go, and not received yet. What is said of a refusal's index does not matter.
std::string TlaChecker::receive(const Line& line, Node& node) {
  if (!line.message) return "nothing is received";
  const Message& said = *line.message;
  if (said.to != line.node) return "it is for another";
  const std::string_view asks = std::string_view(line.name).substr(7);
  const bool fits = said.type == "MsgVote"                                 ? asks == "RequestVoteRequest"
                    : said.type == "MsgVoteResp"                           ? asks == "RequestVoteResponse"
                    : said.type == "MsgApp" || said.type == "MsgHeartbeat" ? asks == "AppendEntriesRequest"
                                                                           : asks == "AppendEntriesResponse";
  if (!fits) return "that is another kind of message";
  if (std::string wrong = compare(line, node.now); !wrong.empty()) return wrong + ", before it is handled";
  const bool exact = said.type == "MsgVote" || said.type == "MsgApp" || said.type == "MsgHeartbeat" ||
                     (said.type == "MsgAppResp" && !said.reject);
  const auto found = std::ranges::find_if(network_, [&](const Message& m) {
    return m.type == said.type && m.from == said.from && m.to == said.to && m.term == said.term &&
           m.reject == said.reject &&
           (!exact || (m.entries == said.entries && m.log_term == said.log_term && m.index == said.index &&
                       m.commit == said.commit));
  });
  if (found == network_.end()) return "no such message was let go and is on its way";
  const Message message = *found;
  network_.erase(found);

  const bool append = message.type == "MsgApp" || message.type == "MsgHeartbeat";
  const bool steps_down = message.term == node.now.term && append && node.now.role == candidate;
  if (message.term > node.now.term || steps_down) {
    node.next = {"BecomeFollower"};
    node.unhandled = message;
    return {};
  }
  return handle(node, message);
}

std::string TlaChecker::handle(Node& node, const Message& message) {
  State& now = node.now;
  const bool current = message.term == now.term;
  if (message.type == "MsgVote") {
    const bool up_to_date = message.log_term > last_term(now.log) ||
                            (message.log_term == last_term(now.log) && message.index >= now.log.size());
    const bool grants = current && up_to_date && (now.vote == "0" || now.vote == message.from);
    if (grants) now.vote = message.from;
    node.pending.push_back(
        {.type = "MsgVoteResp", .from = message.to, .to = message.from, .term = now.term, .reject = !grants});
  } else if (message.type == "MsgVoteResp") {
    if (!current) return {};
    node.answered.insert(message.from);
    if (!message.reject) node.granted.insert(message.from);
  } else if (message.type == "MsgApp" || message.type == "MsgHeartbeat") {
    return handle_append(node, message);
  } else if (current && !message.reject) {
    if (message.type == "MsgAppResp") {
      node.match[message.from] = std::max(node.match[message.from], message.index);
      if (now.role == leader) node.next = {"Commit"};
    }
  }
  return {};
}

std::string TlaChecker::handle_append(Node& node, const Message& message) {
  State& now = node.now;
  Message answer{.type = "MsgAppResp", .from = message.to, .to = message.from, .term = now.term, .reject = true};
  if (message.term == now.term) {
    if (now.role == leader) return "two leaders in one term";
    const bool there =
        message.index == 0 || (message.index <= now.log.size() && now.log[message.index - 1] == message.log_term);
    if (message.type == "MsgHeartbeat") {
      answer.type = "MsgHeartbeatResp";
      answer.reject = false;
      now.commit = std::max(now.commit, message.commit);
    } else if (there && message.index < now.commit) {
      answer.reject = false;  // it is told how far this node is
      answer.index = now.commit;
    } else if (there) {
      const Number end = message.index + message.entries;
      for (Number at = message.index; at < end; ++at) {
        const Number term = message.terms[at - message.index];
        if (at < now.log.size() && now.log[at] == term) continue;
        if (at < now.commit) return "it loses what is committed";
        now.log.resize(at);
        now.log.push_back(term);
      }
      now.commit = std::max(now.commit, std::min(message.commit, end));
      answer.reject = false;
      answer.index = end;
    }
  }
  node.pending.push_back(std::move(answer));
  return {};
}

// Raft's promise: what one node knows to be committed is in all that any knows, in the same order.
std::string TlaChecker::safe(const std::string& id) {
  const State& now = nodes_[id].now;
  if (now.commit > now.log.size()) return "it commits what it does not hold";
  for (Number at = 0; at < now.commit; ++at) {
    if (at == committed_.size()) committed_.push_back(now.log[at]);
    if (committed_[at] != now.log[at]) return "entry " + text_of(at + 1) + " is committed, and was another elsewhere";
  }
  return {};
}

}  // namespace keel::sim
