#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "keel/raft/raft.hpp"
#include "model_disk.hpp"

namespace keel::test {

// One Raft, node 1 of a few; the test plays its peers. Its disk is instant.
class Lone {
 public:
  // `terms` are those of the entries behind the genesis.
  Lone(std::vector<std::uint64_t> terms, HardState state, const std::function<void(RaftOptions&)>& adjust = {},
       std::uint64_t voters = 3) {
    std::vector<keel::Member> members;
    for (std::uint64_t id = 1; id <= voters; ++id)
      members.push_back({.id = NodeId(id)});
    disk.append({Index(1), Term(1), EntryKind::genesis, encode(make_genesis("test", std::move(members)))});
    for (const std::uint64_t term : terms) {
      disk.append({disk.last().next(), Term(term), EntryKind::command, Payload::copy_of({})});
    }
    disk.hard_state = state;
    options.id = NodeId(1);
    if (adjust) adjust(options);
    start();
  }
  void start() {
    ++options.seed;
    auto made = Raft::make(options, disk.recover(), now);
    if (!made) throw std::runtime_error(made.error().message);
    raft.emplace(std::move(*made));
    turn();
  }

  // All that leaves once everything asked for is done.
  std::vector<Message> turn() {
    std::vector<Message> left;
    while (raft->has_output()) {
      raft->take_output(out);
      for (const RaftEvent& event : out.events)
        events.push_back(event);
      for (const ReadReady& read : out.reads_ready)
        reads.push_back(read);
      for (const Fetch& fetch : out.fetch)
        fetches.push_back(fetch);
      for (const NodeId peer : out.send_snapshot)
        wants_snapshot.push_back(peer);
      for (Message& message : out.send)
        left.push_back(std::move(message));
      for (HeldMessage& held : out.send_after_write)
        left.push_back(std::move(held.message));
      if (out.write) {
        disk.write(out.write->batch);
        raft->written(out.write->id);
      }
      if (!out.apply.empty()) raft->applied(out.apply.last);
    }
    return left;
  }
  std::vector<Message> receive(std::uint64_t from, std::uint64_t term, MessageBody body) {
    raft->receive({.group = {}, .from = NodeId(from), .to = NodeId(1), .term = Term(term), .body = std::move(body)});
    return turn();
  }
  std::vector<Message> fire(Timer timer) {
    raft->expire(timer);
    return turn();
  }
  std::vector<Message> advance(Duration by) {
    raft->advance(now += by);
    return turn();
  }
  // Wins an election at the next term.
  std::vector<Message> lead() {
    fire(Timer::election);
    if (options.pre_vote) receive(2, raft->term().next().value(), VoteReply{.pre_vote = true, .granted = true});
    auto left = receive(2, raft->term().value(), VoteReply{.granted = true});
    if (raft->role() != RoleName::leader) throw std::logic_error("it was not elected");
    return left;
  }
  Result<LogPosition> propose(const std::string& text) {
    return raft->propose(EntryKind::command, Payload::copy_of(std::as_bytes(std::span(text))));
  }
  // An entry as a peer would send it.
  static Entry entry(std::uint64_t index, std::uint64_t term, const std::string& text = {}) {
    return {Index(index), Term(term), EntryKind::command, Payload::copy_of(std::as_bytes(std::span(text)))};
  }
  static LogPosition at(std::uint64_t index, std::uint64_t term) { return {Term(term), Index(index)}; }

  template <class Event>
  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(events, [](const RaftEvent& event) { return std::holds_alternative<Event>(event); }));
  }

  RaftOptions options;
  ModelDisk disk;
  std::optional<Raft> raft;
  Output out;
  Instant now{};
  std::vector<RaftEvent> events;
  std::vector<ReadReady> reads;
  std::vector<Fetch> fetches;
  std::vector<NodeId> wants_snapshot;
};

// The bodies of one kind among messages, in order.
template <class Body>
std::vector<Body> all(const std::vector<Message>& messages) {
  std::vector<Body> found;
  for (const Message& message : messages) {
    if (const auto* body = std::get_if<Body>(&message.body)) found.push_back(*body);
  }
  return found;
}
template <class Body>
Body only(const std::vector<Message>& messages) {
  const auto found = all<Body>(messages);
  if (found.size() != 1) throw std::logic_error("not one such message but " + std::to_string(found.size()));
  return found.front();
}

}  // namespace keel::test
