#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "keel/base/error.hpp"
#include "keel/raft/cluster.hpp"
#include "keel/raft/configurations.hpp"
#include "keel/raft/log.hpp"
#include "keel/raft/options.hpp"
#include "keel/raft/output.hpp"
#include "keel/raft/random.hpp"
#include "keel/raft/roles.hpp"
#include "keel/raft/write_queue.hpp"

namespace keel {

// The timers that `expire` can fire.
enum class Timer : std::uint8_t { election, heartbeat, check_quorum, transfer, write_stall };

struct PeerStatus {
  NodeId id;
  ReplicationState state = ReplicationState::probe;
  Index match;
  Index next;
  std::optional<Instant> last_heard;
};

struct RaftStatus {
  NodeId id;
  RoleName role = RoleName::follower;
  bool pre_vote = false;  // a candidate that only rehearses
  Term term;
  NodeId vote{};
  NodeId leader{};
  Index commit;
  Index applied;
  Index stable;  // durable here
  Index last;
  Index first;
  bool ready = false;  // leads, and its term-start entry is applied
  NodeId transferring_to{};
  std::vector<PeerStatus> peers;  // a leader's
};

// The Raft protocol for one group on one node, as a state machine: no I/O, no clock, no threads, no randomness but a
// seeded one. The same inputs give the same outputs, byte for byte. One thread at a time.
//
// Feed inputs, then take the output once and do everything in it:
//   * `output.write` goes to the log store; when it is durable, call `written` with its id. Writes are durable in order.
//     One that fails is the end: what was held is dropped, this object is used no more, and a new one begins with what
//     the store finds.
//   * `output.send` may leave at once; each of `send_after_write` only when the write it names is durable.
//   * `output.apply` is a range of entries that are committed and durable here; call `applied` when they are applied.
//   * for each of `output.fetch` read that range and call `fetched`, or `fetch_failed`, whenever that may be.
//   * each of `output.send_snapshot` needs this node's newest snapshot, by whatever way: its end is seen by itself.
//   * `output.reads_ready` answers `read`, each id once, in any turn after it.
//   * `output.members`, when set, is who there is from now on: for the transport.
//   * wake it with `advance` no later than `next_deadline`.
//
// An input throws InvariantBroken when Raft finds itself wrong; the object must then not be used again.
//
// It is a value: a copy goes on by itself. Compare, and take fingerprints, only with outputs taken.
class Raft {
 public:
  // Continues from what the store found; `now` is the first moment. Fails with `invalid` if options do not fit, with
  // `corrupt` if what was recovered contradicts itself or holds damaged entries (nothing mends these yet).
  static Result<Raft> make(RaftOptions options, const Recovered& recovered, Instant now);
  // The first life of a first voter, whose log is empty: the cluster's first entry and term 1 are its first write. Once
  // only: a voter that has lost its log must not vote again. Fails with `invalid` if options or genesis do not fit, or
  // not one another: only its members begin with it, whoever joins later starts with nothing.
  static Result<Raft> bootstrap(RaftOptions options, const Genesis& genesis, Instant now);

  // Inputs.
  void advance(Instant now);
  void receive(Message&& message);
  // Appends to the log of a leader. `expected` is the term the caller believes in, if it cares.
  // Errors: `not_leader`, `no_leader` (none known, or leadership is being handed over), `wrong_term`, `too_large`,
  // `overloaded`, `invalid` (of a kind that only Raft makes): in each case nothing was appended.
  Result<LogPosition> propose(EntryKind kind, Payload payload, std::optional<Term> expected = std::nullopt);
  void written(WriteId id);
  void applied(Index index);
  // The first entries of the range that was asked for, at least one. Anything else counts as a failure.
  void fetched(const Fetch& fetch, std::vector<Entry> entries);
  // The range could not be read: `compacted` sends the peer a snapshot; any other error is told (`FetchFailed`) and
  // ends this stream until the next answer from the peer (H49).
  void fetch_failed(const Fetch& fetch, const Error& why);
  // Asks for a linearizable read (thesis 6.4); the answer comes as Output::reads_ready. Ids must be new each time.
  // Errors: `no_leader`, `overloaded`.
  Result<void> read(ReadId id);
  // Hands leadership to `target` (thesis 3.10). Until it ends, by itself after an election timeout, proposals are
  // refused. Errors: `not_leader`, `no_leader`, `invalid` (a stranger, itself, or one that cannot lead).
  Result<void> transfer_leadership(NodeId target);
  // A leader gives up its role at once; nothing on any other node.
  void step_down();
  // What was sent to this peer may be lost: probe it.
  void unreachable(NodeId id);
  // Fires a timer, armed or not, as if its time had come.
  void expire(Timer timer);

  // Outputs. `output` is cleared first; its memory is reused.
  void take_output(Output& output);
  // Whether anything was fed in since the output was last taken; `applied` counts only if something follows from it.
  [[nodiscard]] bool has_output() const { return fed_; }
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  // The first entries of `range`, committed or not, if they are in memory: as many as lie together and fit in max_bytes
  // (see Log::cost), at least one; none if `range.first` is not in memory (read the store) or behind the end. Pointers
  // are good until the next input.
  [[nodiscard]] std::span<const Entry> cached(IndexRange range, std::size_t max_bytes) const;

  [[nodiscard]] RaftStatus status() const;
  [[nodiscard]] Instant now() const { return now_; }          // as it was last told
  [[nodiscard]] bool is_stalled() const { return stalled_; }  // its oldest write is taking too long
  [[nodiscard]] Term term() const { return hard_state_.term; }
  [[nodiscard]] NodeId leader() const;
  // Whom a leader would best hand over to: of those that could lead and were heard of within an election timeout, the one
  // that holds most of the log. Nobody if there is none, or if this node does not lead.
  [[nodiscard]] NodeId best_successor() const;
  [[nodiscard]] RoleName role() const;
  [[nodiscard]] Index commit() const { return commit_; }
  [[nodiscard]] const Log& log() const { return log_; }
  [[nodiscard]] const HardState& hard_state() const { return hard_state_; }
  [[nodiscard]] const Cluster& cluster() const { return configurations_.cluster(); }
  [[nodiscard]] const Configurations& configurations() const { return configurations_; }
  [[nodiscard]] const Role& role_state() const { return role_; }
  [[nodiscard]] const RaftOptions& options() const { return options_; }
  [[nodiscard]] const Genesis* genesis() const { return configurations_.genesis(); }

  // The protocol's state in 64 bits: timers as armed or expired, counters rebased, payloads by content, no randomness.
  [[nodiscard]] std::uint64_t fingerprint() const;
  bool operator==(const Raft& other) const;
  // Which events are built from now on; a ProtocolViolation always is.
  void want_events(EventMask events) { options_.events = events; }

 private:
  Raft() = default;

  // raft.cpp: the front door.
  bool acceptable(const Message& message);
  void answer_old_term(const Message& message);
  bool adopts_term(const Message& message) const;
  void on(const Message& from, const VoteRequest& request);
  void on(const Message& from, const VoteReply& reply);
  void on(const Message& from, AppendRequest& request);
  void on(const Message& from, const AppendReply& reply);
  void on(const Message& from, const Heartbeat& beat);
  void on(const Message& from, const HeartbeatReply& reply);
  void on(const Message& from, const TimeoutNow& request);
  void on(const Message& from, const ReadIndexRequest& request);
  void on(const Message& from, const ReadIndexReply& reply);
  [[nodiscard]] std::unexpected<Error> not_leading() const;
  Message& post(WriteId after, NodeId to, MessageBody&& body);
  void send_now(NodeId to, MessageBody&& body);
  void send_now(NodeId to, VoteReply) = delete;    // a promise: it leaves through send_when_durable
  void send_now(NodeId to, AppendReply) = delete;  // likewise
  void send_when_durable(NodeId to, MessageBody&& body);
  void reject(const Message& message, RejectReason reason);
  template <class E>
  void emit(E event) {
    constexpr EventMask always = bit_of<ProtocolViolation>();
    if (((options_.events | always) & bit_of<E>()) != 0) out_.events.emplace_back(std::move(event));
  }

  // election.cpp
  void campaign(bool for_transfer);
  void start_pre_vote();
  void start_election(bool for_transfer);
  void become_candidate(Candidate candidate);
  void ask_for_votes(const Candidate& candidate, Term term);
  void record(Ballot ballot);
  void decide_election();
  void become_follower(Term term, NodeId leader);
  void become_leader();
  bool follow(NodeId leader);
  void leave_leadership(StepDownReason reason);
  void hand_over_and_step_down(StepDownReason reason);
  void refuse_vote(const Message& request, Refusal why);
  void reset_election_deadline();
  [[nodiscard]] bool hears_a_leader(NodeId other_than) const;
  [[nodiscard]] bool may_vote() const;
  [[nodiscard]] bool may_campaign() const;
  [[nodiscard]] bool lost_quorum(const Leader& leader, Instant at) const;
  [[nodiscard]] std::optional<Instant> quorum_deadline(const Leader& leader) const;

  // replication.cpp: the leader's side.
  void append(EntryKind kind, Payload payload);
  void replicate(Leader& leader);
  void replicate_to(Leader& leader, Progress& peer);
  void ask_fetch(Leader& leader, Progress& peer);
  void need_snapshot(Progress& peer);
  void send_append(Progress& peer, Entries entries);
  void start_round(Leader& leader);
  void beat(Leader& leader);
  [[nodiscard]] bool window_full(const Progress& peer) const;
  Progress* answered(const Message& from);
  void start(Progress& peer, ReplicationState state, Index next);
  void set_state(Progress& peer, ReplicationState state);
  void advance_commit(Leader& leader);
  void release_bytes(Leader& leader, Index ready);
  void tell_commit(Leader& leader);

  // follower.cpp: the other side.
  void refuse_append(const Message& from, LogPosition previous);
  bool adopt_entries(const Message& from, std::span<Entry> entries);
  void conflict_below_commit(const Message& from, Index index);
  void commit_to(Index index);
  void truncate_from(Index index);
  void configuration_changed();

  // read.cpp
  void assign_rounds(Leader& leader);
  void release_reads(Leader& leader);
  void ask_leader_for_reads(Follower& follower);
  void fail_reads();

  // transfer.cpp
  void continue_transfer(Leader& leader);
  void end_transfer(Leader& leader, TransferEnd end);

  void check_stall();
  void stand();  // brings everything derived up to date before output is taken

  RaftOptions options_;
  Instant now_{};
  Random random_;
  HardState hard_state_;
  Log log_;
  WriteQueue writes_;
  Configurations configurations_;
  Index commit_;
  Index applied_;
  Index apply_told_;        // up to where Output::apply has gone
  LogPosition must_reach_;  // no vote before the log reaches this: it may have acknowledged so much
  Instant election_due_{};
  bool stalled_ = false;
  std::uint64_t read_context_ = 0;
  bool fed_ = false;
  Role role_;
  Output out_;
};

}  // namespace keel
