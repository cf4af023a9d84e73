// What single nodes do: each step once, with a production Raft, and then from memory.
#include <algorithm>

#include "explorer.hpp"

namespace keel::check {
namespace {

// What a node's state takes in memory, roughly: rings begin with eight places.
std::size_t bytes_of(const Replica& replica) {
  std::size_t bytes = 8 * sizeof(Entry) + 8 * sizeof(WriteQueue::Issued) + 512;
  if (const auto* leader = std::get_if<Leader>(&replica.raft.role_state())) {
    bytes += leader->peers.size() * (sizeof(keel::Progress) + 8 * sizeof(Inflight));
  }
  bytes += replica.disk.entries.size() * sizeof(Entry);
  for (const Write& write : replica.writes)
    bytes += sizeof(Write) + write.batch.entries.size() * sizeof(Entry);
  return bytes + replica.held.size() * sizeof(HeldMessage);
}

bool same_answer(const ReadReady& one, const ReadReady& other) {
  return one.id == other.id && one.index == other.index;
}

}  // namespace

const Explorer::Step& Explorer::step(std::uint32_t node, std::uint32_t input) {
  const std::uint64_t key = std::uint64_t{node + 1} << 32 | input;
  std::uint32_t known = step_numbers_.find(key);
  if (known == none) {
    const Step step = perform(node, input_of(input));
    known = static_cast<std::uint32_t>(steps_.size());
    steps_.push_back(step);
    step_numbers_.insert(key, known);
  }
  return steps_[known];
}

Input Explorer::input_of(std::uint32_t input) const {
  if (input < 0x80000000u) {
    return {(input & 1u) != 0 ? Kind::deliver_late : Kind::deliver, 0, &messages_[input >> 1]};
  }
  return {static_cast<Kind>((input >> 24) & 0x7f), input & 0xffffff, nullptr};
}

Explorer::Step Explorer::perform(std::uint32_t node, const Input& input) {
  const Raft& before = nodes_[node].replica.raft;
  Replica after = nodes_[node].replica;
  Turn turn = driver_.act(after, input);
  Step step;
  if (turn.broken) {
    step.broken = static_cast<std::uint32_t>(sentences_.size());
    sentences_.push_back(*turn.broken);
    return step;
  }
  if (after.raft.term() > Term(1 + bounds_.terms)) return step;
  const bool led = before.role() == RoleName::leader && before.term() == after.raft.term();
  step.elected = after.raft.role() == RoleName::leader && !led;
  step.committed = after.raft.commit() > before.commit();
  step.fetches = static_cast<std::uint8_t>(turn.fetches);
  step.answered = static_cast<std::uint8_t>(turn.reads.size());
  step.reads = static_cast<std::uint32_t>(reads_.size());
  reads_.insert(reads_.end(), turn.reads.begin(), turn.reads.end());
  step.left = static_cast<std::uint32_t>(left_.size());
  step.count = static_cast<std::uint16_t>(turn.left.size());
  for (const Message& message : turn.left)
    left_.push_back(intern(message));
  step.node = intern(std::move(after));
  return step;
}

std::vector<Explorer::Offer> Explorer::offers_in(const Replica& replica) const {
  std::vector<Offer> offers;
  const Raft& raft = replica.raft;
  const auto offer = [&](Kind kind, std::optional<Budget> budget = {}, unsigned operand = 0) {
    if (!budget || bounds_.of(*budget) > 0) offers.push_back({kind, budget, operand});
  };
  if (!replica.writes.empty()) {
    offer(Kind::persist);
    offer(Kind::stall, Budget::stalls);
  }
  if (const auto* leader = std::get_if<Leader>(&raft.role_state())) {
    offer(Kind::heartbeat, Budget::heartbeats);
    offer(Kind::check_quorum, Budget::quorum_checks);
    offer(Kind::propose, Budget::commands);
    if (leader->transfer) offer(Kind::transfer_ends);
    offer(Kind::step_down, Budget::step_downs);
    for (const keel::Progress& peer : leader->peers) {
      offer(Kind::transfer, Budget::transfers, static_cast<unsigned>(peer.id.value()));
      offer(Kind::unreachable, Budget::unreachables, static_cast<unsigned>(peer.id.value()));
    }
  } else {
    offer(Kind::election, Budget::elections);
  }
  if (raft.leader() != nobody) offer(Kind::read, Budget::reads);
  if (bounds_.of(Budget::crashes) > 0) {
    for (const Cut cut : replica.cuts())
      offer(Kind::crash, Budget::crashes, cut.packed());
  }
  if (replica.repeats) offer(Kind::late_notice, Budget::late_notices);
  if (replica.disk.entries.size() > 1) offer(Kind::lost_tail, Budget::lost_tails);
  return offers;
}

void Explorer::audit(const Node& known, const Replica& other) {
  if (known.replica.raft == other.raft) return;
  for (const Offer& offer : known.offers)
    audit(known, other, {offer.kind, offer.operand, nullptr});
  for (const Message& message : messages_) {
    if (message.to != other.raft.options().id) continue;
    audit(known, other, {Kind::deliver, 0, &message});
    if (std::holds_alternative<VoteRequest>(message.body)) audit(known, other, {Kind::deliver_late, 0, &message});
  }
}

void Explorer::audit(const Node& known, const Replica& other, const Input& input) {
  ++outcome_.audited;
  Replica one = known.replica;
  Replica two = other;
  const Turn of_one = driver_.act(one, input);
  const Turn of_two = driver_.act(two, input);
  KEEL_ASSERT(of_one.broken == of_two.broken, "two nodes that count as one: only one of them is broken by an input");
  if (of_one.broken) return;
  KEEL_ASSERT(of_one.left == of_two.left, "two nodes that count as one say different things");
  KEEL_ASSERT(std::ranges::equal(of_one.reads, of_two.reads, same_answer),
              "two nodes that count as one answer different reads");
  KEEL_ASSERT(one.identity() == two.identity(), "two nodes that count as one become different ones");
}

std::uint32_t Explorer::intern(Replica&& replica) {
  const auto next = static_cast<std::uint32_t>(nodes_.size());
  const std::uint64_t bits = bounds_.planted == Planted::weak_identity ? weak_bits : ~std::uint64_t{0};
  const auto [known, is_new] = node_numbers_.try_emplace(replica.identity() & bits, next);
  if (!is_new) {
    if (bounds_.audit) audit(nodes_[known->second], replica);
    return known->second;
  }
  const auto contents = [](const Disk& disk) {
    std::vector<Content> contents;
    contents.reserve(disk.entries.size());
    for (const Entry& entry : disk.entries)
      contents.push_back({entry.term, Digest().add(entry).value()});
    return contents;
  };
  std::vector<Offer> offers = offers_in(replica);
  std::vector<Content> log = contents(replica.issued());
  std::vector<Content> disk = contents(replica.disk);
  Digest view;
  view.add(static_cast<std::uint64_t>(replica.raft.role())).add(replica.raft.term()).add(replica.raft.commit());
  for (const Content& content : log)
    view.add(content.digest);
  const auto view_number = view_numbers_.try_emplace(view.value(), view_numbers_.size()).first->second;
  node_bytes_ += sizeof(Node) + bytes_of(replica) + offers.size() * sizeof(Offer) +
                 (log.size() + disk.size()) * sizeof(Content) + 4 * sizeof(std::uint64_t);
  nodes_.push_back({std::move(replica), std::move(offers), std::move(log), std::move(disk), view_number});
  return next;
}

std::uint32_t Explorer::intern(const Message& message) {
  const auto next = static_cast<std::uint32_t>(messages_.size());
  const auto [known, is_new] = message_numbers_.try_emplace(Digest().add(message).value(), next);
  if (is_new) messages_.push_back(message);
  KEEL_ASSERT(messages_[known->second] == message, "two messages with one digest");
  return known->second;
}

std::uint32_t Explorer::intern(const Ledger& ledger) {
  Digest digest;
  for (const Committed& committed : ledger)
    digest.add(committed.entry.digest).add(committed.seen);
  const auto [known, is_new] = ledger_numbers_.try_emplace(digest.value(), static_cast<std::uint32_t>(ledgers_.size()));
  if (is_new) ledgers_.push_back(ledger);
  KEEL_ASSERT(ledgers_[known->second] == ledger, "two ledgers with one digest");
  return known->second;
}

}  // namespace keel::check
