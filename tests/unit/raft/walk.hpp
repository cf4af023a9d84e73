#pragma once

#include <array>
#include <set>
#include <string>

#include "group.hpp"
#include "keel/raft/random.hpp"

namespace keel::test {

// A group led astray, from a seed: messages lost, repeated, reordered; writes late; power cuts that leave any prefix;
// clocks of each node's own; timers out of turn; proposals, reads, transfers. Then peace, and it must come back.
class Walk {
 public:
  explicit Walk(std::uint64_t seed)
      : random_(seed * 0x9e3779b97f4a7c15ULL + 1), group(3 + (seed % 3), [&](RaftOptions& o) { draw(o, seed); }) {
    for (auto& [id, member] : group.nodes)
      member.instant_disk = member.instant_machine = false;
  }

  void storm(int steps) {
    for (int i = 0; i < steps; ++i) {
      if (at_++ % 100 == 0) weather_ = draw_weather();
      step();
    }
  }

  // Everybody is up and hears everybody. Within a bound of virtual time one leads, all hold the same, nobody waits.
  void peace() {
    cut_.clear();
    for (auto& [id, member] : group.nodes) {
      member.instant_disk = member.instant_machine = true;
      if (!member.raft) group.start(id);
      touch(id);
    }
    const Instant limit = group.now + 40 * election_timeout;
    while (!settled()) {
      if (group.now > limit) throw std::logic_error("the group does not come back" + picture());
      help();
      to_next_deadline();
    }
  }

  [[nodiscard]] int at() const { return at_; }

 private:
  static constexpr Duration election_timeout = std::chrono::milliseconds(1000);

  // Every mix of switches; windows and messages small, so that their edges are met.
  static void draw(RaftOptions& options, std::uint64_t seed) {
    Random random(seed);
    options.seed = seed * 64 + options.id.value();
    options.pre_vote = random.below(2) == 0;
    options.check_quorum = random.below(4) != 0;
    options.stickiness = options.check_quorum && random.below(4) != 0;
    options.split_vote_detection = random.below(2) == 0;
    options.eager_commit = random.below(2) == 0;
    options.max_append_entries = 1 + random.below(4);
    options.max_append_bytes = 1 + random.below(400);
    options.max_inflight_messages = 1 + random.below(4);
    options.max_inflight_bytes = 1 + random.below(600);
    options.log_cache_bytes = random.below(2) == 0 ? random.below(300) : 1 << 20;
    options.max_uncommitted_bytes = 100 + random.below(4000);
    options.max_pending_reads = 1 + random.below(6);
  }

  // Of a thousand messages so many are lost, or come again; how far one may overtake others; timers out of turn.
  struct Weather {
    std::uint64_t loss = 0;
    std::uint64_t repeat = 0;
    std::uint64_t reach = 1;
    std::uint64_t alarms = 0;
    std::uint64_t outages = 0;
  };
  Weather draw_weather() {
    constexpr std::array<std::uint64_t, 4> loss = {0, 0, 30, 200};
    constexpr std::array<std::uint64_t, 4> repeat = {0, 20, 100, 300};
    constexpr std::array<std::uint64_t, 4> reach = {1, 2, 8, 60};
    constexpr std::array<std::uint64_t, 4> alarms = {0, 5, 20, 60};
    constexpr std::array<std::uint64_t, 4> outages = {0, 0, 8, 20};
    const auto one_of = [&](const auto& these) { return these[random_.below(these.size())]; };
    return {one_of(loss), one_of(repeat), one_of(reach), one_of(alarms), one_of(outages)};
  }

  NodeId some_node() { return NodeId(1 + random_.below(group.nodes.size())); }
  NodeId leader_or(NodeId otherwise) {
    for (const auto& [id, member] : group.nodes) {
      if (member.raft && member.raft->role() == RoleName::leader) return id;
    }
    return otherwise;
  }
  bool chance(std::uint64_t in_thousand) { return random_.below(1000) < in_thousand; }

  void step() {
    const std::uint64_t dice = random_.below(1000);
    const NodeId id = some_node();
    Group::Member& member = group.nodes.at(id);
    if (dice < 500 && !group.network.empty()) return message();
    if (dice > 990) return split();
    if (!member.raft) return chance(100) ? group.start(id) : void();
    if (chance(weather_.outages)) return cut_power(id, member);
    if (chance(weather_.alarms)) return fire(id, *member.raft);
    if (dice < 740) return write(id, member);
    if (dice < 840) return tick(id, member);
    if (dice < 910) return propose(chance(300) ? id : leader_or(id));
    if (dice < 930) return read(id, *member.raft);
    if (dice < 933) return transfer(id, *member.raft);
    if (dice < 936) return unreachable(id, *member.raft);
    if (dice < 937) return step_down(id, *member.raft);
    if (dice < 960) return fetch(id, member);
    group.finish_apply(id);
    touch(id);
  }

  // One of the first few messages: it arrives, arrives and stays, or is lost.
  void message() {
    auto& network = group.network;
    const std::size_t i = random_.below(std::min<std::size_t>(network.size(), weather_.reach));
    Message message = network[i];
    const bool stays = chance(weather_.repeat) && network.size() < 200;
    if (!stays) network.erase(network.begin() + static_cast<std::ptrdiff_t>(i));
    if (network.size() > 300) network.pop_front();
    const bool lost = chance(weather_.loss) || cut_.contains({message.from, message.to});
    if (lost || !group.nodes.at(message.to).raft) return;
    const NodeId to = message.to;
    group.nodes.at(to).raft->receive(std::move(message));
    touch(to);
  }

  void split() {
    if (cut_.empty() && !chance(200)) return;
    if (!cut_.empty()) return cut_.clear();
    const NodeId alone = some_node();
    const auto kind = random_.below(3);
    for (const auto& [other, member] : group.nodes) {
      if (other == alone || chance(250)) continue;
      if (kind != 0) cut_.insert({alone, other});
      if (kind != 1) cut_.insert({other, alone});
    }
  }

  // Several inputs may come before the output is taken, as in a loop turn.
  void touch(NodeId id) {
    if (!chance(250)) group.pump(id);
  }

  void write(NodeId id, Group::Member& member) {
    group.pump(id);
    for (std::size_t n = random_.below(2 * member.writes.size() + 1); n > 0 && !member.writes.empty(); --n) {
      group.finish_write(id);
    }
    touch(id);
  }
  void tick(NodeId id, Group::Member& member) {
    group.now += Duration(random_.below(std::chrono::milliseconds(4)));
    member.clock_offset +=
        chance(100) ? random_.below(election_timeout) : random_.below(std::chrono::milliseconds(120));
    member.raft->advance(group.time_of(member));
    const auto next = member.raft->next_deadline();
    if (next && *next <= group.time_of(member)) throw std::logic_error("a deadline that has passed is still armed");
    touch(id);
  }
  void fire(NodeId id, Raft& raft) {
    constexpr std::array timers = {Timer::election, Timer::heartbeat, Timer::heartbeat, Timer::heartbeat,
                                   Timer::transfer};
    const Timer rare = chance(500) ? Timer::check_quorum : Timer::write_stall;
    raft.expire(chance(100) ? rare : timers[random_.below(timers.size())]);
    touch(id);
  }
  void propose(NodeId id) {
    const std::string text = std::to_string(++commands_) + std::string(random_.below(200), '.');
    const Result<LogPosition> taken = group.raft(id.value()).propose(EntryKind::command, Group::payload(text));
    if (!taken && taken.error().code == ErrorCode::too_large) throw std::logic_error("a small command is too large");
    touch(id);
  }
  void read(NodeId id, Raft& raft) {
    const ReadId read(++reads_);
    if (raft.read(read)) asked_[read] = {id, group.watch.committed()};
    touch(id);
  }
  void transfer(NodeId id, Raft& raft) {
    (void)raft.transfer_leadership(some_node());
    touch(id);
  }
  void unreachable(NodeId id, Raft& raft) {
    raft.unreachable(some_node());
    touch(id);
  }
  void step_down(NodeId id, Raft& raft) {
    raft.step_down();
    touch(id);
  }

  void cut_power(NodeId id, Group::Member& member) {
    answer_reads();
    group.pump(id);
    answer_reads();
    group.crash(id.value(), random_.below(member.writes.size() + 1), random_.below(6));
    std::erase_if(asked_, [&](const auto& read) { return read.second.node == id; });
    const Index applied = member.handed;
    if (chance(200) && applied > member.disk.base.position.index) member.disk.compact(applied);
  }

  void fetch(NodeId id, Group::Member& member) {
    group.pump(id);
    if (member.fetches.empty()) return;
    if (!chance(100)) return group.finish_fetch(id.value());
    const Fetch failed = member.fetches.front();
    member.fetches.erase(member.fetches.begin());
    member.raft->fetch_failed(failed, {ErrorCode::io, ""});
    touch(id);
  }

  // A read sees everything that anybody knew to be committed when it was asked for, and is answered once.
  void answer_reads() {
    for (auto& [id, member] : group.nodes) {
      for (const ReadReady& ready : member.reads) {
        const auto asked = asked_.find(ready.id);
        if (asked == asked_.end() || asked->second.node != id) throw std::logic_error("a read is answered twice");
        if (ready.index && *ready.index < asked->second.committed) throw std::logic_error("a stale read");
        if (ready.index && *ready.index > group.watch.committed()) throw std::logic_error("a read of what may go away");
        asked_.erase(asked);
      }
      member.reads.clear();
    }
  }

  // What a Node does for its Raft as a matter of course.
  void help() {
    for (auto& [id, member] : group.nodes) {
      group.pump(id);
      while (!member.fetches.empty())
        group.finish_fetch(id.value());
      for (const NodeId peer : std::exchange(member.wants_snapshot, {})) {
        for (const PeerStatus& is : member.raft->status().peers) {
          if (is.id == peer && is.state == ReplicationState::snapshot) install_snapshot(member, peer);
        }
      }
    }
    group.settle();
    answer_reads();
    for (const auto& [id, member] : group.nodes) {
      if (member.raft->status().ready && !proposed_) proposed_ = group.propose(id.value(), "peace").has_value();
    }
    group.settle();
  }
  // By hand, for the receiver is down meanwhile: its log gives way to the sender's base.
  void install_snapshot(const Group::Member& sender, NodeId peer) {
    Group::Member& member = group.nodes.at(peer);
    answer_reads();
    group.crash(peer.value(), member.writes.size());
    std::erase_if(asked_, [&](const auto& read) { return read.second.node == peer; });
    member.disk.entries.clear();
    member.disk.base = sender.disk.base;
    group.start(peer);
  }
  [[nodiscard]] std::string picture() const {
    std::string out;
    for (const auto& [id, member] : group.nodes) {
      const RaftStatus is = member.raft->status();
      out += "\n  node " + std::to_string(id.value()) + " " + std::string(to_string(is.role)) + " term " +
             std::to_string(is.term.value()) + " leader " + std::to_string(is.leader.value()) + " log " +
             std::to_string(is.first.value()) + ".." + std::to_string(is.last.value()) + "@" +
             std::to_string(member.raft->log().last().term.value()) + " stable " + std::to_string(is.stable.value()) +
             " commit " + std::to_string(is.commit.value()) + " applied " + std::to_string(is.applied.value());
    }
    for (const auto& [read, asked] : asked_) {
      out += "\n  read " + std::to_string(read.value()) + " waits on node " + std::to_string(asked.node.value());
    }
    return out;
  }
  void to_next_deadline() {
    Duration least = election_timeout;
    for (const auto& [id, member] : group.nodes) {
      const auto next = member.raft->next_deadline();
      if (next) least = std::min(least, std::max(Duration(1), *next - group.time_of(member)));
    }
    group.advance(least);
  }
  bool settled() {
    if (!proposed_ || !asked_.empty()) return false;
    const Raft* leader = nullptr;
    for (const auto& [id, member] : group.nodes) {
      if (member.raft->status().ready) leader = &*member.raft;
    }
    if (leader == nullptr) return false;
    for (const auto& [id, member] : group.nodes) {
      const bool same = member.raft->log().last() == leader->log().last() && member.raft->leader() == leader->leader();
      if (!same || member.raft->status().applied != leader->log().last().index) return false;
    }
    return true;
  }

  struct Asked {
    NodeId node;
    Index committed;
  };

  Random random_;
  Weather weather_;
  std::set<std::pair<NodeId, NodeId>> cut_;
  std::map<ReadId, Asked> asked_;
  std::uint64_t commands_ = 0;
  std::uint64_t reads_ = 0;
  bool proposed_ = false;
  int at_ = 0;

 public:
  Group group;
};

}  // namespace keel::test
