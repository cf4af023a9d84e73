// What hostile and broken bytes do: they are counted and named, their connection is closed, and nothing else happens.

#include <string>

#include <gtest/gtest.h>

#include "tcp_nodes.hpp"
#include "wire/bytes.hpp"

namespace keel::test {
namespace {

std::vector<std::byte> encoded(const PeerMessage& message) {
  wire::Encoded out;
  EXPECT_TRUE(wire::encode(message, out));
  return out.flatten();
}

// Node 2 listens; node 1 is connected with it and stays so; node 3 is the one that misbehaves.
class TcpBytes : public TcpTest {
 protected:
  static constexpr NodeId three{3};

  void SetUp() override {
    bystander_->knows(two, node_->transport.listening_at());
    ASSERT_TRUE(deliver(*bystander_, *node_, numbered(one, two, 1)));
    node_->transport.members(first_group,
                             std::vector<Member>{{.id = one, .address = bystander_->transport.listening_at()},
                                                 {.id = three, .address = ""}});
  }

  void expect_closed_and_nothing_else(Stranger& stranger, const std::string& line) {
    EXPECT_TRUE(run_until([&] { return stranger.ended(); }));
    EXPECT_TRUE(node_->logged(line)) << testing::PrintToString(node_->lines);
    EXPECT_TRUE(deliver(*bystander_, *node_, numbered(one, two, 2)));
    EXPECT_EQ(bystander_->peer(two).connects, 1u);
    for (const PeerMessage& message : node_->receiver.messages())
      EXPECT_EQ(message.from, one);
  }
  void expect_senseless(std::vector<std::byte> bytes, const std::string& line) {
    Stranger stranger = admitted(*node_, three);
    stranger.send(bytes);
    expect_closed_and_nothing_else(stranger, line);
    EXPECT_EQ(node_->peer(three).undecodable, 1u);
    EXPECT_FALSE(node_->peer(three).heard);
    EXPECT_EQ(node_->transport.stats().undecodable, 0u);
  }

  std::unique_ptr<TcpNode> bystander_ = node(one);
  std::unique_ptr<TcpNode> node_ = node(two);
};

// scenario: X-07
TEST_F(TcpBytes, AnotherProtocolInsteadOfAHandshake) {
  Stranger browser(context_, node_->transport.listening_at());
  browser.send("GET / HTTP/1.1\r\nHost: keel\r\n\r\n");
  expect_closed_and_nothing_else(browser, "does not speak Keel's protocol");
  EXPECT_EQ(node_->transport.stats().undecodable, 1u);
}

TEST_F(TcpBytes, ADamagedHandshake) {
  auto hello = wire::encode(hello_of(three));
  hello[20] ^= std::byte{1};
  Stranger stranger(context_, node_->transport.listening_at());
  stranger.send(hello);
  expect_closed_and_nothing_else(stranger, "checksum mismatch");
}

TEST_F(TcpBytes, AWelcomeWhereAHelloIsDue) {
  Stranger stranger(context_, node_->transport.listening_at());
  stranger.send(wire::encode(wire::Welcome{}));
  expect_closed_and_nothing_else(stranger, "another part of it was due");
}

TEST_F(TcpBytes, ALengthThatNoMessageHas) {
  expect_senseless(std::vector<std::byte>(4, std::byte{0xff}), "a message of 4294967295 bytes");
}

TEST_F(TcpBytes, ALengthOfZero) { expect_senseless(std::vector<std::byte>(4), "a message of 0 bytes"); }

TEST_F(TcpBytes, ADamagedMessage) {
  auto bytes = encoded(numbered(three, two, 5));
  bytes[bytes.size() / 2] ^= std::byte{1};
  expect_senseless(bytes, "checksum mismatch");
}

TEST_F(TcpBytes, GarbageOfALikelyLength) {
  std::vector<std::byte> bytes(104, std::byte{0x5a});
  wire::store(bytes.data(), std::uint32_t{100});
  expect_senseless(bytes, "makes no sense");
}

// scenario: X-08
TEST_F(TcpBytes, AMessageOfAnotherNodeThanTheOneConnected) {
  expect_senseless(encoded(numbered(NodeId(4), two, 5)), "a message from node 4 to node 2");
}

TEST_F(TcpBytes, AMessageToAnotherNode) {
  expect_senseless(encoded(numbered(three, NodeId(4), 5)), "a message from node 3 to node 4");
}

TEST_F(TcpBytes, AnEntryOfAnotherCluster) {
  Entry entry{Index(1), Term(1), EntryKind::command, Payload::with_size(4)};
  wire::frame(entry, ClusterId(0xbad), first_group);
  expect_senseless(encoded(raft_message(three, two, AppendRequest{.previous = {}, .commit = {}, .entries = {entry}})),
                   "cluster 0000000000000bad");
}

// scenario: X-08. Not an error of the connection's: the group may be about to start here.
TEST_F(TcpBytes, AMessageForAGroupNobodyAttached) {
  bystander_->send(numbered(one, two, 5, GroupId(55)));
  EXPECT_TRUE(deliver(*bystander_, *node_, numbered(one, two, 6)));
  EXPECT_EQ(node_->transport.stats().unclaimed, 1u);
  EXPECT_EQ(bystander_->peer(two).connects, 1u);
}

TEST_F(TcpBytes, GoodMessagesBeforeABadOneArrive) {
  Stranger stranger = admitted(*node_, three);
  auto bytes = encoded(numbered(three, two, 5));
  bytes.resize(bytes.size() + 100, std::byte{0xff});
  stranger.send(bytes);
  EXPECT_TRUE(run_until([&] { return stranger.ended(); }));
  EXPECT_TRUE(node_->receiver.has(numbered(three, two, 5)));
}

TEST_F(TcpBytes, MessagesMayComeByteByByte) {
  Stranger stranger = admitted(*node_, three);
  const auto bytes = encoded(with_entries(three, two, 2, 10));
  for (const std::byte byte : bytes) {
    stranger.send(ByteView(&byte, 1));
    context_.restart();
    context_.poll();
  }
  EXPECT_TRUE(run_until([&] { return node_->receiver.has(with_entries(three, two, 2, 10)); }));
}

TEST_F(TcpBytes, AConnectionThatEndsInTheMiddleOfAMessage) {
  Stranger stranger = admitted(*node_, three);
  const auto bytes = encoded(with_entries(three, two, 2, 10));
  stranger.send(ByteView(bytes).first(bytes.size() - 1));
  stranger.close();
  EXPECT_TRUE(run_until([&] { return node_->transport.stats().connections == 1; }));
  EXPECT_FALSE(node_->receiver.has(with_entries(three, two, 2, 10)));
}

TEST_F(TcpBytes, AHalfClosedConnectionIsClosed) {
  Stranger stranger = admitted(*node_, three);
  stranger.shut_down_sending();
  EXPECT_TRUE(run_until([&] { return stranger.ended(); }));
  EXPECT_EQ(node_->transport.stats().connections, 1u);
}

TEST_F(TcpBytes, AHalfClosedHandshakeIsClosed) {
  Stranger stranger(context_, node_->transport.listening_at());
  stranger.send(ByteView(wire::encode(hello_of(three))).first(10));
  stranger.shut_down_sending();
  EXPECT_TRUE(run_until([&] { return stranger.ended(); }));
}

// What is dialled is only written to: the other side has nothing to say there.
TEST_F(TcpBytes, AnAcceptorThatTalksBackIsLeft) {
  StrangersPort port(context_);
  bystander_->knows(three, port.address());
  ASSERT_TRUE(run_until([&] { return !port.callers.empty(); }));
  port.callers[0].send(wire::encode(wire::Welcome{}));
  port.callers[0].send(wire::encode(hello_of(three)));
  ASSERT_TRUE(run_until([&] { return bystander_->peer(three).connected; }));
  port.callers[0].send("hello?");
  EXPECT_TRUE(run_until([&] { return port.callers[0].ended(); }));
  EXPECT_EQ(bystander_->peer(three).undecodable, 1u);
}

}  // namespace
}  // namespace keel::test
