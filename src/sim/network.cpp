#include "keel/sim/network.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "keel/base/assert.hpp"
#include "keel/wire/codec.hpp"

namespace keel::sim {
namespace {

constexpr std::size_t max_in_flight = 1u << 16;           // on one way; past it messages are lost, as from a full queue
constexpr Duration max_queued = std::chrono::seconds(1);  // for bandwidth; likewise

std::size_t payload_bytes(const PeerMessage& message) {
  std::size_t bytes = 64;
  if (const auto* forward = std::get_if<ForwardRequest>(&message.body)) bytes += forward->command.size();
  if (const Message* inner = protocol_of(message)) {
    if (const auto* append = std::get_if<AppendRequest>(&inner->body)) {
      for (const Entry& entry : append->entries)
        bytes += entry.payload.size() + 64;
    }
  }
  return bytes;
}

}  // namespace

std::string_view to_string(Loss loss) {
  switch (loss) {
    case Loss::chance: return "lost";
    case Loss::cut: return "cut";
    case Loss::script: return "dropped";
    case Loss::down: return "nobody there";
    case Loss::overflow: return "too many in flight";
    case Loss::refused: return "undecodable";
  }
  return "lost";
}

// One node's end of the network.
class Network::Port final : public Transport {
 public:
  Port(Network& network, NodeId self) : network_(network), self_(self) {}

  void attach(GroupId group, TransportReceiver& receiver) override {
    detach(group);
    receivers_.emplace_back(group, &receiver);
  }
  void detach(GroupId group) override {
    std::erase_if(receivers_, [group](const auto& attached) { return attached.first == group; });
  }
  void send(PeerMessage message) override {
    KEEL_ASSERT(message.from == self_, "a node speaks for itself");
    if (up) network_.send(std::move(message));
  }
  void flush() override {}
  void members(GroupId, std::span<const Member>) override {}

  void receive(PeerMessage message) {
    if (TransportReceiver* receiver = receiver_of(message.group)) receiver->on_message(std::move(message));
  }
  void unreachable(GroupId group, NodeId peer) {
    if (TransportReceiver* receiver = receiver_of(group)) receiver->on_unreachable(peer);
  }

  bool up = false;
  bool paused = false;
  Owner owner = 0;
  std::vector<std::pair<PeerMessage, MessageId>> waiting;  // in the sockets of a process that stands still

 private:
  TransportReceiver* receiver_of(GroupId group) {
    for (const auto& [attached, receiver] : receivers_) {
      if (attached == group) return receiver;
    }
    return nullptr;
  }

  Network& network_;
  NodeId self_;
  std::vector<std::pair<GroupId, TransportReceiver*>> receivers_;
};

Network::Network(Timeline& timeline, std::size_t nodes, Random random, ClusterId cluster, bool encode)
    : timeline_(timeline), random_(random), cluster_(cluster), encode_(encode), ways_(nodes * nodes) {
  for (std::size_t i = 0; i < nodes; ++i)
    ports_.push_back(std::make_unique<Port>(*this, NodeId(i + 1)));
}

Network::~Network() = default;

Transport& Network::transport(Who node) { return *ports_[at(node)]; }

void Network::up(Who node, Owner owner) {
  ports_[at(node)]->up = true;
  ports_[at(node)]->paused = false;
  ports_[at(node)]->owner = owner;
}

void Network::down(Who node) {
  ports_[at(node)]->up = false;
  ports_[at(node)]->waiting.clear();
}

void Network::pause(Who node) { ports_[at(node)]->paused = true; }

void Network::resume(Who node) {
  Port& port = *ports_[at(node)];
  port.paused = false;
  for (auto& [message, id] : std::exchange(port.waiting, {})) {
    timeline_.post(port.owner, timeline_.now(), [this, waiting = std::move(message), number = id]() mutable {
      hand_over(std::move(waiting), number);
    });
  }
}

// What crawls along the old link holds up nothing that is sent over the new one.
void Network::Way::become(const Link& other) {
  link = other;
  last_arrival = busy_until = SimTime();
}

void Network::set_links(const Link& link) {
  for (Way& way : ways_)
    way.become(link);
}

void Network::set_link(Who from, Who to, const Link& link) { way(from.id, to.id).become(link); }

const Link& Network::link(Who from, Who to) const { return way(from.id, to.id).link; }

void Network::cut(Who from, Who to) { set_cut(from, to, true); }

void Network::set_cut(Who from, Who to, bool cut) {
  if (std::exchange(way(from.id, to.id).cut, cut) != cut && watcher_ != nullptr) watcher_->on_cut(from.id, to.id, cut);
}

void Network::cut_between(Who a, Who b) {
  cut(a, b);
  cut(b, a);
}

void Network::isolate(Who node) {
  for (std::size_t other = 1; other <= ports_.size(); ++other) {
    if (NodeId(other) != node.id) cut_between(node, other);
  }
}

void Network::split(std::initializer_list<std::initializer_list<Who>> groups) {
  std::vector<std::size_t> group_of(ports_.size());
  std::size_t number = 0;
  for (const auto& group : groups) {
    ++number;
    for (const Who& member : group)
      group_of[at(member)] = number;
  }
  for (std::size_t a = 0; a < ports_.size(); ++a) {
    for (std::size_t b = 0; b < ports_.size(); ++b) {
      if (group_of[a] != group_of[b]) cut(a + 1, b + 1);
    }
  }
}

void Network::restore(Who from, Who to) { set_cut(from, to, false); }

void Network::heal() {
  for (std::size_t from = 1; from <= ports_.size(); ++from) {
    for (std::size_t to = 1; to <= ports_.size(); ++to)
      restore(from, to);
  }
  last_heal_ = timeline_.steps();
}

bool Network::is_cut(Who from, Who to) const { return way(from.id, to.id).cut; }

RuleId Network::add(Messages which, Action action, Duration by, unsigned copies) {
  rules_.push_back({++last_rule_, std::move(which), action, by, copies});
  return last_rule_;
}

RuleId Network::hold(Messages which) { return add(std::move(which), Action::hold); }
RuleId Network::drop(Messages which) { return add(std::move(which), Action::drop); }
RuleId Network::delay(Messages which, Duration by) { return add(std::move(which), Action::delay, by); }
RuleId Network::duplicate(Messages which, unsigned copies) {
  return add(std::move(which), Action::duplicate, {}, copies);
}
RuleId Network::reorder(Messages which) { return add(std::move(which), Action::reorder); }
RuleId Network::pass(Messages which) { return add(std::move(which), Action::pass); }
RuleId Network::deliver(Messages which) { return add(std::move(which), Action::deliver); }
RuleId Network::alter(Messages which, std::function<void(PeerMessage&)> change) {
  const RuleId id = add(std::move(which), Action::alter);
  rules_.back().change = std::move(change);
  return id;
}

void Network::remove(RuleId rule) {
  std::erase_if(rules_, [rule](const Rule& r) { return r.id == rule; });
}

void Network::clear_rules() { rules_.clear(); }

void Network::send(PeerMessage message) {
  const MessageId id = ++counters_.sent;
  if (watcher_ != nullptr) watcher_->on_sent(message, id);
  if (Rule* rule = rule_for(message)) return obey(*rule, std::move(message), id);
  dispatch(std::move(message), id);
}

// All are asked, because a pattern may count; the last that matches decides.
Network::Rule* Network::rule_for(const PeerMessage& message) {
  Rule* decided = nullptr;
  for (Rule& rule : rules_) {
    if (rule.which.matches(message)) decided = &rule;
  }
  return decided;
}

void Network::obey(Rule& rule, PeerMessage message, MessageId id) {
  switch (rule.action) {
    case Action::pass: return dispatch(std::move(message), id);
    case Action::drop: return lose(message, id, Loss::script);
    case Action::deliver:
      if (way(message.from, message.to).cut) return lose(message, id, Loss::cut);
      return schedule(take_off(std::move(message), id), timeline_.now());
    case Action::delay: ++counters_.delayed; return dispatch(std::move(message), id, rule.by);
    case Action::duplicate:
      for (unsigned copy = 0; copy < rule.copies; ++copy)
        dispatch(message, id);
      counters_.duplicated += rule.copies;
      return dispatch(std::move(message), id);
    case Action::alter: rule.change(message); return dispatch(std::move(message), id);
    case Action::hold:
      if (watcher_ != nullptr) watcher_->on_held(message, id);
      take_off(std::move(message), id);
      return;
    case Action::reorder:
      const std::uint64_t earlier = std::exchange(rule.waiting, 0);
      if (earlier == 0) {
        rule.waiting = flights_[take_off(std::move(message), id)].number;
        return;
      }
      dispatch(std::move(message), id);
      const auto held = std::ranges::find(flights_, earlier, &Flight::number);
      if (held == flights_.end()) return;  // delivered by hand meanwhile
      schedule(static_cast<std::uint32_t>(held - flights_.begin()),
               arrival_of(way(held->message.from, held->message.to), held->message, {}));
  }
}

// The way of a message that no rule stopped.
void Network::dispatch(PeerMessage message, MessageId id, Duration extra) {
  Way& way = this->way(message.from, message.to);
  if (way.cut) return lose(message, id, Loss::cut);
  if (random_.chance(way.link.loss)) return lose(message, id, Loss::chance);
  const bool narrow = way.link.bytes_per_second != 0 && way.busy_until > timeline_.now() + max_queued;
  if (way.in_flight >= max_in_flight || narrow) return lose(message, id, Loss::overflow);
  if (random_.chance(way.link.duplicate)) {
    ++counters_.duplicated;
    const std::uint32_t copy = take_off(message, id);
    schedule(copy, arrival_of(way, message, random_.between(Duration(0), 8 * way.link.max_latency)));
  }
  const SimTime arrival = arrival_of(way, message, extra);
  schedule(take_off(std::move(message), id), arrival);
}

Duration Network::latency_of(const Link& link) {
  if (link.spread == Spread::uniform) return random_.between(link.min_latency, link.max_latency);
  const double width = static_cast<double>((link.max_latency - link.min_latency).count());
  const double draw = 1 - static_cast<double>(random_.next() >> 11) * 0x1p-53;  // in (0, 1]
  const double share =
      link.spread == Spread::exponential ? -std::log(draw) * 0.18 : (std::pow(draw, -1 / 1.2) - 1) * 0.16;
  return link.min_latency + Duration(static_cast<Duration::rep>(width * std::min(share, 1000.0)));
}

SimTime Network::arrival_of(Way& way, const PeerMessage& message, Duration extra) {
  return on_grain(end_of_way(way, message, extra), grain_);
}

SimTime Network::end_of_way(Way& way, const PeerMessage& message, Duration extra) {
  const Link& link = way.link;
  SimTime leaves = timeline_.now();
  if (link.bytes_per_second != 0) {
    const std::uint64_t nanoseconds = payload_bytes(message) * 1'000'000'000 / link.bytes_per_second;
    if (way.busy_until > leaves) ++counters_.queued;
    leaves = std::max(leaves, way.busy_until) + Duration(static_cast<Duration::rep>(nanoseconds));
    way.busy_until = leaves;
  }
  SimTime arrival = leaves + latency_of(link) + extra;
  if (random_.chance(link.spike)) {
    ++counters_.delayed;
    arrival += random_.between(Duration(0), link.spike_latency);
  }
  if (extra > Duration(0)) return arrival;  // a straggler: those behind it do not wait
  if (random_.chance(link.reorder)) return arrival + random_.between(Duration(0), 4 * link.max_latency);
  way.last_arrival = std::max(way.last_arrival, arrival);
  return way.last_arrival;
}

std::uint32_t Network::take_off(PeerMessage message, MessageId id) {
  if (free_flights_.empty()) {
    free_flights_.push_back(static_cast<std::uint32_t>(flights_.size()));
    flights_.emplace_back();
  }
  const std::uint32_t flight = free_flights_.back();
  free_flights_.pop_back();
  ++way(message.from, message.to).in_flight;
  flights_[flight] = {std::move(message), id, ++sent_, TimerId(0)};
  return flight;
}

void Network::schedule(std::uint32_t flight, SimTime when) {
  flights_[flight].event = timeline_.post(0, when, [this, flight] { arrive(flight); });
}

Network::Flight Network::land(std::uint32_t flight) {
  Flight landed = std::exchange(flights_[flight], {});
  timeline_.cancel(landed.event);
  free_flights_.push_back(flight);
  Way& way = this->way(landed.message.from, landed.message.to);
  --way.in_flight;
  if (landed.number < way.last_delivered) ++counters_.reordered;
  way.last_delivered = std::max(way.last_delivered, landed.number);
  return landed;
}

void Network::arrive(std::uint32_t flight) {
  auto [message, id, number, event] = land(flight);
  Port& port = *ports_[at(message.to)];
  if (!port.up) return lose(message, id, Loss::down);
  if (way(message.from, message.to).cut) return lose(message, id, Loss::cut);
  if (!port.paused) return hand_over(std::move(message), id);
  port.waiting.emplace_back(std::move(message), id);
}

void Network::hand_over(PeerMessage message, MessageId id) {
  if (encode_) {
    Result<PeerMessage> decoded = recode(message);
    if (!decoded) return lose(message, id, Loss::refused);
    message = std::move(*decoded);
  }
  ++counters_.delivered;
  if (watcher_ != nullptr) watcher_->on_delivered(message, id);
  Port& port = *ports_[at(message.to)];
  port.receive(std::move(message));
}

void Network::lose(const PeerMessage& message, MessageId id, Loss why) {
  ++counters_.lost[static_cast<std::size_t>(why)];
  if (watcher_ != nullptr) watcher_->on_lost(message, id, why);
  Port& sender = *ports_[at(message.from)];
  if (!sender.up || !random_.chance(way(message.from, message.to).link.unreachable_hint)) return;
  timeline_.post(sender.owner, timeline_.now(),
                 [&sender, group = message.group, peer = message.to] { sender.unreachable(group, peer); });
}

Result<PeerMessage> Network::recode(const PeerMessage& message) const {
  wire::Encoded encoded;
  if (auto result = wire::encode(message, encoded); !result) return std::unexpected(result.error());
  Block* block = Block::make(encoded.size());
  std::byte* out = block->data();
  for (const ByteView piece : encoded.pieces())
    out = std::ranges::copy(piece, out).out;
  Result<PeerMessage> decoded =
      wire::decode(*block, wire::length_prefix_bytes, encoded.size() - wire::length_prefix_bytes, cluster_);
  block->release();
  return decoded;
}

std::vector<std::uint32_t> Network::flights_in_order(Messages& which, bool only_held) const {
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < flights_.size(); ++i) {
    if (flights_[i].number != 0 && (!only_held || flights_[i].event == TimerId(0))) order.push_back(i);
  }
  std::ranges::sort(order, {}, [this](std::uint32_t i) { return flights_[i].number; });
  std::erase_if(order, [&](std::uint32_t i) { return !which.matches(flights_[i].message); });
  return order;
}

std::vector<const PeerMessage*> Network::held() const {
  Messages all = Messages::any();
  std::vector<const PeerMessage*> messages;
  for (const std::uint32_t i : flights_in_order(all, true))
    messages.push_back(&flights_[i].message);
  return messages;
}

std::vector<const PeerMessage*> Network::in_flight() const {
  Messages all = Messages::any();
  std::vector<const PeerMessage*> messages;
  for (const std::uint32_t i : flights_in_order(all, false))
    messages.push_back(&flights_[i].message);
  return messages;
}

std::size_t Network::count_held(Messages which) const { return flights_in_order(which, true).size(); }

std::size_t Network::count_in_flight(Messages which) const { return flights_in_order(which, false).size(); }

bool Network::deliver_one(Messages which) {
  const auto order = flights_in_order(which, false);
  if (order.empty()) return false;
  timeline_.cancel(flights_[order.front()].event);
  schedule(order.front(), timeline_.now());
  return true;
}

bool Network::drop_one(Messages which) {
  const auto order = flights_in_order(which, false);
  if (order.empty()) return false;
  const Flight lost = land(order.front());
  lose(lost.message, lost.id, Loss::script);
  return true;
}

void Network::release(Messages which) {
  for (const std::uint32_t i : flights_in_order(which, true)) {
    Flight& flight = flights_[i];
    schedule(i, arrival_of(way(flight.message.from, flight.message.to), flight.message, {}));
  }
}

}  // namespace keel::sim
