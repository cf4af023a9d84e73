// Elections: who may campaign, who may vote for whom, and what follows (Raft, section 5.2; thesis 3.4, 4.2.3, 9.6).
#include <algorithm>

#include "keel/base/assert.hpp"
#include "keel/raft/raft.hpp"

namespace keel {

void Raft::reset_election_deadline() {
  election_due_ = now_ + options_.election_timeout + random_.below(options_.election_timeout);
}

// A leader that `other_than` itself is heard of.
// Deviation: thesis 4.2.3 and 9.6 refuse whoever asks. The leader of our term may well ask for a vote again: it has lost
// its role, and refusing it would leave two live nodes without a leader (H17).
bool Raft::hears_a_leader(NodeId other_than) const {
  if (role() == RoleName::leader) return true;
  const auto* follower = std::get_if<Follower>(&role_);
  return follower != nullptr && follower->leader != nobody && follower->leader != other_than &&
         now_ < follower->heard + options_.election_timeout;
}

// Deviation: in the thesis a server never loses what it had on disk. One whose log may lack what it has acknowledged gives
// no vote before it holds that much again.
bool Raft::may_vote() const { return log_.last() >= must_reach_; }

// Deviation: two conditions of our own. A disk that hangs would hold up all whom this node leads (H53); and where fewer
// voters are left than the cluster was founded to demand, nobody is elected.
bool Raft::may_campaign() const {
  const Genesis* genesis = configurations_.genesis();
  return may_vote() && !stalled_ && cluster().can_lead(options_.id) && genesis != nullptr &&
         cluster().incoming().size() >= genesis->min_election_voters;
}

void Raft::campaign(bool for_transfer) {
  reset_election_deadline();
  if (!may_campaign()) {
    // Nothing comes of our own, but the leader that has fallen silent is none: nobody shall wait for it.
    if (!for_transfer) become_follower(hard_state_.term, nobody);
    return;
  }
  if (options_.pre_vote && !for_transfer) {
    start_pre_vote();
  } else {
    start_election(for_transfer);
  }
}

// PreVote (thesis 9.6): ask who would vote for us before touching the term. Nothing is written.
void Raft::start_pre_vote() {
  become_candidate({.pre_vote = true, .ballots = {}});
  emit(CampaignStarted{true, false, hard_state_.term.next()});
  ask_for_votes(std::get<Candidate>(role_), hard_state_.term.next());
  record({options_.id, true, options_.id});
}

void Raft::start_election(bool for_transfer) {
  hard_state_ = {hard_state_.term.next(), options_.id};
  writes_.save(hard_state_);
  emit(TermChanged{hard_state_.term});
  become_candidate({.for_transfer = for_transfer, .ballots = {}});
  emit(CampaignStarted{false, for_transfer, hard_state_.term});
  ask_for_votes(std::get<Candidate>(role_), hard_state_.term);
}

void Raft::become_candidate(Candidate candidate) {
  fail_reads();
  const bool had_leader = leader() != nobody;
  role_ = std::move(candidate);
  emit(RoleChanged{RoleName::candidate, hard_state_.term});
  if (had_leader) emit(LeaderChanged{nobody, hard_state_.term});
}

void Raft::ask_for_votes(const Candidate& candidate, Term term) {
  const VoteRequest request{candidate.pre_vote, candidate.for_transfer, log_.last()};
  for (const NodeId peer : cluster().members()) {
    if (peer == options_.id || !cluster().is_voter(peer)) continue;
    // A request carries our vote for ourselves, so the vote is durable before it leaves (H12). A rehearsal has none.
    post(candidate.pre_vote ? writes_.hard_state_gate() : writes_.gate(), peer, request).term = term;
  }
}

// RequestVote, receiver side (Raft, Figure 2; PreVote: thesis 9.6). We need not know the candidate, nor count ourselves
// among the voters: our configuration may be older than its own (thesis 4.2.2).
void Raft::on(const Message& from, const VoteRequest& request) {
  if (from.term > hard_state_.term && !request.pre_vote) return refuse_vote(from, Refusal::leader_alive);
  if (!may_vote()) return refuse_vote(from, Refusal::not_ready);
  if (request.pre_vote) {
    if (hears_a_leader(from.from)) return refuse_vote(from, Refusal::leader_alive);
    if (from.term == hard_state_.term) return refuse_vote(from, Refusal::old_term);
    if (request.last < log_.last()) return refuse_vote(from, Refusal::log_behind);
    // A rehearsal binds nobody: nothing is recorded, and our own clock runs on (H17).
    post(writes_.hard_state_gate(), from.from, VoteReply{.pre_vote = true, .granted = true}).term = from.term;
    return;
  }
  const bool sticks = options_.stickiness && !request.for_transfer;
  if (sticks && hears_a_leader(from.from)) return refuse_vote(from, Refusal::leader_alive);
  if (hard_state_.vote != nobody && hard_state_.vote != from.from) return refuse_vote(from, Refusal::voted_for_another);
  if (request.last < log_.last()) return refuse_vote(from, Refusal::log_behind);
  if (hard_state_.vote == nobody) {
    if (role() == RoleName::candidate) become_follower(hard_state_.term, nobody);  // our rehearsal is over
    KEEL_ASSERT(role() == RoleName::follower, "who leads or campaigns in earnest has voted for itself");
    hard_state_.vote = from.from;
    writes_.save(hard_state_);
    emit(VoteCast{from.from, hard_state_.term});
  }
  reset_election_deadline();
  send_when_durable(from.from, VoteReply{.granted = true, .voted_for = from.from});
}

void Raft::refuse_vote(const Message& request, Refusal why) {
  const auto* asked = std::get_if<VoteRequest>(&request.body);
  KEEL_ASSERT(asked != nullptr, "a vote was asked for");
  // Whom we chose is of use only to a candidate of the same term.
  const NodeId chosen = !asked->pre_vote && request.term == hard_state_.term ? hard_state_.vote : nobody;
  send_when_durable(request.from, VoteReply{asked->pre_vote, false, why, chosen});
}

void Raft::on(const Message& from, const VoteReply& reply) {
  const auto* candidate = std::get_if<Candidate>(&role_);
  if (candidate == nullptr || candidate->pre_vote != reply.pre_vote) return reject(from, RejectReason::stale);
  const Term asked = candidate->pre_vote && reply.granted ? hard_state_.term.next() : hard_state_.term;
  if (from.term != asked) return reject(from, RejectReason::stale);
  // What we asked in an earlier term and came late: the voter's word on this one may be another.
  if (reply.refusal == Refusal::old_term) return reject(from, RejectReason::stale);
  if (!cluster().is_voter(from.from)) return reject(from, RejectReason::stranger);
  record({from.from, reply.granted, reply.granted ? options_.id : reply.voted_for});
}

void Raft::record(Ballot ballot) {
  auto& ballots = std::get<Candidate>(role_).ballots;
  const auto known = std::ranges::find(ballots, ballot.voter, &Ballot::voter);
  if (known != ballots.end()) return;  // repeated; a voter does not change its mind within a term
  ballots.push_back(ballot);
  decide_election();
}

void Raft::decide_election() {
  const auto& candidate = std::get<Candidate>(role_);
  const auto ballot_of = [&](NodeId id) { return std::ranges::find(candidate.ballots, id, &Ballot::voter); };
  const Tally tally = cluster().tally([&](NodeId id) -> std::optional<bool> {
    const auto ballot = ballot_of(id);
    if (ballot == candidate.ballots.end()) return std::nullopt;
    return ballot->granted;
  });
  if (tally == Tally::won && candidate.pre_vote) {
    reset_election_deadline();  // the rehearsal may have been won late, and the election is to have its time (Figure 2)
    return start_election(false);
  }
  if (tally == Tally::won) return become_leader();
  if (tally == Tally::pending || candidate.pre_vote || !options_.split_vote_detection) return;

  // Deviation: Figure 2 waits for the timeout. A refusal names whom the voter chose: when nobody can win any more, the
  // next round need not wait. The ballot that settles it is acted upon, not those that come after it.
  const auto hopeless = [&](std::size_t ballots) {
    const auto counted = candidate.ballots.begin() + static_cast<std::ptrdiff_t>(ballots);
    return !cluster().someone_can_win([&](NodeId id) {
      const auto ballot = ballot_of(id);
      return ballot < counted ? ballot->chosen : nobody;
    });
  };
  if (!hopeless(candidate.ballots.size()) || hopeless(candidate.ballots.size() - 1)) return;
  emit(SplitVote{hard_state_.term});
  election_due_ = std::min(election_due_, now_ + random_.below(options_.election_timeout / 2));
}

// Adopting a higher term does not push the election deadline back, or a slow node could never campaign (H19).
void Raft::become_follower(Term term, NodeId leader) {
  if (role() == RoleName::leader) leave_leadership(StepDownReason::higher_term);
  const bool was_follower = role() == RoleName::follower;
  fail_reads();
  if (term > hard_state_.term) {
    hard_state_ = {term, nobody};
    writes_.save(hard_state_);
    emit(TermChanged{term});
  }
  const NodeId before = this->leader();
  role_ = Follower{.leader = leader, .heard = now_, .reads = {}};
  if (!was_follower) emit(RoleChanged{RoleName::follower, term});
  if (before != leader) emit(LeaderChanged{leader, term});
}

// A message that only the leader of this term can have sent. False if another leads this term.
bool Raft::follow(NodeId leader) {
  if (role() == RoleName::leader) {
    emit(ProtocolViolation{"two leaders in term " + std::to_string(hard_state_.term.value()) + ": this node and node " +
                           std::to_string(leader.value())});
    return false;
  }
  if (role() == RoleName::candidate) become_follower(hard_state_.term, leader);
  auto& follower = std::get<Follower>(role_);
  if (follower.leader == nobody) {
    follower.leader = leader;
    emit(LeaderChanged{leader, hard_state_.term});
  } else if (follower.leader != leader) {
    emit(ProtocolViolation{"two leaders in term " + std::to_string(hard_state_.term.value()) + ": nodes " +
                           std::to_string(follower.leader.value()) + " and " + std::to_string(leader.value())});
    return false;
  }
  follower.heard = now_;
  reset_election_deadline();
  return true;
}

// Raft, Figure 2, "Leaders": an entry of the new term at once, which commits all that was inherited (section 8; H2).
void Raft::become_leader() {
  Leader leader;
  leader.term_start = log_.last().index.next();
  leader.released = log_.last().index;
  leader.heartbeat_due = now_ + options_.heartbeat_interval;
  for (const NodeId id : cluster().members()) {
    if (id == options_.id) continue;
    Progress peer;
    peer.id = id;
    peer.next = leader.term_start;
    peer.heard = now_;
    leader.peers.push_back(std::move(peer));
  }
  role_ = std::move(leader);
  emit(RoleChanged{RoleName::leader, hard_state_.term});
  emit(LeaderChanged{options_.id, hard_state_.term});
  append(EntryKind::term_start, Payload::with_size(0));
}

void Raft::leave_leadership(StepDownReason reason) {
  auto& leader = std::get<Leader>(role_);
  if (leader.transfer) {
    const bool worked = reason == StepDownReason::higher_term && leader.transfer->asked;
    end_transfer(leader, worked ? TransferEnd::done : TransferEnd::lost_leadership);
  }
  fail_reads();
  role_ = Follower{.reads = {}};
  reset_election_deadline();
  emit(SteppedDown{hard_state_.term, reason});
  emit(RoleChanged{RoleName::follower, hard_state_.term});
  emit(LeaderChanged{nobody, hard_state_.term});
}

void Raft::step_down() {
  fed_ = true;
  if (role() == RoleName::leader) hand_over_and_step_down(StepDownReason::asked);
}

// Deviation: thesis 3.10 brings the target up to date before it is asked. Here the leader goes at once, so the best
// successor is asked as it is; whether it can win is for the voters to say.
void Raft::hand_over_and_step_down(StepDownReason reason) {
  if (const Progress* best = std::get<Leader>(role_).find(best_successor())) {
    send_now(best->id, TimeoutNow{{log_.term_at(best->match).value_or(Term()), best->match}});
  }
  leave_leadership(reason);
}

// The dead take nothing over, however much they hold.
NodeId Raft::best_successor() const {
  const auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return nobody;
  const Progress* best = nullptr;
  for (const Progress& peer : leader->peers) {
    const bool fits = cluster().can_lead(peer.id) && now_ < peer.heard + options_.election_timeout;
    if (fits && (best == nullptr || peer.match > best->match)) best = &peer;
  }
  return best == nullptr ? nobody : best->id;
}

// CheckQuorum (thesis 6.2), without a clock of its own: the moment since which a quorum was last heard, plus a timeout.
std::optional<Instant> Raft::quorum_deadline(const Leader& leader) const {
  if (!options_.check_quorum) return std::nullopt;
  const Instant since = cluster().quorum_value([&](NodeId id) {
    if (id == options_.id) return Instant::max() - options_.election_timeout;
    const auto peer = std::ranges::find(leader.peers, id, &Progress::id);
    return peer == leader.peers.end() ? Instant() : peer->heard;
  });
  return since + options_.election_timeout;
}

bool Raft::lost_quorum(const Leader& leader, Instant at) const {
  const auto due = quorum_deadline(leader);
  return due && at >= *due;
}

}  // namespace keel
