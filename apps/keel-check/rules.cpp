// What only somebody can judge who sees all nodes and remembers what has been (Raft, Figure 3). The rules for one node
// and for two are in keel/raft/invariants.hpp.
#include <algorithm>

#include "explorer.hpp"

namespace keel::check {
namespace {

std::string node_text(NodeId node) { return "node " + std::to_string(node.value()); }
std::string at(std::size_t index) { return "index " + std::to_string(index); }
std::string in(Term term) { return "term " + std::to_string(term.value()); }

}  // namespace

// Election Safety over the whole run, not only among those who lead now; and Leader Completeness.
Explorer::Broken Explorer::note_leader(World& world, unsigned node) {
  const Node& leader = nodes_[world.nodes[node]];
  const Term term = leader.replica.raft.term();
  const unsigned place = 4 * static_cast<unsigned>(term.value() - 2);
  const std::uint32_t known = world.leaders >> place & 15u;
  const NodeId id(node + 1);
  if (known != 0 && known != node + 1) {
    return node_text(NodeId(known)) + " and " + node_text(id) + " lead in " + in(term);
  }
  world.leaders |= (node + 1) << place;

  const Ledger& ledger = ledgers_[world.ledger];
  for (std::size_t i = 0; i < ledger.size() && ledger[i].seen < term; ++i) {
    if (i < leader.log.size() && leader.log[i] == ledger[i].entry) continue;
    return node_text(id) + " leads in " + in(term) + " without the committed entry at " + at(i + 1) + " of " +
           in(ledger[i].entry.term);
  }
  return {};
}

// On its disk; or lost from there, which it knows, so that it does not vote before it has the like again.
bool Explorer::holds(const Node& node, std::size_t at, const Content& entry) {
  if (at < node.disk.size()) return node.disk[at] == entry;
  const LogPosition acknowledged = node.replica.disk.acknowledged;
  return at < acknowledged.index.value() && entry.term <= acknowledged.term;
}

// What is committed is durable on a quorum, and stays what it is.
Explorer::Broken Explorer::note_commit(World& world, unsigned node) {
  const Node& here = nodes_[world.nodes[node]];
  const Raft& raft = here.replica.raft;
  const NodeId id(node + 1);
  const auto commit = static_cast<std::size_t>(raft.commit().value());
  Ledger ledger = ledgers_[world.ledger];
  for (std::size_t i = 0; i < commit; ++i) {
    if (i < ledger.size()) {
      if (ledger[i].entry == here.log[i]) continue;
      return node_text(id) + " commits an entry of " + in(here.log[i].term) + " at " + at(i + 1) + ", where one of " +
             in(ledger[i].entry.term) + " was committed" +
             (ledger[i].entry.term == here.log[i].term ? " with other content" : "");
    }
    const Term seen = ledger.empty() ? Term() : ledger.back().seen;
    ledger.push_back({here.log[i], std::max(seen, raft.term())});
    unsigned holders = 0;
    const unsigned voters = bounds_.nodes - bounds_.learners;
    for (unsigned voter = 0; voter < voters; ++voter)
      holders += holds(nodes_[world.nodes[voter]], i, here.log[i]) ? 1 : 0;
    if (2 * holders <= voters) {
      return node_text(id) + " commits " + at(i + 1) + " of " + in(here.log[i].term) +
             ", which is not durable on a quorum";
    }
  }
  world.ledger = intern(ledger);
  return {};
}

// A confirmed read sees everything that anybody knew to be committed when it was asked for (thesis 6.4).
Explorer::Broken Explorer::note_reads(World& world, const Choice& choice, const Step& step) {
  const auto place = [](std::uint64_t read) { return 8 * static_cast<unsigned>(read - 1); };
  if (choice.kind == Kind::read) {
    const auto known = static_cast<std::uint32_t>(ledgers_[world.ledger].size());
    world.floors |= known << place(input_of(choice.input).operand);
  }
  for (std::uint32_t i = 0; i < step.answered; ++i) {
    const ReadReady& read = reads_[step.reads + i];
    const std::uint32_t floor = world.floors >> place(read.id.value()) & 0xffu;
    if (read.index && read.index->value() < floor) {
      return node_text(NodeId(choice.node + 1)) + " confirms read " + std::to_string(read.id.value()) + " with " +
             at(static_cast<std::size_t>(read.index->value())) + ", but " + at(floor) +
             " was committed before it was asked for";
    }
    world.floors &= ~(0xffu << place(read.id.value()));
  }
  return {};
}

// The node that took the step against each other one.
Explorer::Broken Explorer::judge_pairs(const World& world, unsigned node) {
  const Node& changed = nodes_[world.nodes[node]];
  for (unsigned i = 0; i < bounds_.nodes; ++i) {
    if (i == node) continue;
    const Node& other = nodes_[world.nodes[i]];
    const std::uint64_t pair = std::uint64_t{changed.view + 1} << 32 | (other.view + 1);
    if (pairs_.find(pair) != FlatMap::none) continue;
    if (auto broken = judge_pair(changed, other)) return broken;
    pairs_.insert(pair, 0);
  }
  return {};
}

Explorer::Broken Explorer::judge_pair(const Node& a, const Node& b) {
  if (auto broken = check_pair(a.replica.raft, b.replica.raft)) return broken;
  // Entries with one index and term are one entry (Log Matching): the terms were held against each other above.
  for (std::size_t i = 0; i < std::min(a.log.size(), b.log.size()); ++i) {
    if (a.log[i].term != b.log[i].term || a.log[i] == b.log[i]) continue;
    return node_text(a.replica.raft.options().id) + " and " + node_text(b.replica.raft.options().id) +
           " have different entries of " + in(a.log[i].term) + " at " + at(i + 1);
  }
  return {};
}

}  // namespace keel::check
