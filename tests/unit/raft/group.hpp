#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "keel/raft/raft.hpp"

namespace keel::test {

// A few Rafts in one place, without nodes, disks or a network: a test decides which message arrives, when a write is
// durable, and what time it is. Entries that were written are kept, so that a member can be restarted.
class Group {
 public:
  struct Member {
    std::optional<Raft> raft;
    RaftOptions options;
    Recovered disk;                 // what is durable
    std::vector<Entry> entries;     // behind disk.base
    std::deque<Write> writes;       // issued, not yet durable
    std::deque<HeldMessage> held;   // waiting for one of them
    std::vector<RaftEvent> events;
    std::vector<Index> applied;
    std::vector<ReadReady> reads;
    std::vector<Fetch> fetches;
    std::vector<NodeId> wants_snapshot;
    bool instant_disk = true;       // writes are durable at once
  };

  explicit Group(std::size_t size, const std::function<void(RaftOptions&)>& adjust = {}) {
    std::vector<keel::Member> members;
    for (std::uint64_t id = 1; id <= size; ++id) members.push_back({.id = NodeId(id)});
    genesis = make_genesis("test", std::move(members));
    for (std::uint64_t id = 1; id <= size; ++id) {
      Member& member = nodes[NodeId(id)];
      member.options.id = NodeId(id);
      member.options.seed = 1000 + id;
      if (adjust) adjust(member.options);
      member.disk.hard_state = {Term(1), nobody};
      store(member, {Index(1), Term(1), EntryKind::genesis, encode(genesis)});
      start(NodeId(id));
    }
  }

  Raft& raft(std::uint64_t id) { return *nodes.at(NodeId(id)).raft; }
  Member& node(std::uint64_t id) { return nodes.at(NodeId(id)); }

  void start(NodeId id) {
    Member& member = nodes.at(id);
    member.writes.clear();
    member.held.clear();
    ++member.options.seed;
    auto raft = Raft::make(member.options, member.disk, now);
    if (!raft) throw std::runtime_error(raft.error().message);
    member.raft.emplace(std::move(*raft));
    pump(id);
  }
  void crash(std::uint64_t id) { node(id).raft.reset(); }
  void restart(std::uint64_t id) { start(NodeId(id)); }

  // Takes a node's output and does what a Node would.
  void pump(NodeId id) {
    Member& member = nodes.at(id);
    while (member.raft && member.raft->has_output()) {
      Output out;
      member.raft->take_output(out);
      if (out.write) member.writes.push_back(std::move(*out.write));
      for (Message& message : out.send) network.push_back(std::move(message));
      for (HeldMessage& held : out.send_after_write) member.held.push_back(std::move(held));
      for (RaftEvent& event : out.events) member.events.push_back(std::move(event));
      for (const ReadReady& read : out.reads_ready) member.reads.push_back(read);
      for (const Fetch& fetch : out.fetch) member.fetches.push_back(fetch);
      for (const NodeId peer : out.send_snapshot) member.wants_snapshot.push_back(peer);
      if (member.instant_disk) finish_writes(id);
      if (!out.apply.empty()) {
        for (Index i = out.apply.first; i <= out.apply.last; ++i) member.applied.push_back(i);
        member.raft->applied(out.apply.last);
      }
    }
  }

  // Makes the oldest write durable, and lets go what waited for it.
  void finish_write(NodeId id) {
    Member& member = nodes.at(id);
    const Write write = std::move(member.writes.front());
    member.writes.pop_front();
    if (write.batch.hard_state) member.disk.hard_state = *write.batch.hard_state;
    if (write.batch.truncate_from) cut(member, *write.batch.truncate_from);
    for (const Entry& entry : write.batch.entries) store(member, entry);
    member.raft->written(write.id);
    while (!member.held.empty() && member.held.front().after <= write.id) {
      network.push_back(std::move(member.held.front().message));
      member.held.pop_front();
    }
  }
  void finish_writes(NodeId id) {
    while (!nodes.at(id).writes.empty()) finish_write(id);
  }

  void deliver(Message message) {
    Member& member = nodes.at(message.to);
    if (!member.raft) return;
    const NodeId to = message.to;
    member.raft->receive(std::move(message));
    pump(to);
  }
  // Delivers everything that `lost` does not hold for, and what follows from it, until nothing is under way.
  void settle(const std::function<bool(const Message&)>& lost = {}) {
    for (std::size_t budget = 100000; !network.empty(); --budget) {
      if (budget == 0) throw std::runtime_error("the messages never end");
      Message message = std::move(network.front());
      network.pop_front();
      if (!lost || !lost(message)) deliver(std::move(message));
    }
  }

  void advance(Duration by) {
    now += by;
    for (auto& [id, member] : nodes) {
      if (!member.raft) continue;
      member.raft->advance(now);
      pump(id);
    }
  }
  // Time passes in small steps, messages arriving in between.
  void run(Duration span, const std::function<bool(const Message&)>& lost = {}) {
    for (Duration step = std::chrono::milliseconds(10); span > Duration::zero(); span -= step) {
      advance(step);
      settle(lost);
    }
  }
  void fire(std::uint64_t id, Timer timer) {
    raft(id).expire(timer);
    pump(NodeId(id));
  }
  // Makes `id` leader, from wherever things stand: nobody hears anybody for an election timeout, then it campaigns.
  void elect(std::uint64_t id) {
    run(node(id).options.election_timeout, [](const Message&) { return true; });
    network.clear();
    fire(id, Timer::election);
    settle();
  }
  Result<LogPosition> propose(std::uint64_t id, const std::string& text) {
    auto position = raft(id).propose(EntryKind::command, Payload::copy_of(std::as_bytes(std::span(text))));
    pump(NodeId(id));
    return position;
  }

  std::map<NodeId, Member> nodes;
  std::deque<Message> network;
  Genesis genesis;
  Instant now{};

 private:
  static void store(Member& member, const Entry& entry) {
    Recovered& disk = member.disk;
    if (disk.terms.empty() || disk.terms.back().term != entry.term) disk.terms.push_back({entry.index, entry.term});
    if (entry.kind == EntryKind::genesis || entry.kind == EntryKind::configuration) {
      disk.configurations.push_back(entry);
    }
    disk.last = entry.index;
    member.entries.push_back(entry);
  }
  static void cut(Member& member, Index from) {
    Recovered& disk = member.disk;
    while (!member.entries.empty() && member.entries.back().index >= from) member.entries.pop_back();
    while (!disk.terms.empty() && disk.terms.back().first >= from) disk.terms.pop_back();
    while (!disk.configurations.empty() && disk.configurations.back().index >= from) disk.configurations.pop_back();
    disk.last = from.previous();
  }
};

}  // namespace keel::test
