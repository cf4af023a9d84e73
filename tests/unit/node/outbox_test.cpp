#include "node/outbox.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

#include "keel/base/assert.hpp"

namespace keel::test {
namespace {

class Sink final : public Transport {
 public:
  std::vector<PeerMessage> sent;
  std::function<void()> on_call = [] {};

  void attach(GroupId, TransportReceiver&) override {}
  void detach(GroupId) override {}
  void send(PeerMessage message) override {
    on_call();
    sent.push_back(std::move(message));
  }
  void flush() override { on_call(); }
  void members(GroupId, std::span<const Member>) override { on_call(); }
};

PeerMessage answer(std::uint64_t tag) {
  ForwardReply reply;
  reply.tag = tag;
  return {GroupId(), NodeId(1), NodeId(2), reply};
}
std::uint64_t tag_of(const PeerMessage& message) { return std::get<ForwardReply>(message.body).tag; }

// A disk that hangs while heartbeats go on: each may bring an answer that waits for it.
TEST(Outbox, WhatWaitsForADiskIsBounded) {  // hazard: H53
  Sink sink;
  Outbox outbox(sink);
  constexpr std::uint64_t asked = 100'000;
  for (std::uint64_t i = 1; i <= asked; ++i)
    outbox.hold(WriteId(1 + i / 1000), answer(i), nullptr);
  outbox.durable(WriteId(asked));
  outbox.flush();
  ASSERT_EQ(sink.sent.size(), Outbox::max_held);
  EXPECT_EQ(tag_of(sink.sent.front()), asked + 1 - Outbox::max_held) << "the oldest are lost";
  EXPECT_EQ(tag_of(sink.sent.back()), asked);
}

TEST(Outbox, WhatATransportThrowsIsCountedAndWhatKeelFindsWrongGoesOn) {
  Sink sink;
  Outbox outbox(sink);
  sink.on_call = [] { throw std::runtime_error("no"); };
  outbox.send(answer(1), nullptr);
  outbox.members(GroupId(), {});
  outbox.flush();
  EXPECT_EQ(outbox.caught(), 3u);
  sink.on_call = [] { KEEL_ASSERT(false, "found inside the transport"); };
  EXPECT_THROW(outbox.send(answer(2), nullptr), InvariantBroken);
  EXPECT_THROW(outbox.members(GroupId(), {}), InvariantBroken);
  EXPECT_THROW(outbox.flush(), InvariantBroken);
  const Route route{NodeId(2), std::make_shared<ReplyPath>([](const PeerMessage&) { KEEL_ASSERT(false, "likewise"); })};
  outbox.send(answer(3), &route);
  EXPECT_THROW(outbox.flush(), InvariantBroken);
  EXPECT_EQ(outbox.caught(), 3u);
}

}  // namespace
}  // namespace keel::test
