#include "sim/tla_writer.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace keel::sim {
namespace {

TlaState state_of(const Raft& raft) {
  return {raft.term(), raft.hard_state().vote, TlaWriter::committed(raft), raft.role(), raft.log().last().index};
}

bool is_request(const Message& message) {
  return std::holds_alternative<AppendRequest>(message.body) || std::holds_alternative<Heartbeat>(message.body);
}

// A heartbeat of an old term is answered without a round; that specification refuses it like an append.
bool is_refused_heartbeat(const HeartbeatReply& reply) { return reply.round == 0; }

std::string_view receive_name(const Message& message) {
  if (std::holds_alternative<VoteRequest>(message.body)) return "ReceiveRequestVoteRequest";
  if (std::holds_alternative<VoteReply>(message.body)) return "ReceiveRequestVoteResponse";
  if (is_request(message)) return "ReceiveAppendEntriesRequest";
  if (std::holds_alternative<AppendReply>(message.body)) return "ReceiveAppendEntriesResponse";
  if (std::holds_alternative<HeartbeatReply>(message.body)) return "ReceiveAppendEntriesResponse";
  return {};
}

// As its sender meant it. `holds`: what of the sender's log the receiver is known to hold.
TlaMessage translate(const Message& message, Index holds) {
  TlaMessage said{.type = {}, .term = message.term, .from = message.from, .to = message.to};
  if (const auto* vote = std::get_if<VoteRequest>(&message.body)) {
    said.type = "MsgVote";
    said.index = vote->last.index;
    said.log_term = vote->last.term;
  } else if (const auto* ballot = std::get_if<VoteReply>(&message.body)) {
    said.type = "MsgVoteResp";
    said.reject = !ballot->granted;
  } else if (const auto* append = std::get_if<AppendRequest>(&message.body)) {
    said.type = "MsgApp";
    said.entries = append->entries.size();
    said.index = append->previous.index;
    said.log_term = append->previous.term;
    said.commit = std::min(std::max(Index(1), append->commit), append->previous.index + said.entries);
  } else if (const auto* reply = std::get_if<AppendReply>(&message.body)) {
    said.type = "MsgAppResp";
    said.reject = !reply->accepted;
    said.index = reply->index;
    said.hint = reply->hint.index;
  } else if (const auto* beat = std::get_if<Heartbeat>(&message.body)) {
    said.type = "MsgHeartbeat";
    said.commit = std::max(beat->commit, std::min(Index(1), holds));
  } else if (const auto* answer = std::get_if<HeartbeatReply>(&message.body)) {
    said.reject = is_refused_heartbeat(*answer);
    said.type = said.reject ? "MsgAppResp" : "MsgHeartbeatResp";
  }
  return said;
}

std::string_view role_text(RoleName role) {
  switch (role) {
    case RoleName::follower: return "StateFollower";
    case RoleName::candidate: return "StateCandidate";
    case RoleName::leader: return "StateLeader";
  }
  return {};
}

Index match_of(const Raft& raft, NodeId peer) {
  const auto* leader = std::get_if<Leader>(&raft.role_state());
  if (leader == nullptr) return {};
  const auto found = std::ranges::find(leader->peers, peer, &Progress::id);
  return found == leader->peers.end() ? Index() : found->match;
}

}  // namespace

bool TlaWriter::knows(const Message& message) { return !receive_name(message).empty(); }

void TlaWriter::line(std::string_view name, NodeId node, const TlaState& state,
                     const std::optional<TlaMessage>& message) {
  lines_.push_back({name, node, state, message});
  if (name.starts_with("Send")) shown(node).waits = true;
}

void TlaWriter::started(NodeId node, const Raft& raft) {
  const TlaState state = state_of(raft);
  shown(node) = {.state = state, .ready = state, .own_append = {}};
  line("InitState", node, state);
}

void TlaWriter::look(NodeId node, const Raft& raft) {
  const TlaState now = state_of(raft);
  TlaState& was = shown(node).state;
  const bool campaigned = now.term > was.term;
  if (was.role != RoleName::follower &&
      (now.role == RoleName::follower || (campaigned && was.role == RoleName::leader))) {
    was.role = RoleName::follower;
    line("BecomeFollower", node, was);
  }
  if (campaigned) becomes_candidate(node, now, raft);
  if (now.role == RoleName::leader) {
    if (was.role != RoleName::leader) {
      was.role = RoleName::leader;
      line("BecomeLeader", node, was);
    }
    appends(node, now);
  }
  was = now;
}

void TlaWriter::becomes_candidate(NodeId node, const TlaState& now, const Raft& raft) {
  Shown& self = shown(node);
  self.state.term = now.term;
  self.state.vote = now.vote;
  self.state.role = RoleName::candidate;
  line("BecomeCandidate", node, self.state);
  for (const NodeId peer : raft.cluster().members()) {
    TlaMessage said{.type = "MsgVote", .term = now.term, .from = node, .to = peer};
    if (peer == node) {
      said.type = "MsgVoteResp";
      line("SendRequestVoteResponse", node, self.state, said);
    } else {
      said.index = raft.log().last().index;
      said.log_term = raft.log().last().term;
      line("SendRequestVoteRequest", node, self.state, said);
    }
  }
  self.vote_to_self = true;
  self.own_append.reset();
}

void TlaWriter::appends(NodeId node, const TlaState& now) {
  Shown& self = shown(node);
  if (now.last == self.state.last) return;
  for (; self.state.last < now.last; ++self.state.last)
    line("Replicate", node, self.state);
  self.own_append = now.last;
  line("SendAppendEntriesResponse", node, self.state,
       TlaMessage{.type = "MsgAppResp", .term = now.term, .from = node, .to = node, .index = now.last});
}

std::optional<TlaWriter::Key> TlaWriter::key_of(const Message& message) {
  const auto key = [&](std::uint64_t a, std::uint64_t b, Index commit) {
    return Key{message.body.index(), message.from, message.to, message.term, a, b, commit};
  };
  if (const auto* append = std::get_if<AppendRequest>(&message.body)) {
    return key(append->previous.index.value(), append->entries.size(), append->commit);
  }
  if (const auto* beat = std::get_if<Heartbeat>(&message.body)) return key(beat->round, 0, beat->commit);
  return std::nullopt;
}

void TlaWriter::sends(const Message& message, const Raft& raft) {
  look(message.from, raft);
  const auto key = key_of(message);
  if (!key) return;  // votes are asked for when a node becomes a candidate; answers are understood
  sent_[*key].push_back(lines_.size());
  line("SendAppendEntriesRequest", message.from, shown(message.from).state,
       translate(message, match_of(raft, message.to)));
}

// As it was written down when it was sent. What of an append its receiver has committed is left out there too.
TlaMessage TlaWriter::as_sent(const Message& message, const TlaState& receiver) {
  const auto key = key_of(message);
  const auto found = key ? sent_.find(*key) : sent_.end();
  if (found == sent_.end()) return translate(message, Index());
  TlaMessage& said = *lines_[found->second.front()].message;
  found->second.pop_front();
  if (found->second.empty()) sent_.erase(found);
  const auto* append = std::get_if<AppendRequest>(&message.body);
  const bool straddles = append != nullptr && message.term >= receiver.term && said.index < receiver.commit &&
                         receiver.commit < said.index + said.entries;
  if (straddles) {
    const std::uint64_t known = receiver.commit - said.index;
    said.index = receiver.commit;
    said.entries -= known;
    said.log_term = append->entries[static_cast<std::size_t>(known) - 1].term;
  }
  return said;
}

void TlaWriter::receives(const Message& message, const Raft& raft) {
  look(message.to, raft);
  const std::string_view name = receive_name(message);
  if (name.empty()) return;
  const TlaState& state = shown(message.to).state;
  line(name, message.to, state, as_sent(message, state));
  if (std::holds_alternative<VoteRequest>(message.body) || is_request(message)) shown(message.to).waits = true;
}

void TlaWriter::received(const Message& message, const Raft& raft) {
  Shown& self = shown(message.to);
  TlaState& was = self.state;
  if (knows(message)) {
    const bool higher = message.term > was.term;
    if (higher) {
      was.term = message.term;
      was.vote = nobody;
    }
    if (higher || (message.term == was.term && was.role == RoleName::candidate && is_request(message))) {
      was.role = RoleName::follower;
      line("BecomeFollower", message.to, was);
    }
    const auto* reply = std::get_if<AppendReply>(&message.body);
    const bool acknowledges = reply != nullptr && reply->accepted && message.term == was.term;
    if (acknowledges && was.role == RoleName::leader && raft.role() == RoleName::leader) {
      was.commit = committed(raft);
      line("Commit", message.to, was);
    }
    // A follower's log, vote and commit follow from the message.
    if (raft.role() == RoleName::follower) was = state_of(raft);
  }
  look(message.to, raft);
}

bool TlaWriter::ready(NodeId node, const Raft& raft) {
  look(node, raft);
  Shown& self = shown(node);
  if (!std::exchange(self.waits, false) && self.state == self.ready) return false;
  self.ready = self.state;
  line("Ready", node, self.state);
  return true;
}

void TlaWriter::arrived(NodeId node, const Raft& raft) {
  Shown& self = shown(node);
  TlaState& was = self.state;
  if (std::exchange(self.vote_to_self, false) && was.role == RoleName::candidate) {
    line("ReceiveRequestVoteResponse", node, was,
         TlaMessage{.type = "MsgVoteResp", .term = was.term, .from = node, .to = node});
  }
  const auto own = std::exchange(self.own_append, std::nullopt);
  if (own && was.role == RoleName::leader) {
    line("ReceiveAppendEntriesResponse", node, was,
         TlaMessage{.type = "MsgAppResp", .term = was.term, .from = node, .to = node, .index = *own});
    was.commit = committed(raft);
    line("Commit", node, was);
  }
  look(node, raft);
}

std::string TlaWriter::text(std::size_t number) const {
  const Line& line = lines_[number];
  std::string members;
  for (std::size_t id = 1; id <= nodes_; ++id)
    members += fmt::format("{}\"{}\"", id == 1 ? "" : ",", id);
  const auto& state = line.state;
  std::string text = fmt::format(
      R"({{"tag":"trace","event":{{"name":"{}","nid":"{}","state":{{"term":{},"vote":"{}","commit":{}}},"role":"{}",)"
      R"("log":{},"conf":[[{}],[]])",
      line.name, line.node.value(), state.term.value(), state.vote.value(), state.commit.value(), role_text(state.role),
      state.last.value(), members);
  if (line.message) {
    const TlaMessage& said = *line.message;
    text += fmt::format(
        R"(,"msg":{{"type":"{}","term":{},"from":"{}","to":"{}","entries":{},"logTerm":{},"index":{},"commit":{},)"
        R"("vote":"0","reject":{},"rejectHint":{}}})",
        said.type, said.term.value(), said.from.value(), said.to.value(), said.entries, said.log_term.value(),
        said.index.value(), said.commit.value(), said.reject, said.hint.value());
  }
  return text + "}}";
}

}  // namespace keel::sim
