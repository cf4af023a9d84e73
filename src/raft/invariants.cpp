#include "keel/raft/invariants.hpp"

#include <algorithm>

namespace keel {

namespace {

using Broken = std::optional<std::string>;

std::string node(const Raft& raft) { return "node " + std::to_string(raft.options().id.value()); }
std::string at(Index index) { return " at index " + std::to_string(index.value()); }

Broken check_leader(const Raft& raft, const Leader& leader) {
  // A leader has voted for itself, or it could not have won.
  if (raft.hard_state().vote != raft.options().id) return node(raft) + " leads without its own vote";
  // A leader's term-start entry is in its log, and everything behind it is of its own term.
  if (raft.log().term_at(leader.term_start) != raft.term() || raft.log().last().term != raft.term()) {
    return node(raft) + " leads without an entry of its own term" + at(leader.term_start);
  }
  std::size_t in_flight = 0;
  for (const Progress& peer : leader.peers) {
    // What a peer holds is in the leader's log, and is never sent again.
    if (peer.match > raft.log().last().index) return node(raft) + " believes a peer to be ahead of itself";
    if (peer.match >= peer.next) return node(raft) + " sends a peer what it is known to hold";
    // No peer was told to commit more than is committed.
    if (peer.commit_sent > raft.commit()) return node(raft) + " told a peer of a commit that is none";
    in_flight = std::max(in_flight, peer.inflight.size());
  }
  // Windows are bounded, and so is what waits to be committed: with room for one entry too large, and the term's first.
  if (in_flight > raft.options().max_inflight_messages) return node(raft) + " has too many appends in flight";
  const std::size_t bound = raft.options().max_uncommitted_bytes + Log::entry_overhead;
  if (leader.uncommitted_bytes > bound && raft.log().last().index > leader.released + 2) {
    return node(raft) + " has taken more than it may before it is committed";
  }
  // A leader whose disk hangs hands over (H53), and a transfer comes to an end (thesis 3.10).
  if (raft.is_stalled()) return node(raft) + " leads on with a disk that hangs";
  if (leader.transfer && raft.now() >= leader.transfer->deadline) return node(raft) + " hands over for ever";
  return {};
}

// Cheaper to remember than each peer's own, and none can go back without it.
std::uint64_t acknowledged(const Leader& leader) {
  std::uint64_t sum = 0;
  for (const Progress& peer : leader.peers)
    sum += peer.match.value();
  return sum;
}

// In two logs, if entries at one index have one term, all before are alike (Log Matching).
Broken check_matching(const Raft& a, const Raft& b) {
  const Index low = std::max(a.log().base().index, b.log().base().index);
  Index both = std::min(a.log().last().index, b.log().last().index);
  while (both > low && a.log().term_at(both) != b.log().term_at(both)) {
    // Runs of one term are skipped whole: the terms differ at `both`, so they do as far as the later run begins.
    const Term higher = std::max(*a.log().term_at(both), *b.log().term_at(both));
    both = std::min(a.log().last_not_above(both, higher.previous()).index,
                    b.log().last_not_above(both, higher.previous()).index);
  }
  if (both <= low) return {};
  // From here down to where the shorter one begins, run by run.
  const auto run_of = [](const Raft& raft, Index index) {
    return std::prev(std::ranges::upper_bound(raft.log().terms(), index, {}, &TermRun::first));
  };
  auto in_a = run_of(a, both);
  auto in_b = run_of(b, both);
  while (true) {
    const Index from_a = std::max(in_a->first, low.next());
    const Index from_b = std::max(in_b->first, low.next());
    const bool end = from_a == low.next() && from_b == low.next();
    if (end && in_a->term == in_b->term) return {};
    if (in_a->term != in_b->term || from_a != from_b) {
      return node(a) + " and " + node(b) + ": logs agree" + at(both) + " but not" +
             at(in_a->term != in_b->term ? from_a : std::max(from_a, from_b).previous());
    }
    --in_a;
    --in_b;
  }
}

// What one node knows to be committed, another has the same or does not have yet (State Machine Safety).
Broken check_committed(const Raft& a, const Raft& b) {
  const Index both = std::min(a.commit(), b.commit());
  const auto in_a = a.log().term_at(both);
  const auto in_b = b.log().term_at(both);
  if (in_a && in_b && in_a != in_b) return node(a) + " and " + node(b) + " committed different entries" + at(both);
  return {};
}

// A leader has every entry that was committed in an earlier term, or its own (Leader Completeness).
Broken check_complete(const Raft& leader, const Raft& other) {
  if (other.term() > leader.term()) return {};  // may have been committed by a later leader
  const auto committed = other.log().term_at(other.commit());
  if (!committed || other.commit() < leader.log().base().index) return {};
  if (leader.log().term_at(other.commit()) != committed) {
    return node(leader) + " leads without the entry that " + node(other) + " knows to be committed" +
           at(other.commit());
  }
  return {};
}

}  // namespace

Remembered remember(const Raft& raft) {
  const auto* leader = std::get_if<Leader>(&raft.role_state());
  return {.hard_state = raft.hard_state(),
          .committed = {raft.log().term_at(raft.commit()).value_or(Term()), raft.commit()},
          .applied = raft.status().applied,
          .role = raft.role(),
          .last = raft.log().last().index,
          .peers = leader != nullptr ? leader->peers.size() : 0,
          .acknowledged = leader != nullptr ? acknowledged(*leader) : 0};
}

Broken check_node(const Raft& raft) {
  const Log& log = raft.log();
  // Applied is committed, committed is in the log, stable is in the log.
  if (raft.status().applied > raft.commit()) return node(raft) + " applied what is not committed";
  if (raft.commit() > log.last().index) return node(raft) + " committed what is not in its log";
  if (log.stable() > log.last().index) return node(raft) + " believes durable what is not in its log";
  // Applied is durable here, so a durable state machine is never ahead of its own log.
  if (raft.status().applied > log.stable()) return node(raft) + " applied what is not durable here";
  // No entry comes from the future.
  if (log.last().term > raft.term()) return node(raft) + " has an entry of a term it has not reached";
  // Terms never go back along a log.
  if (!std::ranges::is_sorted(log.terms(), {}, &TermRun::term)) return node(raft) + " has terms that go back";
  if (const auto* leader = std::get_if<Leader>(&raft.role_state())) return check_leader(raft, *leader);
  return {};
}

Broken check_step(const Remembered& before, const Raft& after) {
  const HardState& now = after.hard_state();
  // Terms never go back (mission 1.1).
  if (now.term < before.hard_state.term) return node(after) + " went back in term";
  // One vote a term (Election Safety rests on it).
  const bool same_term = now.term == before.hard_state.term;
  if (same_term && before.hard_state.vote != nobody && now.vote != before.hard_state.vote) {
    return node(after) + " changed its vote in term " + std::to_string(now.term.value());
  }
  // What is committed stays committed, with the same entry.
  if (after.commit() < before.committed.index) return node(after) + " took back a commit";
  const auto kept = after.log().term_at(before.committed.index);
  if (kept && *kept != before.committed.term) return node(after) + " overwrote a committed entry";
  if (after.status().applied < before.applied) return node(after) + " took back what it applied";
  // A leader only appends (Leader Append-Only).
  if (same_term && before.role == RoleName::leader && after.log().last().index < before.last) {
    return node(after) + " cut its log as a leader";
  }
  // It counts copies of its own term's entries only (5.4.2).
  const bool leads = same_term && before.role == RoleName::leader && after.role() == RoleName::leader;
  if (leads && after.commit() > before.committed.index && after.log().term_at(after.commit()) != now.term) {
    return node(after) + " commits an older term's entry by counting" + at(after.commit());
  }
  // What a peer has acknowledged it has, for the leader's whole term (H6).
  const auto* leader = std::get_if<Leader>(&after.role_state());
  if (leads && leader->peers.size() == before.peers && acknowledged(*leader) < before.acknowledged) {
    return node(after) + " forgot what a peer has acknowledged";
  }
  return {};
}

namespace {

// Whom a node believes to be leading, and has heard within an election timeout; itself, if it leads.
NodeId heard_leader(const Raft& raft, Instant now) {
  const auto* follower = std::get_if<Follower>(&raft.role_state());
  if (follower == nullptr) return raft.leader();
  return now < follower->heard + raft.options().election_timeout ? follower->leader : nobody;
}

Broken check_asked(const Raft& before, const Message& message, const VoteRequest& asks, const Raft& after) {
  const HardState& now = after.hard_state();
  const bool changed = now != before.hard_state();
  if (asks.pre_vote && changed) return node(after) + " changed its term or vote for a rehearsal";
  // Who hears its leader does not listen to other candidates (thesis 4.2.3); a transfer is that leader's own wish.
  const NodeId heard = heard_leader(before, after.now());
  const bool is_deaf = after.options().stickiness && !asks.for_transfer && heard != nobody && heard != message.from;
  if (is_deaf && changed) return node(after) + " listened to a candidate while it hears its leader";
  // Election restriction (5.4.1).
  if (changed && now.vote == message.from && asks.last < after.log().last()) {
    return node(after) + " gave its vote to a candidate whose log is behind its own";
  }
  return {};
}

// Its leader's word, a vote that it gives, and a campaign of its own: nothing else makes a node wait longer before it
// campaigns, or one that is slow or behind could hold the others up (H17, H19).
Broken check_patience(const Raft& before, const Message& message, const Raft& after) {
  const bool led = before.role() == RoleName::leader || after.role() == RoleName::leader;
  const bool aged = before.now() != after.now();
  const bool campaigns = after.role() == RoleName::candidate && after.term() > before.term();
  if (led || aged || campaigns || after.next_deadline() <= before.next_deadline()) return {};
  const bool is_current = message.term == after.term();
  const auto* asks = std::get_if<VoteRequest>(&message.body);
  const bool from_leader =
      std::holds_alternative<AppendRequest>(message.body) || std::holds_alternative<Heartbeat>(message.body);
  const bool voted = asks != nullptr && !asks->pre_vote && after.hard_state().vote == message.from;
  // Told to campaign by its leader, a node that cannot waits anew, too.
  const bool its_turn = std::holds_alternative<TimeoutNow>(message.body) && before.leader() == message.from;
  if (its_turn || (is_current && (from_leader || voted))) return {};
  return node(after) + " put off its campaign for a message that is no reason to";
}

const Progress* peer(const Raft& raft, NodeId id) {
  const auto* leader = std::get_if<Leader>(&raft.role_state());
  if (leader == nullptr) return nullptr;
  const auto found = std::ranges::find(leader->peers, id, &Progress::id);
  return found == leader->peers.end() ? nullptr : &*found;
}

// What a leader makes of an answer.
Broken check_answered(const Raft& before, const Message& message, const Raft& after) {
  const Progress* was = peer(before, message.from);
  const Progress* is = peer(after, message.from);
  if (was == nullptr || is == nullptr || before.term() != after.term()) return {};
  // It confirms the round it answers, and none that began later (thesis 6.4; H34).
  const auto* beat = std::get_if<HeartbeatReply>(&message.body);
  if (beat != nullptr && is->round > std::max(was->round, beat->round)) {
    return node(after) + " takes an answer to one heartbeat for one to a later";
  }
  // A refusal says up to where the logs can be alike: it is not asked again behind that (Raft, section 5.3; H6).
  const auto* reply = std::get_if<AppendReply>(&message.body);
  if (reply == nullptr || reply->accepted || is->state != ReplicationState::probe || is->next == was->next) return {};
  const Index hint = std::min(reply->hint.index, reply->index.previous());
  const Index alike = std::max(before.log().last_not_above(hint, reply->hint.term).index, is->match);
  if (is->next > alike.next()) return node(after) + " asks again for what a refusal has ruled out";
  return {};
}

bool wants_answer(const Message& message) {
  const auto* beat = std::get_if<Heartbeat>(&message.body);
  return (beat != nullptr && beat->round != 0) || std::holds_alternative<AppendRequest>(message.body) ||
         std::holds_alternative<VoteRequest>(message.body);
}

Broken check_ballot(const Raft& before, const Message& message, const VoteRequest& asks, const Raft& after,
                    const VoteReply& says) {
  const NodeId heard = heard_leader(before, after.now());
  // A rehearsal promises what an election would bring (thesis 9.6).
  if (asks.pre_vote && says.granted) {
    if (asks.last < after.log().last()) return node(after) + " grants a rehearsal to a log behind its own";
    if (heard != nobody && heard != message.from) return node(after) + " grants a rehearsal while it hears its leader";
  }
  // Who led and asks for votes leads no more: nobody is there to stick to (H17).
  if (!says.granted && says.refusal == Refusal::leader_alive && heard == message.from) {
    return node(after) + " refuses its vote to a node because that same node leads";
  }
  return {};
}

}  // namespace

Broken check_received(const Raft& before, const Message& message, const Raft& after) {
  const auto* asks = std::get_if<VoteRequest>(&message.body);
  const auto* says = std::get_if<VoteReply>(&message.body);
  // A higher term is adopted (Raft, Figure 2), but not that of a rehearsal, which nobody is in, nor by the deaf.
  const bool rehearses = (asks != nullptr && asks->pre_vote) || (says != nullptr && says->pre_vote && says->granted);
  const bool may_be_deaf = asks != nullptr && !asks->for_transfer && after.options().stickiness;
  if (!rehearses && !may_be_deaf && after.term() < message.term) return node(after) + " ignored a higher term";
  if (asks != nullptr) {
    if (auto broken = check_asked(before, message, *asks, after)) return broken;
  }
  // Only its leader can have a node campaign, and only with a log that is as long.
  const auto* now_you = std::get_if<TimeoutNow>(&message.body);
  const bool campaigns = after.role() == RoleName::candidate && after.term() > before.term();
  if (now_you != nullptr && campaigns &&
      (before.leader() != message.from || before.log().last().index < now_you->last.index)) {
    return node(after) + " campaigns for somebody who does not hand over to it";
  }
  // A no to what was asked in an earlier term says nothing of this one (H7).
  const auto* was = std::get_if<Candidate>(&before.role_state());
  const auto* is = std::get_if<Candidate>(&after.role_state());
  const bool late = says != nullptr && says->refusal == Refusal::old_term && was != nullptr && is != nullptr;
  if (late && is->ballots != was->ballots) return node(after) + " counts a no to what it asked in an earlier term";
  if (auto broken = check_patience(before, message, after)) return broken;
  return check_answered(before, message, after);
}

Broken check_said(const Raft& before, const Message& message, const Raft& after, std::span<const Message> said) {
  // Who leads or campaigns in a term that is over learns it from the answer (Raft, Figure 2; H16).
  const bool told = std::ranges::any_of(
      said, [&](const Message& answer) { return answer.to == message.from && answer.term == after.term(); });
  if (message.term < after.term() && wants_answer(message) && !told)
    return node(after) + " leaves an old term unanswered";
  // By then it may lead again, in this very term: what it is told names nothing of what it asked (H7).
  const bool mistakable = std::ranges::any_of(said, [&](const Message& answer) {
    const auto* reply = std::get_if<AppendReply>(&answer.body);
    return reply != nullptr && reply->index != Index(0);
  });
  const bool is_over = message.term < after.term() && std::holds_alternative<AppendRequest>(message.body);
  if (is_over && mistakable) return node(after) + " answers an append of an old term as if it were one of this";
  const auto* asks = std::get_if<VoteRequest>(&message.body);
  if (asks == nullptr) return {};
  for (const Message& answer : said) {
    const auto* says = std::get_if<VoteReply>(&answer.body);
    if (says == nullptr || answer.to != message.from) continue;
    if (auto broken = check_ballot(before, message, *asks, after, *says)) return broken;
  }
  return {};
}

Broken check_expired(Timer timer, const Raft& after) {
  if (timer == Timer::election) {
    // With PreVote nobody campaigns in earnest before a quorum has said that it would win; alone, one is the quorum.
    const auto* candidate = std::get_if<Candidate>(&after.role_state());
    const bool in_earnest = candidate != nullptr && !candidate->pre_vote;
    const bool alone = after.cluster().incoming().size() == 1;
    if (in_earnest && after.options().pre_vote && !alone) return node(after) + " campaigns without a rehearsal";
    return {};
  }
  const auto* leader = std::get_if<Leader>(&after.role_state());
  if (leader == nullptr || leader->peers.empty()) return {};
  if (timer == Timer::check_quorum && after.options().check_quorum) return node(after) + " leads on without a quorum";
  if (timer == Timer::write_stall) return node(after) + " leads on with a disk that hangs";
  if (timer == Timer::transfer && leader->transfer) return node(after) + " hands over for ever";
  return {};
}

Broken check_pair(const Raft& a, const Raft& b) {
  if (a.role() == RoleName::leader) {
    // At most one leader a term (Election Safety).
    if (b.role() == RoleName::leader && a.term() == b.term()) return node(a) + " and " + node(b) + " lead one term";
    if (auto broken = check_complete(a, b)) return broken;
  }
  if (b.role() == RoleName::leader) {
    if (auto broken = check_complete(b, a)) return broken;
  }
  if (auto broken = check_matching(a, b)) return broken;
  return check_committed(a, b);
}

Broken check_cluster(std::span<const Raft* const> nodes) {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (std::size_t j = i + 1; j < nodes.size(); ++j) {
      if (auto broken = check_pair(*nodes[i], *nodes[j])) return broken;
    }
  }
  return {};
}

}  // namespace keel
