#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

#include "keel/port/transport.hpp"
#include "keel/sim/messages.hpp"
#include "keel/sim/random.hpp"
#include "keel/sim/timeline.hpp"

namespace keel::sim {

// How latencies lie between a link's least and its greatest.
enum class Spread : std::uint8_t {
  uniform,
  exponential,  // half of them within an eighth of the way, one in 250 beyond the end
  heavy_tail,   // half within an eighth, one in 11 beyond the end, one in 150 ten times as far (Lomax, index 1.2)
};

// What the way from one node to another does to messages. With `reorder` 0 they arrive in the order in which they left,
// as over TCP.
struct Link {
  Duration min_latency = std::chrono::microseconds(500);
  Duration max_latency = std::chrono::microseconds(500);
  Spread spread = Spread::uniform;
  double loss = 0;       // probabilities, for each message
  double duplicate = 0;  // arrives a second time, later
  double reorder = 0;    // does not keep its place in the order
  double spike = 0;      // takes up to `spike_latency` more
  Duration spike_latency{};
  std::uint64_t bytes_per_second = 0;  // 0: no limit. What would wait for longer than a second is lost
  double unreachable_hint = 0;         // that the sender is told (`on_unreachable`) of a message that was lost
};

enum class Loss : std::uint8_t {
  chance,    // the link's `loss`
  cut,       // a partition
  script,    // a rule said `drop`
  down,      // nobody runs at the other end
  overflow,  // too many on their way
  refused,   // it did not decode: the codec is broken
};
[[nodiscard]] std::string_view to_string(Loss loss);

// Messages are numbered in the order in which they are sent; what the network repeats keeps its number.
using MessageId = std::uint64_t;

// Sees every message and every cut. Called in the middle of things: it looks, and touches nothing.
class NetworkWatcher {
 public:
  virtual ~NetworkWatcher() = default;
  virtual void on_sent(const PeerMessage& message, MessageId id) = 0;
  virtual void on_delivered(const PeerMessage& message, MessageId id) = 0;
  virtual void on_lost(const PeerMessage& message, MessageId id, Loss why) = 0;
  virtual void on_held(const PeerMessage& message, MessageId id) = 0;
  // What leaves `from` does not reach `to` any more, or does again. Told when it changes.
  virtual void on_cut(NodeId from, NodeId to, bool cut) = 0;
};

struct NetworkCounters {
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;  // arrived before one that was sent earlier on the same link
  std::uint64_t delayed = 0;    // by a spike or a rule
  std::uint64_t queued = 0;     // left later, because a link had no more bandwidth
  std::uint64_t lost[6] = {};   // by Loss
  [[nodiscard]] std::uint64_t lost_by(Loss why) const { return lost[static_cast<std::size_t>(why)]; }
};

using RuleId = std::uint64_t;

// The network between the nodes of a World: a Transport for each. Each message crosses the real codec, so that a
// receiver's entries lie in blocks of its own, as over TCP.
//
// A script's rules come first: of those that match a message the one added last decides. What no rule catches takes the
// link's chances.
class Network {
 public:
  // Nodes are 1..nodes. `encode` off hands the same objects over, as the in-process transport does.
  Network(Timeline& timeline, std::size_t nodes, Random random, ClusterId cluster, bool encode);
  ~Network();

  [[nodiscard]] Transport& transport(Who node);
  void watch(NetworkWatcher& watcher) { watcher_ = &watcher; }
  // A process that starts or dies; `owner` is whose events the deliveries are that wait for it.
  void up(Who node, Owner owner);
  void down(Who node);
  // What arrives at a process that stands still waits for it, and dies with it.
  void pause(Who node);
  void resume(Who node);
  // What takes its way over a link arrives at multiples of it; 0: whenever it is there.
  void set_grain(Duration grain) { grain_ = grain; }

  // Weather.
  void set_links(const Link& link);
  void set_link(Who from, Who to, const Link& link);
  [[nodiscard]] const Link& link(Who from, Who to) const;

  // Partitions. What is on its way through a cut is lost too.
  void cut(Who from, Who to);  // one way
  void cut_between(Who a, Who b);
  void isolate(Who node);
  // Only nodes of the same group can talk.
  void split(std::initializer_list<std::initializer_list<Who>> groups);
  void restore(Who from, Who to);
  void heal();  // all cuts; links keep their weather
  [[nodiscard]] bool is_cut(Who from, Who to) const;
  // How many steps the world had made at the last `heal`; 0: none yet.
  [[nodiscard]] std::uint64_t last_heal() const { return last_heal_; }

  // Rules.
  RuleId hold(Messages which);  // kept until `deliver_held` or `release`
  RuleId drop(Messages which);
  RuleId delay(Messages which, Duration by);
  RuleId duplicate(Messages which, unsigned copies = 1);
  RuleId reorder(Messages which);  // each second one overtakes the one before it
  RuleId alter(Messages which, std::function<void(PeerMessage&)> change);
  RuleId pass(Messages which);     // goes its way, whatever older rules say
  RuleId deliver(Messages which);  // arrives at once, whatever the link; a cut is a cut
  // The first `count` go their way, those behind them are held.
  RuleId deliver_and_hold(const Messages& which, std::uint64_t count = 1) { return hold(which.after(count)); }
  void remove(RuleId rule);
  void clear_rules();

  // Held messages, oldest first.
  [[nodiscard]] std::vector<const PeerMessage*> held() const;
  // Those, and what is on its way, in the order of sending.
  [[nodiscard]] std::vector<const PeerMessage*> in_flight() const;
  [[nodiscard]] std::size_t count_held(Messages which) const;
  // Held or on their way.
  [[nodiscard]] std::size_t count_in_flight(Messages which) const;
  // The oldest that matches, held or on its way, arrives now. False if there is none.
  bool deliver_one(Messages which);
  // The oldest that matches, held or on its way, is lost. False if there is none.
  bool drop_one(Messages which);
  // All held ones that match go on their way again.
  void release(Messages which);

  [[nodiscard]] const NetworkCounters& counters() const { return counters_; }

 private:
  enum class Action : std::uint8_t { hold, drop, delay, duplicate, reorder, alter, pass, deliver };
  struct Rule {
    RuleId id;
    Messages which;
    Action action;
    Duration by{};
    unsigned copies = 0;
    std::function<void(PeerMessage&)> change = {};
    std::uint64_t waiting = 0;  // reorder: the message that the next one overtakes
  };
  struct Way {  // from one node to another
    void become(const Link& other);
    Link link;
    bool cut = false;
    SimTime last_arrival{};
    SimTime busy_until{};
    std::uint64_t last_delivered = 0;
    std::size_t in_flight = 0;
  };
  struct Flight {
    PeerMessage message;
    MessageId id = 0;
    std::uint64_t number = 0;  // in the order of sending, copies too; 0: the slot is free
    TimerId event{};           // 0: held
  };
  class Port;

  [[nodiscard]] static std::size_t at(Who node) { return static_cast<std::size_t>(node.id.value()) - 1; }
  Way& way(NodeId from, NodeId to) { return ways_[at(from) * ports_.size() + at(to)]; }
  [[nodiscard]] const Way& way(NodeId from, NodeId to) const { return ways_[at(from) * ports_.size() + at(to)]; }
  RuleId add(Messages which, Action action, Duration by = {}, unsigned copies = 0);
  void send(PeerMessage message);
  Rule* rule_for(const PeerMessage& message);
  void set_cut(Who from, Who to, bool cut);
  void obey(Rule& rule, PeerMessage message, MessageId id);
  void dispatch(PeerMessage message, MessageId id, Duration extra = {});
  std::uint32_t take_off(PeerMessage message, MessageId id);
  SimTime arrival_of(Way& way, const PeerMessage& message, Duration extra);
  SimTime end_of_way(Way& way, const PeerMessage& message, Duration extra);
  Duration latency_of(const Link& link);
  void schedule(std::uint32_t flight, SimTime when);
  Flight land(std::uint32_t flight);
  void arrive(std::uint32_t flight);
  void hand_over(PeerMessage message, MessageId id);
  void lose(const PeerMessage& message, MessageId id, Loss why);
  [[nodiscard]] std::vector<std::uint32_t> flights_in_order(Messages& which, bool only_held) const;
  Result<PeerMessage> recode(const PeerMessage& message) const;

  Timeline& timeline_;
  Random random_;
  ClusterId cluster_;
  bool encode_;
  Duration grain_{};
  NetworkWatcher* watcher_ = nullptr;
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<Way> ways_;
  std::vector<Rule> rules_;
  RuleId last_rule_ = 0;
  std::vector<Flight> flights_;
  std::vector<std::uint32_t> free_flights_;
  std::uint64_t sent_ = 0;
  std::uint64_t last_heal_ = 0;
  NetworkCounters counters_;
};

}  // namespace keel::sim
