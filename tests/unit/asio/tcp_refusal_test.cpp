// Who is refused, and that both sides say why.

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tcp_nodes.hpp"
#include "wire/bytes.hpp"
#include "wire/checksum.hpp"

namespace keel::test {
namespace {

using namespace std::chrono_literals;

class TcpRefusal : public TcpTest {
 protected:
  // Node 1 dials whoever listens at the address under the name of node 2, and is refused or refuses.
  void expect_refusal(TcpNode& dialler, TcpNode& acceptor, const std::string& reason) {
    dialler.knows(two, acceptor.transport.listening_at());
    EXPECT_TRUE(run_until([&] { return dialler.logged(reason) && acceptor.logged(reason); })) << reason;
    EXPECT_TRUE(run_until([&] { return dialler.peer(two).refused >= 2; }));  // and goes on trying
    EXPECT_FALSE(dialler.peer(two).connected);
    EXPECT_GE(acceptor.transport.stats().refused, 1u);
    EXPECT_EQ(acceptor.transport.stats().undecodable, 0u);
    dialler.send(numbered(one, two, 1));
    EXPECT_TRUE(run_until([&] { return dialler.receiver.unreachable(two) > 0; }));
    EXPECT_TRUE(acceptor.receiver.messages().empty());
  }
};

// scenario: X-08. mission: 4y.1
TEST_F(TcpRefusal, AnotherCluster) {
  TcpOptions other = options(two);
  other.self.cluster = ClusterId(0xbad);
  other.self.cluster_name = "elsewhere";
  const auto dialler = node(one);
  const auto acceptor = node(other);
  expect_refusal(*dialler, *acceptor,
                 "node 1 belongs to cluster 'conformance' (000000000000c0f0), node 2 to cluster 'elsewhere' "
                 "(0000000000000bad): an address leads to the wrong cluster");
}

TEST_F(TcpRefusal, AClusterOfTheSameNameButOtherFirstMembers) {
  TcpOptions other = options(two);
  other.self.cluster = ClusterId(0xbad);
  const auto dialler = node(one);
  const auto acceptor = node(other);
  expect_refusal(*dialler, *acceptor, "they were started with different lists of first members");
}

// scenario: X-08
TEST_F(TcpRefusal, AnotherNodeThanTheOneThatWasDialled) {
  const auto dialler = node(one);
  const auto acceptor = node(NodeId(3));
  expect_refusal(*dialler, *acceptor, "node 1 looks for node 2 where node 3 is: it has a wrong address");
}

TEST_F(TcpRefusal, ANodeThatSaysItIsUs) {
  const auto dialler = node(one);
  TcpOptions twin = options(two);
  twin.admit = {};
  const auto acceptor = node(twin);
  Stranger stranger(context_, acceptor->transport.listening_at());
  stranger.send(wire::encode(hello_of(two)));
  ASSERT_TRUE(run_until([&] { return stranger.ended(); }));
  EXPECT_TRUE(acceptor->logged("both sides say that they are node 2"));
}

TEST_F(TcpRefusal, FormatsThatDoNotMeet) {
  TcpOptions newer = options(two);
  newer.self.min_format = 3;
  newer.self.max_format = 5;
  const auto dialler = node(one);
  const auto acceptor = node(newer);
  expect_refusal(*dialler, *acceptor, "node 1 reads formats 1 to 1, node 2 formats 3 to 5: upgrade the older");
}

TEST_F(TcpRefusal, FormatsThatOverlapAreFine) {
  TcpOptions newer = options(two);
  newer.self.max_format = 5;
  const auto dialler = node(one);
  const auto acceptor = node(newer);
  dialler->knows(two, acceptor->transport.listening_at());
  EXPECT_TRUE(deliver(*dialler, *acceptor, numbered(one, two, 1)));
}

Result<void> refuse_lost_disk(const wire::Hello& theirs) {
  if (theirs.incarnation == Incarnation(100 + theirs.node.value())) return {};
  return fail(ErrorCode::wrong_incarnation, "node " + std::to_string(theirs.node.value()) + " has lost its disk");
}

// The acceptor remembers its peer's incarnation.
TEST_F(TcpRefusal, ADiallerOfAnotherIncarnation) {
  TcpOptions lost = options(one);
  lost.self.incarnation = Incarnation(999);
  TcpOptions remembers = options(two);
  remembers.admit = refuse_lost_disk;
  const auto dialler = node(lost);
  const auto acceptor = node(remembers);
  expect_refusal(*dialler, *acceptor, "node 1 has lost its disk");
}

// And so does the dialler.
TEST_F(TcpRefusal, AnAcceptorOfAnotherIncarnation) {
  TcpOptions remembers = options(one);
  remembers.admit = refuse_lost_disk;
  TcpOptions lost = options(two);
  lost.self.incarnation = Incarnation(999);
  const auto dialler = node(remembers);
  const auto acceptor = node(lost);
  expect_refusal(*dialler, *acceptor, "node 2 has lost its disk");
}

// Whichever side dialled, the node that is refused is told who refuses it and with what code.
TEST_F(TcpRefusal, TheRefusedProgramIsTold) {
  std::vector<std::pair<NodeId, ErrorCode>> told;
  TcpOptions lost = options(one);
  lost.self.incarnation = Incarnation(999);
  lost.refused_by = [&](NodeId peer, const Error& why) { told.emplace_back(peer, why.code); };
  TcpOptions remembers = options(two);
  remembers.admit = refuse_lost_disk;
  const auto dialler = node(lost);
  const auto acceptor = node(remembers);
  dialler->knows(two, acceptor->transport.listening_at());
  ASSERT_TRUE(run_until([&] { return !told.empty(); }));
  EXPECT_EQ(told.front(), (std::pair{two, ErrorCode::wrong_incarnation}));

  dialler->transport.members(first_group, {});
  context_.restart();
  context_.poll();
  told.clear();
  acceptor->knows(one, dialler->transport.listening_at());
  ASSERT_TRUE(run_until([&] { return !told.empty(); }));
  EXPECT_EQ(told.front(), (std::pair{two, ErrorCode::wrong_incarnation}));
}

TEST_F(TcpRefusal, OneThatIsAdmittedLaterConnects) {
  bool admitted = false;
  TcpOptions choosy = options(two);
  choosy.admit = [&](const wire::Hello&) {
    return admitted ? Result<void>{} : fail(ErrorCode::wrong_incarnation, "not yet");
  };
  const auto dialler = node(one);
  const auto acceptor = node(choosy);
  expect_refusal(*dialler, *acceptor, "not yet");
  admitted = true;
  EXPECT_TRUE(deliver(*dialler, *acceptor, numbered(one, two, 1)));
}

// Refused again and again, it is said once in ten seconds.
TEST_F(TcpRefusal, TheLogIsNotFlooded) {
  TcpOptions other = options(two);
  other.self.cluster = ClusterId(0xbad);
  const auto dialler = node(one);
  const auto acceptor = node(other);
  dialler->knows(two, acceptor->transport.listening_at());
  ASSERT_TRUE(run_until([&] { return dialler->peer(two).refused >= 20; }));
  EXPECT_LE(dialler->lines.size(), 4u);
  EXPECT_LE(acceptor->lines.size(), 4u);
}

// Whoever it says it is: the name is the stranger's choice.
TEST_F(TcpRefusal, TheLogIsNotFloodedByNamesThatStrangersChoose) {
  const auto acceptor = node(one);
  constexpr std::uint64_t many = 20;
  for (std::uint64_t id = 2; id < 2 + many; ++id) {
    wire::Hello hello = hello_of(NodeId(id));
    hello.cluster = ClusterId(0xbad);
    Stranger stranger(context_, acceptor->transport.listening_at());
    stranger.send(wire::encode(hello));
    ASSERT_TRUE(run_until([&] { return stranger.ended(); }));
  }
  EXPECT_EQ(acceptor->transport.stats().refused, many);
  EXPECT_EQ(acceptor->lines.size(), 1u) << testing::PrintToString(acceptor->lines);
}

std::vector<std::byte> with_version(std::vector<std::byte> greeting, std::byte version) {
  constexpr std::size_t at_version = 5;
  greeting[at_version] = version;
  const std::size_t checked = greeting.size() - sizeof(std::uint64_t);
  wire::store(greeting.data() + checked, wire::checksum_of(ByteView(greeting).first(checked)));
  return greeting;
}

// scenario
TEST_F(TcpRefusal, ADiallerOfAnUnknownVersionIsToldSo) {
  const auto acceptor = node(two);
  Stranger stranger(context_, acceptor->transport.listening_at());
  stranger.send(with_version(wire::encode(hello_of(one)), std::byte{77}));
  ASSERT_TRUE(run_until([&] { return stranger.ended(); }));
  ASSERT_EQ(stranger.greetings().size(), 1u);
  const auto welcome = wire::decode_welcome(stranger.greetings()[0]);
  ASSERT_TRUE(welcome);
  EXPECT_EQ(welcome->refusal, ErrorCode::wrong_version);
  EXPECT_TRUE(acceptor->logged("version 77"));
  EXPECT_EQ(acceptor->transport.stats().refused, 1u);
}

TEST_F(TcpRefusal, AnAcceptorOfAnUnknownVersionIsLogged) {
  StrangersPort port(context_);
  const auto dialler = node(one);
  dialler->knows(two, port.address());
  ASSERT_TRUE(run_until([&] { return !port.callers.empty() && port.callers[0].greetings().size() == 1; }));
  EXPECT_EQ(wire::decode_hello(port.callers[0].greetings()[0])->expects, two);
  port.callers[0].send(with_version(wire::encode(wire::Welcome{}), std::byte{77}));
  ASSERT_TRUE(run_until([&] { return port.callers[0].ended(); }));
  EXPECT_TRUE(dialler->logged("version 77"));
  EXPECT_EQ(dialler->peer(two).undecodable, 1u);
}

TEST_F(TcpRefusal, AnAcceptorThatIsSlowToAnswerIsGivenUp) {
  StrangersPort port(context_);
  TcpOptions impatient = options(one);
  impatient.handshake_timeout = 20ms;
  const auto dialler = node(impatient);
  dialler->knows(two, port.address());
  dialler->send(numbered(one, two, 1));
  ASSERT_TRUE(run_until([&] { return port.callers.size() >= 2 && port.callers[0].ended(); }));
  EXPECT_TRUE(dialler->logged("no complete handshake within 0.02 s"));
  EXPECT_GT(dialler->receiver.unreachable(two), 0);
}

TEST_F(TcpRefusal, ADiallerThatIsSlowToSayWhoItIsIsGivenUp) {
  TcpOptions impatient = options(two);
  impatient.handshake_timeout = 20ms;
  const auto acceptor = node(impatient);
  Stranger silent(context_, acceptor->transport.listening_at());
  Stranger halfway(context_, acceptor->transport.listening_at());
  Stranger unanswering(context_, acceptor->transport.listening_at());
  const auto hello = wire::encode(hello_of(one));
  halfway.send(ByteView(hello).first(20));
  unanswering.send(hello);
  EXPECT_TRUE(run_until([&] { return silent.ended() && halfway.ended() && unanswering.ended(); }));
  EXPECT_TRUE(acceptor->logged("no complete handshake within 0.02 s"));
  EXPECT_EQ(acceptor->transport.stats().connections, 0u);
}

TEST_F(TcpRefusal, OfTooManyStrangersTheOldestGoes) {
  TcpOptions small = options(two);
  small.max_connections = 3;
  const auto acceptor = node(small);
  Stranger peer = admitted(*acceptor, one);
  ASSERT_TRUE(run_until([&] { return acceptor->transport.stats().connections == 1; }));
  Stranger first(context_, acceptor->transport.listening_at());
  Stranger second(context_, acceptor->transport.listening_at());
  ASSERT_TRUE(run_until([&] { return acceptor->transport.stats().connections == 3; }));
  Stranger third(context_, acceptor->transport.listening_at());
  ASSERT_TRUE(run_until([&] { return first.ended(); }));
  EXPECT_FALSE(peer.ended());
  EXPECT_FALSE(second.ended());
  EXPECT_FALSE(third.ended());
  EXPECT_EQ(acceptor->transport.stats().connections, 3u);
  EXPECT_TRUE(acceptor->logged("the most there may be"));
}

TEST_F(TcpRefusal, ThereMayBeTooManyPeersToo) {
  TcpOptions small = options(two);
  small.max_connections = 1;
  const auto acceptor = node(small);
  Stranger peer = admitted(*acceptor, one);
  acceptor->knows(one, "127.0.0.1:1");
  ASSERT_TRUE(run_until([&] { return acceptor->peer(one).heard; }));
  Stranger next(context_, acceptor->transport.listening_at());
  ASSERT_TRUE(run_until([&] { return next.ended(); }));
  EXPECT_FALSE(peer.ended());
  EXPECT_EQ(acceptor->transport.stats().refused, 1u);
}

}  // namespace
}  // namespace keel::test
