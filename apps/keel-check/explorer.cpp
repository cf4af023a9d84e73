#include "explorer.hpp"

#include <algorithm>

namespace keel::check {
namespace {

// Of the memory, so much is for the states that were seen, in hundredths; the rest for those that wait and the nodes'.
constexpr std::uint64_t visited_share = 60;

// Actions. A message's: its place, and what becomes of it. Otherwise the node and which of its offers.
constexpr std::uint16_t late = 1;
constexpr std::uint16_t repeat = 2;
constexpr std::uint16_t lose = 4;
constexpr std::uint16_t of_node = 0x8000;

constexpr unsigned used_bits = 4;

unsigned used_of(std::uint64_t used, Budget budget) {
  return static_cast<unsigned>(used >> (used_bits * static_cast<unsigned>(budget))) & 15u;
}

std::uint32_t input_for(Kind kind, unsigned operand) {
  return 0x80000000u | static_cast<std::uint32_t>(kind) << 24 | operand;
}

}  // namespace

double Outcome::miss() const {
  const auto pairs = [](std::size_t n) { return static_cast<double>(n) * static_cast<double>(n) / 2; };
  return std::min(1.0, (pairs(progress.states) + pairs(node_states) + pairs(messages)) / 0x1p64);
}

Explorer::Explorer(const Bounds& bounds)
    : bounds_(bounds), driver_(bounds), visited_(Visited::capacity_for(bounds.memory / 100 * visited_share)) {}

Outcome Explorer::run(const std::function<void(const Progress&)>& tell) {
  explore(tell);
  outcome_.progress = progress();
  outcome_.capacity = visited_.capacity();
  outcome_.node_states = nodes_.size();
  outcome_.messages = messages_.size();
  if (broken_at_) outcome_.scenario = path();
  return std::move(outcome_);
}

void Explorer::explore(const std::function<void(const Progress&)>& tell) {
  started_ = told_ = std::chrono::steady_clock::now();
  push(begin());
  std::size_t next_depth = visited_.size();
  for (std::uint64_t looked_at = 1; !waiting_.empty() && !ended_; ++looked_at) {
    const World from = unpack(waiting_.pop());
    if (from.number >= next_depth) {
      ++depth_;
      next_depth = visited_.size();
    }
    expand(from);
    for (Found& found : found_) {
      if (ended_) return;
      take(from, found);
    }
    if (looked_at % 1024 == 0) look_at_clock(tell);
  }
}

Explorer::World Explorer::begin() {
  World world;
  for (unsigned i = 0; i < bounds_.nodes; ++i)
    world.nodes[i] = intern(driver_.start(NodeId(i + 1)));
  world.ledger = intern(Ledger{});
  (void)visited_.insert(hash_of(world), 0, 0);
  return world;
}

// Everything that can happen next.
void Explorer::expand(const World& from) {
  found_.clear();
  const bool may_lose = used_of(from.used, Budget::losses) < bounds_.of(Budget::losses);
  const bool may_repeat = used_of(from.used, Budget::duplicates) < bounds_.of(Budget::duplicates);
  for (std::uint16_t i = 0; i < from.under_way; ++i) {
    if (i > 0 && from.messages[i] == from.messages[i - 1]) continue;
    const Message& message = messages_[from.messages[i]];
    const auto place = static_cast<std::uint16_t>(i << 3);
    const NodeId heard = nodes_[from.nodes[message.to.value() - 1]].replica.heard_leader();
    const bool held_back =
        std::holds_alternative<VoteRequest>(message.body) && heard != nobody && heard != message.from;
    consider(from, place);
    if (may_repeat) consider(from, place | repeat);
    if (held_back) consider(from, place | late);
    if (held_back && may_repeat) consider(from, place | late | repeat);
    if (may_lose) consider(from, place | lose);
  }
  for (std::uint16_t node = 0; node < bounds_.nodes; ++node) {
    const std::size_t offers = nodes_[from.nodes[node]].offers.size();
    for (std::uint16_t i = 0; i < offers; ++i) {
      const std::optional<Budget> budget = nodes_[from.nodes[node]].offers[i].budget;
      if (budget && used_of(from.used, *budget) >= bounds_.of(*budget)) continue;
      consider(from, static_cast<std::uint16_t>(of_node | node << 12 | i));
    }
  }
}

Explorer::Choice Explorer::choice_of(const World& from, std::uint16_t action) const {
  Choice choice;
  if ((action & of_node) == 0) {
    choice.message = action >> 3;
    const std::uint32_t message = from.messages[choice.message];
    choice.node = static_cast<unsigned>(messages_[message].to.value() - 1);
    choice.kind = (action & lose) != 0 ? Kind::lose : (action & late) != 0 ? Kind::deliver_late : Kind::deliver;
    choice.repeated = (action & repeat) != 0;
    if (choice.repeated) choice.budget = Budget::duplicates;
    if (choice.kind == Kind::lose) {
      choice.budget = Budget::losses;
    } else {
      choice.input = message << 1 | (choice.kind == Kind::deliver_late ? 1u : 0u);
    }
    return choice;
  }
  choice.node = (action >> 12) & 7u;
  const Offer& offer = nodes_[from.nodes[choice.node]].offers[action & 0xfffu];
  choice.kind = offer.kind;
  choice.budget = offer.budget;
  unsigned operand = offer.operand;
  if (offer.kind == Kind::propose || offer.kind == Kind::read) operand = used_of(from.used, *offer.budget) + 1;
  choice.input = input_for(offer.kind, operand);
  return choice;
}

void Explorer::consider(const World& from, std::uint16_t action) {
  if (ended_) return;
  const Choice choice = choice_of(from, action);
  const Step nothing{.node = from.nodes[choice.node]};
  const Step& step = choice.input == none ? nothing : this->step(from.nodes[choice.node], choice.input);
  if (step.broken != none) return violate(from, action, sentences_[step.broken]);
  if (step.node == none) {
    ++outcome_.too_late;
    return;
  }
  Found& found = found_.emplace_back(Found{from, 0, action, static_cast<std::uint8_t>(choice.node)});
  if (!change(found.world, choice, step)) {
    ++outcome_.too_many;
    found_.pop_back();
    return;
  }
  if (step.elected) {
    if (auto broken = note_leader(found.world, choice.node)) return violate(from, action, *broken);
  }
  if (step.committed) {
    if (auto broken = note_commit(found.world, choice.node)) return violate(from, action, *broken);
  }
  if (step.answered > 0 || choice.kind == Kind::read) {
    if (auto broken = note_reads(found.world, choice, step)) return violate(from, action, *broken);
  }
  found.hash = hash_of(found.world);
  visited_.prefetch(found.hash);
}

// False if there would be too many messages under way.
bool Explorer::change(World& world, const Choice& choice, const Step& step) {
  world.nodes[choice.node] = step.node;
  if (choice.budget) world.used += std::uint64_t{1} << (used_bits * static_cast<unsigned>(*choice.budget));
  auto* const begin = world.messages.data();
  if (choice.message != no_place && !choice.repeated) {
    std::copy(begin + choice.message + 1, begin + world.under_way, begin + choice.message);
    --world.under_way;
  }
  if (world.under_way + step.count > bounds_.inflight) return false;
  for (std::uint32_t i = 0; i < step.count; ++i) {
    const std::uint32_t message = left_[step.left + i];
    auto* const at = std::upper_bound(begin, begin + world.under_way, message);
    std::copy_backward(at, begin + world.under_way, begin + world.under_way + 1);
    *at = message;
    ++world.under_way;
  }
  return true;
}

void Explorer::take(const World& from, Found& found) {
  ++taken_;
  switch (visited_.insert(found.hash, from.number, found.action)) {
    case Visited::Inserted::seen: return;
    case Visited::Inserted::no_room: return end(Ending::memory_full, "states seen");
    case Visited::Inserted::is_new: break;
  }
  found.world.number = static_cast<std::uint32_t>(visited_.size() - 1);
  if (auto broken = judge_pairs(found.world, found.changed)) return violate(from, found.action, *broken);
  push(found.world);
}

void Explorer::violate(const World& from, std::uint16_t action, const std::string& sentence) {
  if (broken_at_) return;
  broken_at_ = {from.number, action};
  outcome_.violation = sentence;
  end(Ending::violated);
}

void Explorer::end(Ending ending, std::string full) {
  ended_ = true;
  outcome_.ending = ending;
  outcome_.full = std::move(full);
}

std::size_t Explorer::memory_of_the_rest() const {
  return waiting_.bytes() + node_bytes_ + step_numbers_.bytes() + steps_.capacity() * sizeof(Step) +
         left_.capacity() * sizeof(std::uint32_t) + pairs_.bytes() + reads_.capacity() * sizeof(ReadReady) +
         messages_.size() * 4 * sizeof(Message);
}

void Explorer::look_at_clock(const std::function<void(const Progress&)>& tell) {
  using namespace std::chrono_literals;
  const auto now = std::chrono::steady_clock::now();
  if (bounds_.seconds > 0 && now - started_ >= std::chrono::duration<double>(bounds_.seconds)) {
    end(Ending::out_of_time);
  }
  if (memory_of_the_rest() > bounds_.memory / 100 * (100 - visited_share)) {
    end(Ending::memory_full, "states that wait and states of single nodes");
  }
  if (tell && now - told_ >= 1s) {
    told_ = now;
    tell(progress());
  }
}

Progress Explorer::progress() const {
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started_;
  return {visited_.size(), waiting_.size(), taken_, depth_, seconds.count()};
}

// A state in words: number, ledger, leaders, budgets, reads, nodes, messages.
void Explorer::push(const World& world) {
  std::array<std::uint32_t, 6 + most_nodes + most_inflight> words{};
  words[0] = world.number;
  words[1] = world.ledger;
  words[2] = world.leaders;
  words[3] = static_cast<std::uint32_t>(world.used);
  words[4] = static_cast<std::uint32_t>(world.used >> 32);
  words[5] = world.floors;
  auto* to = std::copy_n(world.nodes.begin(), bounds_.nodes, words.begin() + 6);
  to = std::copy_n(world.messages.begin(), world.under_way, to);
  waiting_.push({words.begin(), to});
}

Explorer::World Explorer::unpack(std::span<const std::uint32_t> words) const {
  World world;
  world.number = words[0];
  world.ledger = words[1];
  world.leaders = words[2];
  world.used = words[3] | std::uint64_t{words[4]} << 32;
  world.floors = words[5];
  std::copy_n(words.begin() + 6, bounds_.nodes, world.nodes.begin());
  const auto messages = words.subspan(6 + bounds_.nodes);
  world.under_way = static_cast<std::uint32_t>(messages.size());
  std::ranges::copy(messages, world.messages.begin());
  return world;
}

std::uint64_t Explorer::hash_of(const World& world) const {
  Digest digest;
  digest.add(std::uint64_t{world.ledger} << 32 | world.leaders).add(world.used).add(world.floors);
  for (unsigned i = 0; i < bounds_.nodes; ++i)
    digest.add(world.nodes[i]);
  for (std::uint32_t i = 0; i < world.under_way; ++i)
    digest.add(world.messages[i]);
  return digest.value() & (bounds_.planted == Planted::weak_hash ? weak_bits : ~std::uint64_t{0});
}

}  // namespace keel::check
