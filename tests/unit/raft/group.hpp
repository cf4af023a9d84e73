#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "keel/raft/raft.hpp"
#include "model_disk.hpp"
#include "watch.hpp"

namespace keel::test {

// A few Rafts in one place, without nodes, disks or a network: a test decides which message arrives, when a write is
// durable, and what time it is. A Watch looks on after every step.
class Group {
 public:
  using Lost = std::function<bool(const Message&)>;

  // What a test wants to go on is not there.
  struct NotUnderWay : std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  struct Member {
    std::optional<Raft> raft;
    RaftOptions options;
    ModelDisk disk;                // what is durable
    ModelDisk issued;              // what will be, once all `writes` are
    std::deque<Write> writes;      // issued, not yet durable
    std::deque<HeldMessage> held;  // waiting for one of them
    WriteId noticed;               // the last that was told to be durable
    std::vector<Message> answers;  // of the last turn, held or not
    std::vector<RaftEvent> events;
    Told told;                   // by them
    std::vector<Index> applied;  // since the last start
    std::vector<ReadReady> reads;
    std::map<ReadId, Index> asked;  // by ask_read, unanswered; each with what was committed then
    std::vector<Fetch> fetches;
    std::vector<NodeId> wants_snapshot;
    Output out;    // reused, as a Node would
    Index handed;  // up to where the machine was given entries
    Duration clock_offset{};
    bool instant_disk = true;     // writes are durable at once
    bool instant_machine = true;  // entries are applied at once
  };

  explicit Group(std::size_t size, const std::function<void(RaftOptions&)>& adjust = {}) {
    std::vector<keel::Member> members;
    for (std::uint64_t id = 1; id <= size; ++id)
      members.push_back({.id = NodeId(id)});
    begin(make_genesis("test", std::move(members)), adjust);
  }
  explicit Group(Genesis first, const std::function<void(RaftOptions&)>& adjust = {}) {
    begin(std::move(first), adjust);
  }

  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  Raft& raft(std::uint64_t id) { return *nodes.at(NodeId(id)).raft; }
  Member& node(std::uint64_t id) { return nodes.at(NodeId(id)); }

  void start(NodeId id) {
    Member& member = nodes.at(id);
    ++member.options.seed;
    auto raft = Raft::make(member.options, member.disk.recover(), time_of(member));
    if (!raft) throw std::runtime_error(raft.error().message);
    member.issued = member.disk;
    member.handed = member.disk.base.position.index;
    member.applied.clear();
    member.noticed = {};
    member.raft.emplace(std::move(*raft));
    member.told.start(*member.raft);
    pump(id);
  }
  // Power goes. Of what was issued and is not durable, the first `writes` are on the disk, and `torn` steps of the next.
  void crash(std::uint64_t id, std::size_t writes = 0, std::size_t torn = 0) {
    Member& member = node(id);
    for (std::size_t i = 0; i < member.writes.size() && i <= writes; ++i) {
      const WriteBatch& batch = member.writes[i].batch;
      i < writes ? member.disk.write(batch) : member.disk.write_torn(batch, torn);
    }
    member.raft.reset();
    member.writes.clear();
    member.held.clear();
    member.fetches.clear();
    member.wants_snapshot.clear();
    member.asked.clear();
    watch.forget(NodeId(id));
  }
  // Likewise, with nothing of what was under way and without the log's last entry.
  void crash_without_the_last_entry(std::uint64_t id) {
    crash(id);
    if (node(id).disk.entries.size() < 2) throw NotUnderWay("nothing is there to be lost");
    node(id).disk.lose_last();
  }
  void restart(std::uint64_t id) { start(NodeId(id)); }

  // Takes a node's output and does what a Node would.
  void pump(NodeId id) {
    Member& member = nodes.at(id);
    while (member.raft && member.raft->has_output()) {
      Output& out = member.out;
      member.raft->take_output(out);
      if (out.write) {
        member.issued.write(out.write->batch);
        member.writes.push_back(std::move(*out.write));
      }
      for (Message& message : out.send) {
        member.answers.push_back(message);
        leave(member, std::move(message));
      }
      for (HeldMessage& held : out.send_after_write) {
        if (held.after <= member.noticed) throw std::logic_error("a message waits for a write that is durable");
        member.answers.push_back(held.message);
        member.held.push_back(std::move(held));
      }
      for (RaftEvent& event : out.events)
        note(member, std::move(event));
      for (const ReadReady& read : out.reads_ready) {
        judge(member, read);
        member.reads.push_back(read);
      }
      for (const Fetch& fetch : out.fetch)
        member.fetches.push_back(fetch);
      for (const NodeId peer : out.send_snapshot)
        member.wants_snapshot.push_back(peer);
      hand_over(member, out.apply);
      watch.step(id, seen_);
      judge_waiting(member);
      if (member.instant_disk) finish_writes(id);
      if (member.instant_machine) finish_apply(id);
    }
  }

  // Makes the oldest write durable, and lets go what waited for it.
  void finish_write(NodeId id) {
    Member& member = nodes.at(id);
    const Write write = std::move(member.writes.front());
    member.writes.pop_front();
    member.disk.write(write.batch);
    member.noticed = write.id;
    member.raft->written(write.id);
    std::deque<HeldMessage> held = std::exchange(member.held, {});
    for (HeldMessage& waiting : held) {
      if (waiting.after <= write.id) {
        leave(member, std::move(waiting.message));
      } else {
        member.held.push_back(std::move(waiting));
      }
    }
  }
  void finish_writes(NodeId id) {
    while (!nodes.at(id).writes.empty())
      finish_write(id);
  }
  void finish_writes(std::uint64_t id) {
    finish_writes(NodeId(id));
    pump(NodeId(id));
  }
  void finish_one_write(std::uint64_t id) {
    if (node(id).writes.empty()) throw NotUnderWay("nothing is being written");
    finish_write(NodeId(id));
    pump(NodeId(id));
  }
  // Of the write before the last that was durable it is said once more that it is.
  void repeat_notice(std::uint64_t id) {
    if (node(id).noticed < WriteId(2)) throw NotUnderWay("no earlier write was durable");
    raft(id).written(node(id).noticed.previous());
    pump(NodeId(id));
  }
  void finish_apply(NodeId id) {
    Member& member = nodes.at(id);
    if (member.raft && member.handed > member.raft->status().applied) member.raft->applied(member.handed);
  }
  // Answers the oldest fetch from what was written.
  void finish_fetch(std::uint64_t id) {
    Member& member = node(id);
    if (member.fetches.empty()) throw NotUnderWay("nothing is being read");
    const Fetch fetch = member.fetches.front();
    member.fetches.erase(member.fetches.begin());
    std::vector<Entry> found;
    std::size_t bytes = 0;
    for (Index index = fetch.range.first; index <= fetch.range.last; ++index) {
      const Entry* entry = member.issued.find(index);
      if (entry == nullptr) break;
      if (!found.empty()) bytes += entry->payload.size();
      if (bytes > fetch.max_bytes) break;
      found.push_back(*entry);
    }
    if (found.empty()) {
      member.raft->fetch_failed(fetch, {ErrorCode::compacted, ""});
    } else {
      member.raft->fetched(fetch, std::move(found));
    }
    pump(NodeId(id));
  }

  // All of them, and those that follow.
  void finish_fetches(std::uint64_t id) {
    while (!node(id).fetches.empty()) {
      finish_fetch(id);
      settle();
    }
  }

  void deliver(Message message) {
    Member& member = nodes.at(message.to);
    if (!member.raft) return;
    const Message received = message;
    const Raft before = *member.raft;
    member.answers.clear();
    member.raft->receive(std::move(message));
    pump(received.to);
    if (violations_allowed) return;
    if (auto broken = check_received(before, received, *member.raft)) throw std::logic_error(*broken);
    for (const Message& answer : member.answers) {
      if (auto broken = check_answer(before, received, *member.raft, answer)) throw std::logic_error(*broken);
    }
  }
  // Delivers everything that `lost` does not hold for, and what follows from it, until nothing is under way.
  void settle(const Lost& lost = {}) {
    for (std::size_t budget = 100000; !network.empty(); --budget) {
      if (budget == 0) throw std::runtime_error("the messages never end: " + long_form(network.front()));
      Message message = std::move(network.front());
      network.pop_front();
      if (!lost || !lost(message)) deliver(std::move(message));
    }
  }

  // Delivers the first message that `which` holds for, and only that.
  void deliver_first(const Lost& which) {
    const auto found = first(which);
    Message message = std::move(*found);
    network.erase(found);
    deliver(std::move(message));
  }
  // It arrives, and stays under way.
  void deliver_copy_of_first(const Lost& which) { deliver(*first(which)); }
  void lose_first(const Lost& which) { network.erase(first(which)); }
  void lose(const Lost& which = [](const Message&) { return true; }) { std::erase_if(network, which); }
  [[nodiscard]] std::size_t under_way(const Lost& which) const {
    return static_cast<std::size_t>(std::ranges::count_if(network, which));
  }

  void advance_one(NodeId id) {
    Member& member = nodes.at(id);
    if (!member.raft) return;
    member.raft->advance(time_of(member));
    pump(id);
  }
  void advance(Duration by) {
    now += by;
    for (const auto& [id, member] : nodes)
      advance_one(id);
  }
  // Time passes in small steps, messages arriving in between.
  void run(Duration span, const Lost& lost = {}) {
    for (Duration step = std::chrono::milliseconds(10); span > Duration::zero(); span -= step) {
      advance(step);
      settle(lost);
    }
  }
  // Time passes for one node alone, so that it does not hear its leader any more; none of its timers has run out.
  void fall_silent_to(std::uint64_t id) {
    Member& member = node(id);
    member.clock_offset += member.options.election_timeout;
    advance_one(NodeId(id));
  }
  void fire(std::uint64_t id, Timer timer) {
    const bool judged = timer != Timer::write_stall || !node(id).writes.empty();
    raft(id).expire(timer);
    pump(NodeId(id));
    if (!judged) return;
    if (auto broken = check_expired(timer, raft(id))) throw std::logic_error(*broken);
  }
  // Makes `id` leader, from wherever things stand: nobody hears anybody for an election timeout, then it campaigns.
  void elect(std::uint64_t id) {
    run(node(id).options.election_timeout, [](const Message&) { return true; });
    network.clear();
    fire(id, Timer::election);
    settle();
  }
  Result<LogPosition> propose(std::uint64_t id, const std::string& text) {
    const bool hands_over = raft(id).status().transferring_to != nobody;
    auto position = raft(id).propose(EntryKind::command, payload(text));
    if (position && hands_over) throw std::logic_error("a command is taken while leadership is handed over");
    pump(NodeId(id));
    return position;
  }
  // A read whose answer is judged: it sees what anybody knew to be committed now, and the node does not forget it.
  void ask_read(std::uint64_t id, std::uint64_t read) {
    if (raft(id).read(ReadId(read))) node(id).asked[ReadId(read)] = watch.committed();
    pump(NodeId(id));
  }
  static Payload payload(const std::string& text) { return Payload::copy_of(std::as_bytes(std::span(text))); }
  [[nodiscard]] Instant time_of(const Member& member) const { return now + member.clock_offset; }

  std::map<NodeId, Member> nodes;
  std::deque<Message> network;
  Genesis genesis;
  Instant now{};
  Watch watch;
  bool violations_allowed = false;  // a test that plays a broken peer

  // Steps that once led to something wrong. Where they cannot be gone any more, that is right too.
  static bool as_far_as_it_goes(const std::function<void()>& steps) {
    try {
      steps();
      return true;
    } catch (const NotUnderWay&) {
      return false;
    }
  }

 private:
  std::deque<Message>::iterator first(const Lost& which) {
    const auto found = std::ranges::find_if(network, which);
    if (found == network.end()) throw NotUnderWay("no such message is under way");
    return found;
  }
  void begin(Genesis first, const std::function<void(RaftOptions&)>& adjust) {
    genesis = std::move(first);
    for (const keel::Member& one : genesis.configuration.members) {
      Member& member = nodes[one.id];
      member.options.id = one.id;
      member.options.seed = 1000 + one.id.value();
      if (adjust) adjust(member.options);
      member.disk.hard_state = {Term(1), nobody};
      member.disk.append({Index(1), Term(1), EntryKind::genesis, encode(genesis)});
      seen_[one.id] = {&member.raft, &member.disk, &member.issued};
    }
    for (const auto& [id, member] : nodes)
      start(id);
  }
  void leave(const Member& member, Message message) {
    Watch::leaves(message, member.disk);
    network.push_back(std::move(message));
  }
  static void hand_over(Member& member, IndexRange range) {
    if (range.empty()) return;
    if (range.first != member.handed.next()) throw std::logic_error("entries to apply do not follow one another");
    for (Index i = range.first; i <= range.last; ++i)
      member.applied.push_back(i);
    member.handed = range.last;
  }
  static void judge(Member& member, const ReadReady& read) {
    const auto asked = member.asked.find(read.id);
    if (asked == member.asked.end()) return;
    if (read.index && *read.index < asked->second) throw std::logic_error("a confirmed read misses what was committed");
    member.asked.erase(asked);
  }
  static void judge_waiting(const Member& member) {
    const Role& role = member.raft->role_state();
    std::size_t known = 0;
    if (const auto* leader = std::get_if<Leader>(&role)) known = leader->reads.size();
    if (const auto* follower = std::get_if<Follower>(&role)) known = follower->reads.size();
    if (known < member.asked.size()) throw std::logic_error("a read that waits was forgotten");
  }
  void note(Member& member, RaftEvent event) const {
    if (!violations_allowed) {
      if (std::holds_alternative<ProtocolViolation>(event)) throw std::logic_error(describe(event));
      const auto* rejected = std::get_if<MessageRejected>(&event);
      const bool unexpected = rejected != nullptr && (rejected->reason == RejectReason::malformed ||
                                                      rejected->reason == RejectReason::not_for_us);
      if (unexpected) throw std::logic_error(describe(event));
    }
    member.told.hear(event);
    member.events.push_back(std::move(event));
  }

  std::map<NodeId, Watch::Seen> seen_;
};

// What tests say of messages.
template <class Body>
bool is(const Message& message) {
  return std::holds_alternative<Body>(message.body);
}
template <class Body>
Group::Lost of() {
  return [](const Message& message) { return is<Body>(message); };
}
template <class Body>
Group::Lost of(std::uint64_t from, std::uint64_t to) {
  return [=](const Message& message) {
    return is<Body>(message) && message.from == NodeId(from) && message.to == NodeId(to);
  };
}
// As one of its forms has it.
inline Group::Lost reads(std::string text) {
  return [text = std::move(text)](const Message& message) {
    return short_form(message) == text || long_form(message) == text;
  };
}
inline bool is_rehearsal(const Message& message) {
  const auto* asks = std::get_if<VoteRequest>(&message.body);
  const auto* says = std::get_if<VoteReply>(&message.body);
  return (asks != nullptr && asks->pre_vote) || (says != nullptr && says->pre_vote);
}
// Everything to or from one node.
inline Group::Lost touching(std::uint64_t node) {
  return [=](const Message& message) { return message.from == NodeId(node) || message.to == NodeId(node); };
}

}  // namespace keel::test
