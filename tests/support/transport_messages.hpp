#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "keel/port/transport.hpp"
#include "keel/wire/frame.hpp"

// Messages to send through a transport under test, and someone to receive them.

namespace keel::test {

inline constexpr ClusterId conformance_cluster{0xc0f0};
inline constexpr GroupId first_group{1};

// Remembers what it was told.
class RecordingReceiver final : public TransportReceiver {
 public:
  explicit RecordingReceiver(const bool& inside_a_call) : inside_a_call_(inside_a_call) {}

  void on_message(PeerMessage message) override {
    EXPECT_FALSE(inside_a_call_) << "a receiver was called from inside a call of the transport's";
    messages_.push_back(std::move(message));
    if (on_message_) on_message_(messages_.back());
  }
  void on_unreachable(NodeId peer) override {
    EXPECT_FALSE(inside_a_call_) << "a receiver was called from inside a call of the transport's";
    ++unreachable_[peer];
  }

  [[nodiscard]] const std::vector<PeerMessage>& messages() const { return messages_; }
  [[nodiscard]] bool has(const PeerMessage& message) const {
    return std::ranges::find(messages_, message) != messages_.end();
  }
  [[nodiscard]] int unreachable(NodeId peer) const {
    const auto found = unreachable_.find(peer);
    return found == unreachable_.end() ? 0 : found->second;
  }
  void then(std::function<void(const PeerMessage&)> reaction) { on_message_ = std::move(reaction); }

 private:
  const bool& inside_a_call_;
  std::vector<PeerMessage> messages_;
  std::map<NodeId, int> unreachable_;
  std::function<void(const PeerMessage&)> on_message_;
};

inline PeerMessage raft_message(NodeId from, NodeId to, MessageBody body, GroupId group = first_group,
                                Term term = Term(7)) {
  return {group, from, to, Message{group, from, to, term, std::move(body)}};
}

// One that is told from others by its number.
inline PeerMessage numbered(NodeId from, NodeId to, std::uint64_t number, GroupId group = first_group) {
  return raft_message(from, to, Heartbeat{.commit = Index(1), .round = number, .promise = {}}, group);
}

inline PeerMessage with_entries(NodeId from, NodeId to, std::size_t count, std::size_t payload_bytes) {
  AppendRequest append{.previous = {Term(3), Index(41)}, .commit = Index(40), .entries = {}};
  for (std::size_t i = 0; i < count; ++i) {
    Entry entry{Index(42 + i), Term(7), EntryKind::command, Payload::with_size(payload_bytes)};
    std::ranges::fill(entry.payload.mutable_bytes(), static_cast<std::byte>(i + 1));
    wire::set_envelope(entry.payload, Envelope{.wall_time = WallTime(std::chrono::milliseconds(1234)),
                                               .session = i,
                                               .sequence = 5,
                                               .origin = from,
                                               .origin_tag = 9});
    wire::frame(entry, conformance_cluster, first_group);
    append.entries.push_back(std::move(entry));
  }
  return raft_message(from, to, std::move(append));
}

// One of each kind there is.
inline std::vector<PeerMessage> every_kind(NodeId from, NodeId to) {
  const LogPosition position{Term(6), Index(17)};
  const std::string text = "a command";
  return {
      raft_message(from, to, VoteRequest{.pre_vote = true, .for_transfer = true, .last = position}),
      raft_message(
          from, to,
          VoteReply{.pre_vote = true, .granted = false, .refusal = Refusal::voted_for_another, .voted_for = NodeId(9)}),
      with_entries(from, to, 0, 0),
      with_entries(from, to, 3, 100),
      with_entries(from, to, 2, 5000),
      with_entries(from, to, 1, 0),
      raft_message(from, to, AppendReply{.accepted = true, .index = Index(8), .hint = position}),
      raft_message(from, to, Heartbeat{.commit = Index(5), .round = 6, .promise = std::chrono::seconds(1)}),
      raft_message(from, to, HeartbeatReply{.round = 6, .promise = std::chrono::seconds(1)}),
      raft_message(from, to, TimeoutNow{.last = position}),
      raft_message(from, to, ReadIndexRequest{.context = 77}),
      raft_message(from, to, ReadIndexReply{.context = 77, .confirmed = true, .index = Index(5)}),
      {first_group, from, to,
       ForwardRequest{.tag = 5,
                      .session = 6,
                      .sequence = 7,
                      .expected_term = Term(8),
                      .command = Payload::copy_of(std::as_bytes(std::span(text)))}},
      {first_group, from, to,
       ForwardReply{.tag = 5, .position = position, .refusal = ErrorCode::overloaded, .leader = NodeId(3)}},
  };
}

}  // namespace keel::test
