#include "keel/sim/checks.hpp"

#include <algorithm>

#include "sim/digest.hpp"

namespace keel::sim {
namespace {

std::string node_text(NodeId node) { return "node " + std::to_string(node.value()); }
std::string at(Index index) { return "index " + std::to_string(index.value()); }
std::string in(Term term) { return "term " + std::to_string(term.value()); }

std::size_t slot(Index index) { return static_cast<std::size_t>(index.value()) - 1; }

}  // namespace

SafetyChecks::SafetyChecks(std::size_t nodes) : views_(nodes) {}

void SafetyChecks::violate(std::string_view check, std::string text) {
  if (!violation_) violation_ = Violation{std::string(check), std::move(text)};
}

std::optional<Term> SafetyChecks::committed_term(Index index) const {
  if (index == Index(0) || index > committed()) return std::nullopt;
  return committed_[slot(index)].term;
}

std::optional<Term> SafetyChecks::durable_term(NodeId node, Index index) const {
  const std::vector<Term>& terms = view(node).durable.terms;
  if (index == Index(0) || index.value() > terms.size()) return std::nullopt;
  return terms[slot(index)];
}

std::optional<std::uint64_t> SafetyChecks::applied_digest(Index index) const {
  if (index == Index(0) || index.value() > applied_.size() || !applied_[slot(index)].known) return std::nullopt;
  return applied_[slot(index)].command;
}

// Log Matching by induction: if an entry's index and term determine its content and the term of the entry before it,
// they determine everything before it.
void SafetyChecks::note_entry(NodeId node, Index index, Term previous, const Entry& entry) {
  const std::uint64_t digest = mix(static_cast<std::uint64_t>(entry.kind), digest_of(entry.payload.bytes()));
  if (index.value() > entries_.size()) entries_.resize(index.value(), 0);
  for (std::uint32_t i = entries_[slot(index)]; i != 0; i = variants_[i - 1].next) {
    const Variant& known = variants_[i - 1];
    if (known.term != entry.term) continue;
    if (known.digest != digest || (known.previous != previous && previous != Term(0) && known.previous != Term(0))) {
      violate("log matching", node_text(node) + " wrote an entry at " + at(index) + " of " + in(entry.term) +
                                  " that is not the one others have there, or does not follow the same entry");
    }
    return;
  }
  variants_.push_back({entry.term, previous, digest, entries_[slot(index)]});
  entries_[slot(index)] = static_cast<std::uint32_t>(variants_.size());
}

void SafetyChecks::sent(const PeerMessage& peer_message) {
  const auto* message = std::get_if<Message>(&peer_message.body);
  if (message == nullptr) return;
  View& sender = view(message->from);
  if (const auto* vote = std::get_if<VoteReply>(&message->body); vote && vote->granted && !vote->pre_vote) {
    check_vote(message->from, message->to, *message);
  } else if (const auto* request = std::get_if<VoteRequest>(&message->body); request && !request->pre_vote) {
    check_vote(message->from, message->from, *message);
  } else if (const auto* reply = std::get_if<AppendReply>(&message->body); reply && reply->accepted) {
    const Index last = sender.kept[message->term].last;
    if (reply->index > last && sender.durable.hard_state.term <= message->term) {
      violate("promises", node_text(message->from) + " acknowledges " + at(reply->index) + " in " + in(message->term) +
                              ", in which " + at(last) + " was the last to be durable");
    }
  } else if (std::holds_alternative<AppendRequest>(message->body) || std::holds_alternative<Heartbeat>(message->body)) {
    note_leader(message->from, message->term);
    if (sender.kept[message->term].vote != message->from) {
      violate("promises",
              node_text(message->from) + " leads in " + in(message->term) + " without a durable vote for itself");
    }
  }
}

// A vote that leaves is the only one of that node in that term, and durable; or a later term is, which also keeps the
// node from ever voting there again.
void SafetyChecks::check_vote(NodeId node, NodeId candidate, const Message& message) {
  View& voter = view(node);
  const bool over = voter.durable.hard_state.term > message.term;
  if (!over && voter.kept[message.term].vote != candidate) {
    violate("promises", node_text(node) + " votes for " + node_text(candidate) + " in " + in(message.term) +
                            " before that is durable");
  }
  const auto [vote, is_new] = voter.votes.try_emplace(message.term, candidate);
  if (!is_new && vote->second != candidate) {
    violate("election safety", node_text(node) + " votes for " + node_text(candidate) + " and for " +
                                   node_text(vote->second) + " in " + in(message.term));
  }
}

void SafetyChecks::note_leader(NodeId node, Term term) {
  const auto [leader, is_new] = leaders_.try_emplace(term, node);
  if (leader->second != node) {
    violate("election safety", node_text(node) + " and " + node_text(leader->second) + " lead in " + in(term));
  }
}

void SafetyChecks::expect_no_more(NodeId node, Trouble trouble) {
  unsigned& count = troubles(node, trouble);
  if (count > 0) --count;
}

void SafetyChecks::expect_nothing() {
  for (View& each : views_)
    each.troubles = {};
}

bool SafetyChecks::expects(NodeId node, Trouble trouble) const {
  return view(node).troubles[static_cast<std::size_t>(trouble)] > 0;
}

// A node that found itself wrong says so in the same event as one whose disk is broken, and nothing excuses that.
void SafetyChecks::check_explained(NodeId node, const NodeEvent& event) {
  if (!is_error(event)) return;
  if (const auto* failed = std::get_if<NodeFailed>(&event)) {
    const ErrorCode code = failed->error.code;
    const bool of_storage = code == ErrorCode::io || code == ErrorCode::corrupt || code == ErrorCode::storage_failed;
    if (of_storage && (expects(node, Trouble::storage_fails) || expects(node, Trouble::storage_full))) return;
    if (code == ErrorCode::corrupt && expects(node, Trouble::storage_rots)) return;
  }
  if (std::holds_alternative<MachineFailed>(event) && expects(node, Trouble::machine_fails)) return;
  if (std::holds_alternative<StorageFull>(event) && expects(node, Trouble::storage_full)) return;
  if (const auto* protocol = std::get_if<RaftEvent>(&event)) {
    if (std::holds_alternative<StorageStalled>(*protocol) && expects(node, Trouble::storage_stalls)) return;
    if (std::holds_alternative<FetchFailed>(*protocol) &&
        (expects(node, Trouble::storage_fails) || expects(node, Trouble::storage_rots))) {
      return;
    }
  }
  violate("unexpected event", node_text(node) + ": " + keel::describe(Event{.number = 0, .at = {}, .what = event}));
}

void SafetyChecks::happened(NodeId node, const NodeEvent& event, const Raft* raft) {
  check_explained(node, event);
  const auto* protocol = std::get_if<RaftEvent>(&event);
  if (protocol == nullptr) return;
  if (const auto* role = std::get_if<RoleChanged>(protocol); role && role->role == RoleName::leader) {
    note_leader(node, role->term);
    if (raft != nullptr) check_leader(node, role->term, *raft);
  }
}

// Leader Completeness. Whatever was committed in an earlier term is in a new leader's log; by Log Matching the newest
// such entry vouches for all before it.
void SafetyChecks::check_leader(NodeId node, Term term, const Raft& raft) {
  if (raft.role() != RoleName::leader || raft.term() != term) return;  // over already
  const auto later = std::ranges::partition_point(committed_, [&](const Committed& c) { return c.seen < term; });
  const Index newest(static_cast<std::uint64_t>(later - committed_.begin()));
  if (newest <= raft.log().base().index) return;
  if (raft.log().term_at(newest) != committed_term(newest)) {
    violate("leader completeness", node_text(node) + " leads in " + in(term) + " without the committed entry at " +
                                       at(newest) + " of " + in(*committed_term(newest)));
  }
}

bool SafetyChecks::Compared::is_of(const Raft& raft) const {
  const Log& log = raft.log();
  return role == raft.role() && term == raft.term() && commit == raft.commit() && base == log.base().index &&
         last == log.last().index && terms == log.terms();
}

bool SafetyChecks::stepped(NodeId node, const Raft& raft) {
  View& watched = view(node);
  if (auto broken = check_node(raft)) violate("invariants", *broken);
  if (watched.before) {
    if (auto broken = check_step(*watched.before, raft)) violate("monotony", *broken);
  }
  const Index known = watched.before ? watched.before->committed.index : raft.log().base().index;
  if (raft.commit() > known) check_commits(node, raft, known);
  const Index stable = raft.log().stable();
  if (stable > raft.log().base().index && durable_term(node, stable) != raft.log().term_at(stable)) {
    violate("durability", node_text(node) + " takes its entry at " + at(stable) + " for durable before its store does");
  }
  watched.before = remember(raft);
  if (watched.compared && watched.compared->is_of(raft)) return false;
  const Log& log = raft.log();
  watched.compared = {raft.role(), raft.term(), raft.commit(), log.base().index, log.last().index, log.terms()};
  return true;
}

void SafetyChecks::check_commits(NodeId node, const Raft& raft, Index from) {
  for (Index index = from.next(); index <= raft.commit(); ++index) {
    const Term term = raft.log().term_at(index).value_or(Term(0));
    if (index <= committed()) {
      if (committed_term(index) != term) {
        violate("state machine safety", node_text(node) + " commits an entry of " + in(term) + " at " + at(index) +
                                            ", where one of " + in(*committed_term(index)) + " was committed");
      }
      continue;
    }
    const Term before = committed_.empty() ? Term(0) : committed_.back().seen;
    committed_.push_back({term, std::max(before, raft.term())});
    if (index != raft.commit()) continue;
    const auto holds = [&](NodeId id) { return durable_term(id, index) == term; };
    if (!raft.cluster().is_quorum(holds)) {
      violate("commit",
              node_text(node) + " commits " + at(index) + " of " + in(term) + ", which is not durable on a quorum");
    }
    if (raft.role() == RoleName::leader && term != raft.term()) {
      violate("commit",
              node_text(node) + " commits " + at(index) + " of " + in(term) + " by counting in " + in(raft.term()));
    }
  }
}

void SafetyChecks::compare(const Raft& a, const Raft& b) {
  if (auto broken = check_pair(a, b)) violate("invariants", *broken);
}

void SafetyChecks::applied(NodeId node, const Command& command, std::string_view reply) {
  if (command.index.value() > applied_.size()) applied_.resize(command.index.value());
  AppliedEntry& known = applied_[slot(command.index)];
  const AppliedEntry now{command.term, mix(static_cast<std::uint64_t>(command.kind), digest_of(command.bytes)),
                         digest_of(reply), true};
  if (!known.known) known = now;
  const std::string where = node_text(node) + " applies at " + at(command.index) + " ";
  if (committed_term(command.index) != command.term) {
    violate("state machine safety", where + "an entry of " + in(command.term) + " that was not committed there");
  }
  if (known.command != now.command || known.term != now.term) {
    violate("state machine safety", where + "another command than was applied there before");
  }
  if (known.reply != now.reply) {
    violate("state machine safety", where + "a command with another reply than before ('" + std::string(reply) +
                                        "'): the machine depends on more than its commands");
  }
}

}  // namespace keel::sim
