#include "keel/raft/raft.hpp"

#include <algorithm>
#include <utility>

#include "keel/base/assert.hpp"

namespace keel {

namespace {

constexpr IndexRange nothing_to_apply{Index(1), Index(0)};

// Most are empty in most turns. Those that are not change places with what was done, whose memory is used again.
template <class T>
void take_vector(std::vector<T>& done, std::vector<T>& next) {
  done.clear();
  if (!next.empty()) done.swap(next);
}

// All but the write, which goes there straight from its queue.
void hand_over(Output& gathered, Output& output) {
  output.write.reset();
  take_vector(output.send, gathered.send);
  take_vector(output.send_after_write, gathered.send_after_write);
  output.apply = std::exchange(gathered.apply, nothing_to_apply);
  take_vector(output.fetch, gathered.fetch);
  take_vector(output.send_snapshot, gathered.send_snapshot);
  take_vector(output.reads_ready, gathered.reads_ready);
  output.members = std::move(gathered.members);
  take_vector(output.events, gathered.events);
}

}  // namespace

Progress* Leader::find(NodeId id) {
  const auto found = std::ranges::find(peers, id, &Progress::id);
  return found == peers.end() ? nullptr : &*found;
}

namespace {

std::unexpected<Error> contradiction(const std::string& what) {
  return fail(ErrorCode::corrupt, "what the log store found contradicts itself: " + what +
                                      "; treat this node's data as lost (docs/operating.md)");
}

// A store may be the user's own: nothing it says is relied upon unseen.
Result<void> check(const Recovered& found) {
  const std::string end = "entry " + std::to_string(found.last.value());
  if (!found.untrusted.empty()) {
    return fail(ErrorCode::corrupt, "the log has damaged entries from index " +
                                        std::to_string(found.untrusted.front().first.value()) +
                                        " on; treat this node's data as lost (docs/operating.md)");
  }
  const LogPosition base = found.base.position;
  if (found.last < base.index) return contradiction("the log ends at " + end + ", before its base");
  TermRun before{base.index, base.term};
  for (const TermRun& run : found.terms) {
    const bool first = &run == &found.terms.front();
    const bool follows = first ? run.first == base.index.next() && run.term >= before.term
                               : run.first > before.first && run.term > before.term;
    if (!follows || run.first > found.last) {
      return contradiction("the terms at entry " + std::to_string(run.first.value()) + " do not follow");
    }
    before = run;
  }
  if (found.terms.empty() && found.last > base.index) return contradiction(end + " has no term");
  if (before.term > found.hard_state.term) return contradiction(end + " is of a term behind the recorded one");
  if (base.index > Index() && (found.base.genesis == nullptr || found.base.configuration == nullptr)) {
    return contradiction("the log begins behind entry " + std::to_string(base.index.value()) +
                         ", and nothing says who was in the cluster there");
  }
  const Log log(found);
  Index configured = base.index;
  for (const Entry& entry : found.configurations) {
    const std::string which = "the configuration at entry " + std::to_string(entry.index.value());
    if (entry.index <= configured || entry.index > found.last) return contradiction(which + " is out of order");
    const EntryKind fitting = entry.index == Index(1) ? EntryKind::genesis : EntryKind::configuration;
    if (entry.kind != fitting) return contradiction(which + " is of another kind");
    if (!log.has({entry.term, entry.index})) return contradiction(which + " is of another term than the log has there");
    configured = entry.index;
  }
  return {};
}

}  // namespace

Result<Raft> Raft::make(RaftOptions options, const Recovered& recovered, Instant now) {
  if (auto good = validate(options); !good) return std::unexpected(good.error());
  if (auto good = check(recovered); !good) return std::unexpected(good.error());
  auto configurations = Configurations::recover(recovered);
  if (!configurations) return std::unexpected(configurations.error());

  Raft raft;
  raft.options_ = options;
  raft.now_ = now;
  raft.random_ = Random(options.seed);
  raft.hard_state_ = recovered.hard_state;
  raft.log_ = Log(recovered);
  raft.writes_.start_at(recovered.last);
  raft.configurations_ = std::move(*configurations);
  raft.commit_ = raft.applied_ = raft.apply_told_ = recovered.base.position.index;
  raft.must_reach_ = recovered.acknowledged;
  raft.read_context_ = raft.random_.next() >> 1;  // an answer to a question of an earlier life is not ours
  raft.reset_election_deadline();
  raft.fed_ = true;
  if (raft.configurations_.has_any()) raft.out_.members = raft.configurations_.current();
  return raft;
}

// Nothing that this voter promises can be durable before its genesis is: writes are durable in order.
Result<Raft> Raft::bootstrap(RaftOptions options, const Genesis& genesis, Instant now) {
  if (auto good = validate(genesis); !good) return std::unexpected(good.error());
  if (genesis.configuration.find(options.id) == nullptr) {
    return fail(ErrorCode::invalid, "node " + std::to_string(options.id.value()) +
                                        " is not among the first members of this cluster: it cannot begin its log, "
                                        "only join later");
  }
  auto made = make(options, Recovered{}, now);
  if (!made) return made;
  Raft& raft = *made;
  const Entry first{Index(1), Term(1), EntryKind::genesis, encode(genesis)};
  if (auto taken = raft.configurations_.append(first); !taken) return std::unexpected(taken.error());
  raft.hard_state_ = {Term(1), nobody};
  raft.writes_.save(raft.hard_state_);
  raft.log_.append(Entry(first));
  raft.writes_.append(first);
  raft.out_.members = raft.configurations_.current();
  return made;
}

// Rules for all servers (Raft, Figure 2): a higher term makes us a follower in it, a lower one is answered with ours.
void Raft::receive(Message&& message) {
  fed_ = true;
  if (!acceptable(message)) return;
  if (message.term < hard_state_.term) return answer_old_term(message);
  if (message.term > hard_state_.term && adopts_term(message)) become_follower(message.term, nobody);
  std::visit([&](auto& body) { on(message, body); }, message.body);
}

bool Raft::acceptable(const Message& message) {
  if (message.group != options_.group || message.to != options_.id) {
    reject(message, RejectReason::not_for_us);
    return false;
  }
  if (message.from == options_.id || message.from == nobody) {
    reject(message, RejectReason::malformed);
    return false;
  }
  // Deviation: Figure 2 follows the higher term in anybody's answer. Answers are for questions, and only members are
  // asked. (Requests are another matter: our configuration may be older than the sender's.)
  const bool answers = std::holds_alternative<VoteReply>(message.body) ||
                       std::holds_alternative<AppendReply>(message.body) ||
                       std::holds_alternative<HeartbeatReply>(message.body);
  if (answers && !cluster().is_member(message.from)) {
    reject(message, RejectReason::stranger);
    return false;
  }
  return true;
}

// A pre-vote asks about a term that nobody is in yet (thesis 9.6). A real vote request is not listened to while a
// leader is heard, or a returning node could depose it (thesis 4.2.3); a transfer is the leader's own wish.
bool Raft::adopts_term(const Message& message) const {
  if (const auto* request = std::get_if<VoteRequest>(&message.body)) {
    if (request->pre_vote) return false;
    return request->for_transfer || !options_.stickiness || !hears_a_leader(message.from);
  }
  const auto* reply = std::get_if<VoteReply>(&message.body);
  return reply == nullptr || !(reply->pre_vote && reply->granted);
}

// An old leader, or a candidate that is behind, learns our term from the answer: so a node stuck at a higher term frees
// itself, and a node behind catches up (H15, H16). By then it may lead or campaign in this very term, and must not take
// the answer for one to what it sends now: it names nothing of the request.
void Raft::answer_old_term(const Message& message) {
  reject(message, RejectReason::old_term);
  if (std::holds_alternative<VoteRequest>(message.body)) {
    refuse_vote(message, Refusal::old_term);
  } else if (std::holds_alternative<AppendRequest>(message.body)) {
    send_when_durable(message.from, AppendReply{});
  } else if (const auto* beat = std::get_if<Heartbeat>(&message.body); beat != nullptr && beat->round != 0) {
    send_now(message.from, HeartbeatReply{});
  }
}

// `after` is 0 when nothing has to be durable first.
Message& Raft::post(WriteId after, NodeId to, MessageBody&& body) {
  if (after == WriteId())
    return out_.send.emplace_back(options_.group, options_.id, to, hard_state_.term, std::move(body));
  Message message{options_.group, options_.id, to, hard_state_.term, std::move(body)};
  return out_.send_after_write.emplace_back(after, std::move(message)).message;
}

// Even a message that promises nothing tells our term, which must be durable first (R6).
void Raft::send_now(NodeId to, MessageBody&& body) { post(writes_.hard_state_gate(), to, std::move(body)); }

void Raft::send_when_durable(NodeId to, MessageBody&& body) { post(writes_.gate(), to, std::move(body)); }

void Raft::reject(const Message& message, RejectReason reason) {
  emit(MessageRejected{message.from, name_of(message.body), reason});
}

void Raft::advance(Instant now) {
  now_ = std::max(now_, now);
  const auto due = next_deadline();
  if (!due || now_ < *due) return;
  fed_ = true;
  check_stall();
  if (auto* leader = std::get_if<Leader>(&role_)) {
    if (lost_quorum(*leader, now_)) return leave_leadership(StepDownReason::lost_quorum);
    if (leader->transfer && now_ >= leader->transfer->deadline) end_transfer(*leader, TransferEnd::timed_out);
    if (now_ >= leader->heartbeat_due) beat(*leader);
  } else if (now_ >= election_due_) {
    campaign(false);
  }
}

void Raft::expire(Timer timer) {
  fed_ = true;
  auto* leader = std::get_if<Leader>(&role_);
  switch (timer) {
    case Timer::election:
      if (leader == nullptr) campaign(false);
      return;
    case Timer::heartbeat:
      if (leader != nullptr) beat(*leader);
      return;
    case Timer::check_quorum:
      if (leader != nullptr && quorum_deadline(*leader)) leave_leadership(StepDownReason::lost_quorum);
      return;
    case Timer::transfer:
      if (leader != nullptr && leader->transfer) end_transfer(*leader, TransferEnd::timed_out);
      return;
    case Timer::write_stall:
      if (writes_.oldest_issued() && !stalled_) {
        stalled_ = true;
        emit(StorageStalled{true});
        if (leader != nullptr) hand_over_and_step_down(StepDownReason::disk_stalled);
      }
      return;
  }
}

// Deviation: the thesis knows no disk that hangs. A leader with one would hold everybody up: it hands over, and nobody
// campaigns with such a disk (H53).
void Raft::check_stall() {
  const auto oldest = writes_.oldest_issued();
  const bool stalled =
      options_.write_stall_timeout > Duration::zero() && oldest && now_ >= *oldest + options_.write_stall_timeout;
  if (stalled == stalled_) return;
  stalled_ = stalled;
  emit(StorageStalled{stalled});
  if (stalled && role() == RoleName::leader) hand_over_and_step_down(StepDownReason::disk_stalled);
}

void Raft::written(WriteId id) {
  fed_ = true;
  const WriteId before = writes_.hard_state_gate();
  log_.set_stable(writes_.written(id));
  check_stall();
  if (auto* leader = std::get_if<Leader>(&role_)) {
    advance_commit(*leader);  // our own disk counts only now
  } else if (auto* candidate = std::get_if<Candidate>(&role_)) {
    // Our own vote counts only when durable, and only in the phase that cast it (H12, H13).
    const bool vote_durable = before != WriteId() && writes_.hard_state_gate() == WriteId();
    if (!candidate->pre_vote && vote_durable) record({options_.id, true, options_.id});
  }
}

// Nothing goes out for it but the news that a leader is ready.
void Raft::applied(Index index) {
  KEEL_ASSERT(index <= apply_told_, "only what was handed out can be applied");
  applied_ = std::max(applied_, index);
  if (auto* leader = std::get_if<Leader>(&role_);
      leader != nullptr && !leader->ready && applied_ >= leader->term_start) {
    fed_ = leader->ready = true;
    emit(LeaderReady{hard_state_.term});
  }
}

// Everything derived is brought up to date once a turn: that is where batches come from.
void Raft::stand() {
  // Deviation: Figure 2 applies what is committed. Here it must be durable on this node too, so that a state machine that
  // keeps its own state is never ahead of its log.
  const Index ready = std::min(commit_, log_.stable());
  if (auto* leader = std::get_if<Leader>(&role_)) {
    release_bytes(*leader, ready);
    assign_rounds(*leader);
    release_reads(*leader);
    continue_transfer(*leader);
    replicate(*leader);
    tell_commit(*leader);
  } else if (auto* follower = std::get_if<Follower>(&role_)) {
    ask_leader_for_reads(*follower);
  }
  if (ready > apply_told_) {
    out_.apply = {apply_told_.next(), ready};
    apply_told_ = ready;
  }
  log_.evict(ready, options_.log_cache_bytes);
}

void Raft::take_output(Output& output) {
  stand();
  std::vector<Entry> memory;
  if (output.write) memory = std::move(output.write->batch.entries);
  hand_over(out_, output);
  if (writes_.has_gathered()) output.write = writes_.issue(now_);
  if (memory.capacity() > 0) writes_.reuse(std::move(memory));
  fed_ = false;
}

std::optional<Instant> Raft::next_deadline() const {
  std::optional<Instant> next;
  const auto sooner = [&](Instant at) { next = next ? std::min(*next, at) : at; };
  if (const auto* leader = std::get_if<Leader>(&role_)) {
    sooner(leader->heartbeat_due);
    if (leader->transfer) sooner(leader->transfer->deadline);
    if (const auto due = quorum_deadline(*leader)) sooner(*due);
  } else {
    sooner(election_due_);
  }
  if (const auto oldest = writes_.oldest_issued();
      oldest && !stalled_ && options_.write_stall_timeout > Duration::zero()) {
    sooner(*oldest + options_.write_stall_timeout);
  }
  return next;
}

std::span<const Entry> Raft::cached(IndexRange range, std::size_t max_bytes) const {
  return log_.cached(range, max_bytes, log_.last().index.value());
}

std::unexpected<Error> Raft::not_leading() const {
  const NodeId known = leader();
  if (known == nobody) return fail(ErrorCode::no_leader, "no leader is known; try again");
  return std::unexpected(
      Error{ErrorCode::not_leader, "node " + std::to_string(known.value()) + " leads", known.value()});
}

NodeId Raft::leader() const {
  if (const auto* follower = std::get_if<Follower>(&role_)) return follower->leader;
  return role() == RoleName::leader ? options_.id : nobody;
}

RoleName Raft::role() const { return static_cast<RoleName>(role_.index()); }

RaftStatus Raft::status() const {
  RaftStatus status{.id = options_.id,
                    .role = role(),
                    .term = hard_state_.term,
                    .vote = hard_state_.vote,
                    .leader = leader(),
                    .commit = commit_,
                    .applied = applied_,
                    .stable = log_.stable(),
                    .last = log_.last().index,
                    .first = log_.first(),
                    .peers = {}};
  if (const auto* candidate = std::get_if<Candidate>(&role_)) status.pre_vote = candidate->pre_vote;
  if (const auto* leader = std::get_if<Leader>(&role_)) {
    status.ready = leader->ready;
    if (leader->transfer) status.transferring_to = leader->transfer->target;
    for (const Progress& peer : leader->peers) {
      status.peers.push_back({peer.id, peer.state, peer.match, peer.next, peer.heard});
    }
  }
  return status;
}

}  // namespace keel
