// Connections that come and go: addresses, restarts, slow readers, stopping.

#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tcp_nodes.hpp"

namespace keel::test {
namespace {

using namespace std::chrono_literals;

class Tcp : public TcpTest {
 protected:
  // An address of this process's own, so that a port there stays free while nobody listens.
  static std::string own_host() {
    const auto pid = static_cast<unsigned>(getpid());
    return "127." + std::to_string(100 + (pid >> 16) % 100) + "." + std::to_string((pid >> 8) & 0xff) + "." +
           std::to_string(pid & 0xff);
  }
};

TEST_F(Tcp, APortThatIsTakenIsNamed) {
  const auto first = node(one);
  TcpNode second(executor_, options(two));
  const auto listening = second.transport.listen(first->transport.listening_at());
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, ErrorCode::io);
  EXPECT_EQ(listening.error().message,
            "cannot listen at " + first->transport.listening_at() +
                ": Address already in use: another program has this port; stop it or choose another port");
  EXPECT_EQ(second.transport.listening_at(), "");
  EXPECT_TRUE(second.transport.listen("127.0.0.1:0"));
}

TEST_F(Tcp, WhatIsNoAddressIsNamed) {
  TcpNode node(executor_, options(one));
  for (const char* address :
       {"", "7101", "host:", ":7101", "host:99999", "host:port", "::1:7101", "host:7101x", "[]:1"}) {
    const auto listening = node.transport.listen(address);
    ASSERT_FALSE(listening) << address;
    EXPECT_EQ(listening.error().code, ErrorCode::invalid) << address;
    EXPECT_NE(listening.error().message.find("write host:port"), std::string::npos) << address;
  }
  const auto elsewhere = node.transport.listen("192.0.2.1:0");  // TEST-NET-1: nobody's
  ASSERT_FALSE(elsewhere);
  EXPECT_NE(elsewhere.error().message.find("no interface of this machine"), std::string::npos);
}

TEST_F(Tcp, ATransportListensOnce) {
  const auto listening = node(one);
  const std::string address = listening->transport.listening_at();
  for (const char* another : {"127.0.0.1:0", "192.0.2.1:0"}) {
    const auto again = listening->transport.listen(another);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, ErrorCode::exists);
    EXPECT_EQ(again.error().message, std::string("cannot listen at ") + another + ": this transport listens at " +
                                         address + " already, and a transport has one address");
  }
  EXPECT_EQ(listening->transport.listening_at(), address);
  Stranger stranger(context_, address);
  EXPECT_TRUE(run_until([&] { return listening->transport.stats().connections == 1; }));
}

TEST_F(Tcp, NamesAndIPv6Work) {
  const auto sender = node(one);
  const auto by_name = node(options(two), "localhost:0");
  const std::string address = by_name->transport.listening_at();
  sender->knows(two, "localhost:" + address.substr(address.rfind(':') + 1));
  EXPECT_TRUE(deliver(*sender, *by_name, numbered(one, two, 1)));

  TcpNode v6(executor_, options(NodeId(3)));
  if (!v6.transport.listen("[::1]:0")) GTEST_SKIP() << "this machine has no IPv6";
  EXPECT_TRUE(v6.transport.listening_at().starts_with("[::1]:"));
  sender->knows(NodeId(3), v6.transport.listening_at());
  EXPECT_TRUE(deliver(*sender, v6, numbered(one, NodeId(3), 1)));
}

// mission: 9
TEST_F(Tcp, AnAddressCanBeOverridden) {
  const auto receiver = node(two);
  TcpOptions overriding = options(one);
  overriding.addresses[two] = receiver->transport.listening_at();
  const auto sender = node(overriding);
  sender->knows(two, "no such host:1");
  EXPECT_TRUE(deliver(*sender, *receiver, numbered(one, two, 1)));
}

TEST_F(Tcp, AnAddressThatLeadsNowhereIsTriedAgainAndNamed) {
  const auto sender = node(one);
  sender->knows(two, "not an address");
  ASSERT_TRUE(
      run_until([&] { return sender->logged("cannot reach node 2 at not an address: 'not an address' is not an "); }));
  sender->knows(two, own_host() + ":1");
  ASSERT_TRUE(run_until([&] {
    sender->send(numbered(one, two, 1));
    return sender->receiver.unreachable(two) > 3;
  }));
  EXPECT_FALSE(sender->peer(two).connected);
  EXPECT_GT(sender->peer(two).dropped_messages, 0u);
}

// mission: 9: a node moves without a membership change.
TEST_F(Tcp, APeerMayMove) {
  const auto sender = node(one);
  auto receiver = node(two);
  sender->knows(two, receiver->transport.listening_at());
  ASSERT_TRUE(deliver(*sender, *receiver, numbered(one, two, 1)));
  const auto moved = node(two);
  sender->knows(two, moved->transport.listening_at());
  EXPECT_TRUE(deliver(*sender, *moved, numbered(one, two, 2)));
  EXPECT_EQ(sender->peer(two).connects, 2u);
}

TEST_F(Tcp, APeerThatNobodyNamesAnyMoreIsLeft) {
  const auto sender = node(one);
  auto receiver = node(two);
  sender->knows(two, receiver->transport.listening_at());
  ASSERT_TRUE(deliver(*sender, *receiver, numbered(one, two, 1)));
  sender->transport.members(first_group, {});
  EXPECT_TRUE(run_until([&] { return receiver->transport.stats().connections == 0; }));
  sender->send(numbered(one, two, 2));
  EXPECT_TRUE(run_until([&] { return sender->receiver.unreachable(two) > 0; }));
}

TEST_F(Tcp, GroupsShareOneConnection) {
  const auto sender = node(one);
  auto receiver = node(two);
  const std::vector<Member> members{{.id = two, .address = receiver->transport.listening_at()}};
  for (std::uint64_t group = 1; group <= 100; ++group)
    sender->transport.members(GroupId(group), members);
  ASSERT_TRUE(deliver(*sender, *receiver, numbered(one, two, 1)));
  EXPECT_EQ(receiver->transport.stats().connections, 1u);
  sender->transport.members(first_group, {});  // the others still name it
  EXPECT_TRUE(deliver(*sender, *receiver, numbered(one, two, 2)));
  EXPECT_EQ(sender->peer(two).connects, 1u);
}

TEST_F(Tcp, APeerThatRestartsIsReachedAgain) {
  const auto sender = node(one);
  auto receiver = node(options(two), own_host() + ":0");
  const std::string address = receiver->transport.listening_at();
  sender->knows(two, address);
  ASSERT_TRUE(deliver(*sender, *receiver, numbered(one, two, 1)));
  for (std::uint64_t round = 2; round < 5; ++round) {
    receiver.reset();
    ASSERT_TRUE(run_until([&] { return !sender->peer(two).connected && sender->receiver.unreachable(two) > 0; }));
    receiver = node(options(two), address);
    ASSERT_TRUE(deliver(*sender, *receiver, numbered(one, two, round)));
    EXPECT_EQ(sender->peer(two).connects, round);
  }
}

// However long the backoff has become: whoever dials us is there.
// One that accepts, completes the handshake and then closes, again and again, is dialled ever more seldom.
TEST_F(Tcp, APeerThatClosesAtOnceIsDialledMoreAndMoreSeldom) {
  TcpOptions patient = options(one);
  patient.max_backoff = std::chrono::seconds(10);
  const auto dialler = node(patient);
  StrangersPort port(context_);
  dialler->knows(two, port.address());
  const auto start = executor_.now();
  constexpr std::size_t rounds = 8;
  for (std::size_t round = 1; round <= rounds; ++round) {
    ASSERT_TRUE(run_until([&] { return port.callers.size() == round; }));
    Stranger& caller = port.callers.back();
    auto greeting = wire::encode(wire::Welcome{});
    const auto hello = wire::encode(hello_of(two));
    greeting.insert(greeting.end(), hello.begin(), hello.end());
    caller.send(greeting);
    ASSERT_TRUE(run_until([&] { return dialler->peer(two).connects == round; }));
    caller.close();
  }
  // At least half of 1, 2, 4, ... 64 ms between them.
  EXPECT_GE(executor_.now() - start, std::chrono::milliseconds(((1 << (rounds - 1)) - 1) / 2));
}

TEST_F(Tcp, APeerThatDialsUsIsDialledAtOnce) {
  TcpOptions patient = options(one);
  patient.min_backoff = 1h;
  patient.max_backoff = 1h;
  const auto sender = node(patient);
  auto receiver = node(options(two), own_host() + ":0");
  const std::string address = receiver->transport.listening_at();
  receiver.reset();
  sender->knows(two, address);
  ASSERT_TRUE(run_until([&] { return sender->logged("cannot reach node 2"); }));
  receiver = node(options(two), address);
  receiver->knows(one, sender->transport.listening_at());
  EXPECT_TRUE(deliver(*sender, *receiver, numbered(one, two, 1)));
}

TEST_F(Tcp, ANewerConnectionOfAPeerReplacesItsOlderOne) {
  const auto receiver = node(two);
  Stranger older = admitted(*receiver, one);
  Stranger newer = admitted(*receiver, one);
  EXPECT_TRUE(run_until([&] { return older.ended(); }));
  EXPECT_FALSE(newer.ended());
  EXPECT_EQ(receiver->transport.stats().connections, 1u);
}

// What is queued while the connection comes up is sent once it is there.
TEST_F(Tcp, NothingIsLostWhileTheConnectionComesUp) {
  const auto sender = node(one);
  const auto receiver = node(two);
  sender->knows(two, receiver->transport.listening_at());
  for (std::uint64_t i = 0; i < 1000; ++i)
    sender->send(numbered(one, two, i));
  ASSERT_TRUE(run_until([&] { return receiver->receiver.messages().size() == 1000; }));
  for (std::uint64_t i = 0; i < 1000; ++i)
    EXPECT_EQ(receiver->receiver.messages()[i], numbered(one, two, i));
  EXPECT_EQ(sender->receiver.unreachable(two), 0);
}

// Small and large, so that writes end in the middle of pieces and reads in the middle of messages.
TEST_F(Tcp, AConnectionLosesNothingAndKeepsTheOrder) {
  const auto sender = node(one);
  const auto receiver = node(two);
  sender->knows(two, receiver->transport.listening_at());
  std::vector<PeerMessage> sent;
  for (std::uint64_t i = 0; i < 300; ++i) {
    sent.push_back(numbered(one, two, i));
    sent.push_back(with_entries(one, two, i % 70, 10 * i));
    if (i % 50 == 0) sent.push_back(with_entries(one, two, 2, 300'000));
  }
  std::size_t next = 0;
  const auto all_arrived = [&] {
    for (int i = 0; i < 20 && next < sent.size(); ++i)
      sender->transport.send(sent[next++]);
    sender->transport.flush();
    return receiver->receiver.messages().size() == sent.size();
  };
  ASSERT_TRUE(run_until(all_arrived));
  EXPECT_EQ(receiver->receiver.messages(), sent);

  const auto from = sender->peer(two);
  EXPECT_EQ(from.sent_messages, sent.size());
  EXPECT_EQ(from.dropped_messages, 0u);
  EXPECT_EQ(from.queued_bytes, 0u);
  EXPECT_EQ(receiver->transport.stats().peers.back().received_messages, sent.size());  // node 2 knows no peers
  EXPECT_EQ(receiver->transport.stats().peers.back().received_bytes, from.sent_bytes);
}

// hazard: H52, H56
TEST_F(Tcp, APeerThatDoesNotReadCostsNoMoreThanTheBound) {
  TcpOptions bounded = options(one);
  bounded.max_queued_bytes = 4u << 20;
  const auto sender = node(bounded);
  boost::asio::ip::tcp::acceptor deaf(context_, {boost::asio::ip::make_address("127.0.0.1"), 0});
  sender->knows(two, "127.0.0.1:" + std::to_string(deaf.local_endpoint().port()));
  Stranger::Socket peer = deaf.accept();
  const auto welcome = wire::encode(wire::Welcome{});
  const auto hello = wire::encode(hello_of(two));
  boost::asio::write(peer, boost::asio::buffer(welcome));
  boost::asio::write(peer, boost::asio::buffer(hello));
  ASSERT_TRUE(run_until([&] { return sender->peer(two).connected; }));

  const PeerMessage large = with_entries(one, two, 1, 1u << 20);
  for (int i = 0; i < 100; ++i) {
    sender->send(large);
    context_.restart();
    context_.poll();
    EXPECT_LE(sender->peer(two).queued_bytes, 2 * (bounded.max_queued_bytes + (2u << 20)));
  }
  EXPECT_GE(sender->receiver.unreachable(two), 3);
  EXPECT_TRUE(sender->peer(two).connected);
}

#ifdef __linux__
// A peer whose machine is gone, or that takes nothing for long: its connection is not waited for.
TEST_F(Tcp, AConnectionThatTakesNothingForLongIsGivenUp) {
  TcpOptions impatient = options(one);
  impatient.unacknowledged_timeout = 50ms;
  const auto sender = node(impatient);
  boost::asio::ip::tcp::acceptor deaf(context_, {boost::asio::ip::make_address("127.0.0.1"), 0});
  sender->knows(two, "127.0.0.1:" + std::to_string(deaf.local_endpoint().port()));
  Stranger::Socket peer = deaf.accept();
  const auto welcome = wire::encode(wire::Welcome{});
  const auto hello = wire::encode(hello_of(two));
  boost::asio::write(peer, boost::asio::buffer(welcome));
  boost::asio::write(peer, boost::asio::buffer(hello));
  ASSERT_TRUE(run_until([&] { return sender->peer(two).connected; }));
  sender->send(with_entries(one, two, 1, 15u << 20));
  EXPECT_TRUE(run_until([&] { return !sender->peer(two).connected; }));
  EXPECT_TRUE(sender->logged("has ended: Connection timed out"));
}
#endif

TEST_F(Tcp, AMessageThatIsTooLargeIsDroppedAndNamed) {
  const auto sender = node(one);
  const auto receiver = node(two);
  sender->knows(two, receiver->transport.listening_at());
  sender->send(with_entries(one, two, 3, 8u << 20));
  EXPECT_TRUE(sender->logged("dropped a message: a message of 25"));
  EXPECT_EQ(sender->peer(two).dropped_messages, 1u);
  EXPECT_TRUE(deliver(*sender, *receiver, numbered(one, two, 1)));
}

// Out of file descriptors: said, and accepted when there are some again.
TEST_F(Tcp, AcceptingGoesOnAfterItHasFailed) {
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
  GTEST_SKIP() << "the sanitizer looks at objects through a pipe, and here is no descriptor for one";
#endif
#endif
  const auto acceptor = node(two);
  Stranger stranger(context_, acceptor->transport.listening_at());
  const int next = dup(0);  // every number below it is taken
  close(next);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none_left{static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none_left), 0);
  const bool said = run_until([&] { return acceptor->logged("cannot accept a connection: Too many open files"); });
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(said);
  EXPECT_TRUE(run_until([&] { return acceptor->transport.stats().connections == 1; }));
}

TEST_F(Tcp, StoppingClosesEverySocket) {
  const auto stopping = node(options(two), own_host() + ":0");
  const std::string address = stopping->transport.listening_at();
  StrangersPort port(context_);
  stopping->knows(one, port.address());
  Stranger peer = admitted(*stopping, one);
  Stranger stranger(context_, address);
  ASSERT_TRUE(run_until([&] { return !port.callers.empty() && stopping->transport.stats().connections == 2; }));
  const auto lines = stopping->lines.size();
  stopping->transport.stop();
  stopping->transport.stop();
  EXPECT_TRUE(run_until([&] { return peer.ended() && stranger.ended() && port.callers[0].ended(); }));
  EXPECT_THROW(Stranger(context_, address), boost::system::system_error);
  EXPECT_EQ(stopping->lines.size(), lines);
  EXPECT_EQ(stopping->transport.listening_at(), "");
  EXPECT_EQ(stopping->transport.listen("127.0.0.1:0").error().code, ErrorCode::stopping);

  stopping->send(numbered(two, one, 1));
  stopping->knows(one, port.address());
  stopping->transport.detach(first_group);
  context_.restart();
  context_.poll();
  EXPECT_EQ(port.callers.size(), 1u);
  EXPECT_EQ(stopping->receiver.unreachable(one), 0);
}

// Each of the groups that share a transport detaches in its own time, perhaps after another has stopped it.
TEST_F(Tcp, AStoppedTransportDialsNobodyWhenAGroupDetaches) {
  constexpr GroupId second_group(2);
  const auto stopping = node(two);
  StrangersPort port(context_);
  const std::vector<Member> members{{.id = one, .address = port.address()}};
  stopping->transport.members(first_group, members);
  stopping->transport.members(second_group, members);
  ASSERT_TRUE(run_until([&] { return port.callers.size() == 1; }));
  stopping->transport.stop();
  ASSERT_TRUE(run_until([&] { return port.callers[0].ended(); }));
  stopping->transport.detach(first_group);
  stopping->transport.detach(second_group);
  EXPECT_EQ(stopping->transport.stats().peers.size(), 1u);  // nobody but the nameless
  context_.restart();
  context_.poll();
  EXPECT_EQ(port.callers.size(), 1u);
}

TEST_F(Tcp, AReceiverMayStopTheTransport) {
  const auto sender = node(one);
  const auto receiver = node(two);
  sender->knows(two, receiver->transport.listening_at());
  receiver->receiver.then([&](const PeerMessage&) { receiver->transport.stop(); });
  for (std::uint64_t i = 0; i < 100; ++i)
    sender->transport.send(numbered(one, two, i));
  sender->transport.flush();
  ASSERT_TRUE(run_until([&] { return sender->peer(two).connects > 0 && !sender->peer(two).connected; }));
  EXPECT_EQ(receiver->receiver.messages().size(), 1u);
}

// Handlers and timers that wait in the loop find the transport gone.
TEST_F(Tcp, ATransportMayGoWhileMuchIsUnderWay) {
  auto receiver = node(two);
  for (int i = 0; i < 50; ++i) {
    auto sender = node(one);
    sender->knows(two, i % 3 == 0 ? own_host() + ":1" : receiver->transport.listening_at());
    receiver->knows(one, sender->transport.listening_at());
    sender->send(with_entries(one, two, 1, 1u << 20));
    context_.restart();
    for (int turns = 0; turns < i; ++turns)
      context_.poll_one();
  }
  receiver.reset();
  context_.restart();
  context_.poll();
}

// scenario: none of its own; what production looks like: each node on a thread of its own.
TEST(TcpThreads, NodesOnThreadsOfTheirOwn) {
  struct Process {
    explicit Process(NodeId id) : node(executor, TcpOptions{.self = hello_of(id)}) {
      EXPECT_TRUE(node.transport.listen("127.0.0.1:0"));
    }
    boost::asio::io_context context{1};
    AsioExecutor executor{context};
    TcpNode node;
  };
  constexpr std::uint64_t rounds = 2000;
  Process left(NodeId(1));
  Process right(NodeId(2));
  left.node.knows(NodeId(2), right.node.transport.listening_at());
  right.node.knows(NodeId(1), left.node.transport.listening_at());
  right.node.receiver.then([&](const PeerMessage& message) {
    const auto round = std::get<Heartbeat>(std::get<Message>(message.body).body).round;
    right.node.send(numbered(NodeId(2), NodeId(1), round));
    if (round == rounds) right.executor.post([&] { right.context.stop(); });
  });
  left.node.receiver.then([&](const PeerMessage& message) {
    const auto round = std::get<Heartbeat>(std::get<Message>(message.body).body).round;
    left.node.send(numbered(NodeId(1), NodeId(2), round + 1));
  });
  left.node.send(numbered(NodeId(1), NodeId(2), 1));
  std::jthread other([&] {
    right.context.run();
    left.executor.post([&] { left.context.stop(); });
  });
  left.context.run();
  other.join();
  EXPECT_EQ(right.node.receiver.messages().size(), rounds);
}

}  // namespace
}  // namespace keel::test
