#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "keel/node/node.hpp"
#include "keel/port/disk.hpp"
#include "keel/sim/checks.hpp"
#include "keel/sim/clock.hpp"
#include "keel/sim/condition.hpp"
#include "keel/sim/counters.hpp"
#include "keel/sim/executor.hpp"
#include "keel/sim/network.hpp"
#include "keel/sim/random.hpp"
#include "keel/sim/trace.hpp"

namespace keel::sim {

// A run went wrong: a check found something, or what was waited for did not come. The text ends with the state of all
// nodes and the last events.
class Failed : public std::runtime_error {
 public:
  Failed(std::string check, const std::string& text)
      : std::runtime_error(check + ": " + text), check_(std::move(check)) {}
  [[nodiscard]] const std::string& check() const { return check_; }

 private:
  std::string check_;
};

enum class LogKind : std::uint8_t {
  write_ahead,  // the real log, on a simulated disk
  memory,       // quick: what is not durable at a crash is lost whole
};

// Called at each start of a node.
using MachineFactory = std::function<std::unique_ptr<StateMachine>(NodeId)>;
// Likewise, and once more when the log was empty, to be bootstrapped. The disk outlives the store, and holds what crashes
// left.
using LogFactory = std::function<std::unique_ptr<LogStore>(NodeId, Disk&, Executor&)>;
// Likewise, before the log: something that stands between a node and its end of the network.
using TransportFactory = std::function<std::unique_ptr<Transport>(NodeId, Transport&, Executor&)>;

struct WorldOptions {
  std::size_t nodes = 3;  // with ids 1..nodes
  std::uint64_t seed = 1;
  bool pre_vote = true;
  bool check_quorum = true;
  bool stickiness = true;  // must not be without check_quorum: off with it
  NodeOptions node = {};   // everything else about a node; ids and seeds are set for each
  Link link = {};
  LogKind log = LogKind::write_ahead;
  LogFactory make_log = {};              // a store of one's own instead
  TransportFactory make_transport = {};  // without one the network itself
  Duration sync_latency = std::chrono::microseconds(200);
  Duration sync_jitter = {};  // up to so much more, on a simulated disk
  // Messages arrive and writes end at multiples of it, as under a busy event loop: a node gets several inputs in one turn.
  // 0: each comes in its own moment.
  Duration grain = {};
  std::uint64_t segment_bytes = 64u << 10;  // of the write-ahead log
  bool bootstrapped = true;     // begin when the first entry is durable on every node; else with it on its way
  bool encode = true;           // messages cross the codec
  MachineFactory machine = {};  // without one: RegisterMachine
  bool keep_events = true;      // for `events`; off in long runs
  std::size_t tail = 40;        // lines of trace that a failure shows; 0 makes long runs quick
};

// In a message's life.
enum class Moment : std::uint8_t {
  sent,
  held,
  delivered,  // and acted upon
  lost,
};
[[nodiscard]] std::string_view to_string(Moment moment);

// One command's fate. Cheap to copy; must not outlive its World.
class Submitted {
 public:
  // Its place in the log. Fails the run if it was not appended where it was submitted.
  [[nodiscard]] Index index() const { return position().index; }
  [[nodiscard]] Term term() const { return position().term; }
  [[nodiscard]] LogPosition position() const;
  [[nodiscard]] bool is_appended() const;

  [[nodiscard]] bool answered() const;
  [[nodiscard]] bool ok() const;                   // answered, by the machine
  [[nodiscard]] const std::string& reply() const;  // the machine's; fails the run unless ok
  [[nodiscard]] std::optional<ErrorCode> error() const;
  [[nodiscard]] std::optional<Outcome> outcome() const;  // of an error

  [[nodiscard]] bool is_lost() const;    // its process died before it could answer
  [[nodiscard]] bool committed() const;  // known to be, by some node
  [[nodiscard]] bool applied(Who node) const;
  // Waits for it: applied by every node that is up, all the same, within some election timeouts.
  [[nodiscard]] bool applied_everywhere() const;
  // Where it was applied, whatever its caller was told; nothing if nowhere.
  [[nodiscard]] std::optional<Index> applied_at() const;
  // Conditions to wait for.
  [[nodiscard]] Condition is_answered() const;
  [[nodiscard]] Condition is_applied(Who node) const;

 private:
  friend class World;
  Submitted(World& world, std::uint64_t id) : world_(&world), id_(id) {}
  World* world_;
  std::uint64_t id_;
};

// One read's fate.
class Asked {
 public:
  [[nodiscard]] bool answered() const;
  [[nodiscard]] bool ok() const;
  [[nodiscard]] const std::string& value() const;  // fails the run unless ok
  [[nodiscard]] Index at() const;                  // the last command that had been applied when it was served
  [[nodiscard]] std::optional<ErrorCode> error() const;
  [[nodiscard]] bool is_lost() const;
  [[nodiscard]] Condition is_answered() const;

 private:
  friend class World;
  Asked(World& world, std::uint64_t id) : world_(&world), id_(id) {}
  World* world_;
  std::uint64_t id_;
};

class Host;  // a node with all that is around it
class SimMedia;

// A cluster in virtual time: real Nodes on real logs, on simulated disks, clocks and a simulated network, checked after
// every step. Nothing happens while nobody lets time pass.
//
// Functions that wait throw Failed when what they wait for does not come, all that let time pass also when a check does
// not hold: a test's text stays free of asking.
class World : private NetworkWatcher {
 public:
  explicit World(WorldOptions options = {});
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Time.
  [[nodiscard]] SimTime now() const { return timeline_.now(); }
  [[nodiscard]] Duration election_timeout() const { return options_.node.raft.election_timeout; }
  bool step();  // one event; false if nothing is going to happen
  void run_for(Duration time);
  void run_now();  // all that is due at this moment, and what follows from it at once
  // Until it holds; within `budget` (20 election timeouts, unless told) or Failed.
  void run_until(const Condition& condition, std::optional<Duration> budget = std::nullopt);
  // Until a message that matches is at this moment; then it. Within the budget, or Failed.
  PeerMessage run_until(const Messages& which, Moment moment = Moment::sent,
                        std::optional<Duration> budget = std::nullopt);
  // Says whether it came to hold.
  bool holds_within(const Condition& condition, Duration budget);
  [[nodiscard]] bool holds(const Condition& condition) const { return condition.holds(*this); }
  // Runs for `time`; Failed as soon as it does not hold.
  void run_while(const Condition& condition, Duration time);
  // Breakpoints. Whatever lets time pass throws Failed ("breakpoint", with `inspect`) at the end of the step in which it
  // holds, or in which such a message is at this moment. Once: the run can go on from there.
  void break_at(Condition condition);
  void break_at(Messages which, Moment moment);
  // Until all nodes that are up have one ready leader, equal logs, and have applied and answered everything.
  void settle();

  // Nodes.
  [[nodiscard]] std::size_t size() const { return options_.nodes; }
  [[nodiscard]] std::vector<NodeId> all() const;
  [[nodiscard]] std::vector<NodeId> running() const;  // up, paused ones too
  [[nodiscard]] bool is_up(Who node) const;
  [[nodiscard]] bool is_paused(Who node) const;
  [[nodiscard]] Node& node(Who node) const;  // Failed if it is down
  [[nodiscard]] const Raft& raft(Who node) const { return this->node(node).raft(); }
  [[nodiscard]] StateMachine& machine(Who node) const;
  NodeOptions& options(Who node);  // for its next start
  SimMedia& disk(Who node);
  [[nodiscard]] const Clock& clock(Who node) const;
  void set_clock_rate(Who node, std::int64_t parts_per_million);
  void jump_clock(Who node, Duration ahead);
  void shift_wall_clock(Who node, Duration by);  // either way; no timer goes by it

  void crash(Who node);  // power loss: what was not synced may be gone
  Result<void> try_restart(Who node);
  void restart(Who node);  // Failed if it cannot start
  void stop(Who node);     // gracefully
  void pause(Who node);    // stands still; its clock goes on
  void resume(Who node);

  // Leadership.
  [[nodiscard]] NodeId leader() const;                  // the ready one of the highest term, or nobody
  [[nodiscard]] std::vector<NodeId> followers() const;  // of that one: all others that are up
  [[nodiscard]] NodeId some_follower() const;
  NodeId elect();        // waits for a leader that all follow
  void elect(Who node);  // makes it that one, by its timer or by a transfer
  void fire_timer(Who node, Timer timer);
  void step_down(Who node);
  // Waits for its end.
  Result<void> transfer(Who from, Who to);
  // How often a node came to lead since the last `network().heal()`, or since the beginning.
  [[nodiscard]] std::size_t leader_changes_since_heal() const;
  [[nodiscard]] std::size_t leaderships() const { return leaderships_.size(); }

  // Commands and reads. Without a node: at the leader, waiting for one.
  Submitted submit(std::string_view command);  // waits for its answer
  Submitted submit(Who node, std::string_view command);
  Submitted submit_async(Who node, std::string_view command, SubmitOptions options = {});
  // `query` looks at the machine at the moment at which the read may be served.
  using Query = std::function<std::string(StateMachine&)>;
  Asked read_async(Who node, ReadLevel level, Query query, std::optional<Duration> deadline = std::nullopt);
  Asked read_async(Who node, std::string_view key);  // of a RegisterMachine, linearizable
  std::string read(Who node, std::string_view key);  // waits
  // For workloads, whose own events these are called from: no time passes, and `told` runs once the fate is known, or
  // never if the World ends first.
  Submitted post_command(Who node, std::string_view command, SubmitOptions options, std::function<void()> told);
  Asked post_read(Who node, ReadLevel level, Query query, std::optional<Duration> deadline, std::function<void()> told);

  // Messages. Rules stay until `network().clear_rules()`.
  [[nodiscard]] Network& network() { return network_; }
  [[nodiscard]] const Network& network() const { return network_; }
  RuleId hold(Messages which) { return network_.hold(std::move(which)); }
  RuleId drop(Messages which) { return network_.drop(std::move(which)); }
  // The oldest that matches, held or on its way, waited for if there is none yet, arrives, and is acted upon.
  void deliver_one(const Messages& which);
  // All that match and are held or on their way now.
  void deliver_all(const Messages& which);
  void drop_one(const Messages& which);
  void release();  // no more rules; what was held goes on its way

  // What happened, on one node, since the beginning or the last `forget_events`.
  [[nodiscard]] const std::vector<Event>& events(Who node) const;
  template <class E>
  [[nodiscard]] std::vector<E> events_of(Who node) const;
  template <class E>
  [[nodiscard]] std::size_t count_of() const;  // on all nodes
  void forget_events();

  [[nodiscard]] SafetyChecks& checks() { return checks_; }
  [[nodiscard]] const SafetyChecks& checks() const { return checks_; }
  // At the end of a run: every command was answered once; nothing that was refused was applied.
  void check_commands();
  [[nodiscard]] std::uint64_t steps() const { return timeline_.steps(); }
  // What happened, counted: roles, elections, messages by type, rejections, faults, outcomes.
  [[nodiscard]] Counters counters() const;
  // A digest of all that happened so far: equal for equal runs.
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  // Told all that happens from now on, but not of this World's own end; first, if it wants states, what is: the state of
  // each node and the cuts.
  void add_sink(TraceSink& sink);
  // Puts a line of one's own into the trace; `name` is for programs, `text` for people.
  void note(TraceKind kind, NodeId node, std::string_view text, std::string_view name = {});
  // The state of all nodes, one line each.
  [[nodiscard]] std::string describe() const;
  // More of it: what leaders know of their peers, clocks that are off, cuts, and all messages on their way.
  [[nodiscard]] std::string inspect() const;
  [[noreturn]] void fail(std::string_view check, const std::string& text) const;

  [[nodiscard]] Timeline& timeline() { return timeline_; }
  [[nodiscard]] const Timeline& timeline() const { return timeline_; }

 private:
  friend class Host;
  friend class Submitted;
  friend class Asked;
  struct CommandRecord {
    NodeId node{};
    LogPosition position{};  // index 0: not appended as far as is known
    bool answered = false;
    bool lost = false;  // its process died with it
    std::optional<Error> error{};
    std::string reply{};
    Index applied_at{};            // 0: nowhere
    std::function<void()> told{};  // once it is answered or lost
  };
  struct ReadRecord {
    NodeId node{};
    bool answered = false;
    bool lost = false;
    std::optional<Error> error{};
    std::string value{};
    Index at{};
    std::function<void()> told{};
  };
  struct Tallies {
    std::array<std::uint64_t, std::variant_size_v<RaftEvent>> events{};
    std::array<std::uint64_t, std::variant_size_v<MessageBody>> messages{};
    std::array<std::uint64_t, 3> peer_messages{};
    std::array<std::uint64_t, 8> rejected{};         // by RejectReason
    std::array<std::uint64_t, 8> stepped_down{};     // by StepDownReason
    std::array<std::uint64_t, 8> transfers{};        // by TransferEnd
    std::array<std::uint64_t, 32> command_errors{};  // by ErrorCode
    std::array<std::uint64_t, 32> read_errors{};
    std::array<std::uint64_t, 3> roles{};  // by RoleName: how often a node came to be it
    std::uint64_t rehearsals = 0;
    std::uint64_t truncated = 0;
    std::uint64_t failed_nodes = 0;
    std::uint64_t crashes = 0;
    std::uint64_t leader_crashes = 0;
    std::uint64_t gathered = 0;  // turns that had a message and the end of a write
  };
  // What a node was told since its last event that was no input; what it does about it comes in one turn.
  struct Inputs {
    bool message = false;
    bool write = false;
  };
  struct Leadership {
    std::uint64_t step;
    NodeId node;
    Term term;
  };

  Host& host(Who node) const;
  [[nodiscard]] bool tracing() const { return !sinks_.empty(); }
  void trace(TraceEvent event);
  [[nodiscard]] NodeView state_of(const Host& host) const;
  void trace_state(Host& host);
  void trace_life(NodeId node, std::string_view name, std::string_view text = {});
  void trace_client(NodeId node, std::uint64_t id, std::string_view name, std::string_view text = {});
  void mix_in(std::uint64_t value);
  void check_step();
  void check(Host& host);
  [[nodiscard]] bool bootstrapping();
  void look_for(Moment moment, const PeerMessage& message);
  void check_breaks();
  void touch(NodeId node) { touched_ = node; }
  void gather(NodeId node, bool Inputs::* input);
  void process_gone(NodeId node);
  void count(const NodeEvent& event);
  void answer(std::uint64_t id, Result<Applied> result);
  void answer_read(std::uint64_t id, const Query& query, const Result<Index>& result);

  // Told by the hosts.
  void on_event(NodeId node, const Event& event, const Raft* raft);
  void on_opened(NodeId node, const Recovered& found);
  void on_write(NodeId node, const WriteBatch& batch);
  void on_durable(NodeId node);
  void on_applied(NodeId node, const Command& command, std::string_view reply);
  // NetworkWatcher
  void on_sent(const PeerMessage& message, MessageId id) override;
  void on_delivered(const PeerMessage& message, MessageId id) override;
  void on_lost(const PeerMessage& message, MessageId id, Loss why) override;
  void on_held(const PeerMessage& message, MessageId id) override;
  void on_cut(NodeId from, NodeId to, bool cut) override;

  WorldOptions options_;
  Genesis genesis_;
  Timeline timeline_;
  Random random_;
  Network network_;
  SafetyChecks checks_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<CommandRecord> commands_;
  std::vector<ReadRecord> reads_;
  std::vector<Leadership> leaderships_;
  Tallies tallies_;
  std::vector<TraceSink*> sinks_;
  bool wants_states_ = false;     // some sink does
  std::vector<NodeView> states_;  // as told last, by node
  std::unique_ptr<TailTrace> tail_;
  std::uint64_t digest_ = 0;
  NodeId touched_{};
  std::vector<Inputs> inputs_;  // by node
  bool told_ = false;           // a node was, in this step
  // Waited for: a message, at a moment.
  struct Wanted {
    Messages which;
    Moment moment;
    std::optional<PeerMessage> seen{};
  };
  std::optional<Wanted> wanted_;
  std::vector<Condition> breaks_;
  std::vector<Wanted> message_breaks_;
};

template <class E>
std::vector<E> World::events_of(Who node) const {
  std::vector<E> found;
  for (const Event& event : events(node)) {
    if constexpr (!std::is_constructible_v<RaftEvent, E>) {
      if (const E* one = std::get_if<E>(&event.what)) found.push_back(*one);
    } else if (const auto* protocol = std::get_if<RaftEvent>(&event.what)) {
      if (const E* one = std::get_if<E>(protocol)) found.push_back(*one);
    }
  }
  return found;
}

template <class E>
std::size_t World::count_of() const {
  std::size_t count = 0;
  for (const NodeId id : all())
    count += events_of<E>(id).size();
  return count;
}

}  // namespace keel::sim
