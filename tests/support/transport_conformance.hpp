#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "keel/port/executor.hpp"
#include "keel/port/transport.hpp"
#include "transport_messages.hpp"

// What every Transport must keep, as tests for any of them, yours too. Write a harness and instantiate the suite:
//
//   class MyHarness {
//    public:
//     // Brings up the transport of a node that is not up. It may be asked to bring up the same node again later.
//     Transport& start(NodeId node);
//     // Stops that node's transport and destroys it.
//     void stop(NodeId node);
//     // The node's executor; it lives as long as the harness.
//     Executor& executor(NodeId node);
//     // How the nodes that are up find each other: what a configuration would say.
//     std::vector<Member> members();
//     // Runs all executors until `condition` holds. False when it does not within the harness's patience, after which
//     // a test fails: be patient when time is real.
//     bool run_until(const std::function<bool()>& condition);
//     // So many messages without content, or so many bytes of entries, sent at once to one peer, overflow its queue.
//     std::size_t too_many_messages();
//     std::size_t too_many_bytes();
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Mine, TransportConformance, MyHarness);
//
// A transport may lose messages, so the suite sends again, every 20 ms of its executor's time, what has not arrived. Its
// entries are framed for `conformance_cluster`.

namespace keel::test {

template <class Harness>
class TransportConformance : public testing::Test {
 protected:
  static constexpr NodeId one{1}, two{2}, three{3};

  struct Node {
    Transport* transport = nullptr;
    std::map<GroupId, std::unique_ptr<RecordingReceiver>> receivers;
  };

  ~TransportConformance() override {
    for (auto& [id, node] : nodes_) {
      if (node.transport != nullptr) harness_.stop(id);
    }
  }

  void start(NodeId id) {
    nodes_[id].transport = &harness_.start(id);
    attach(id, first_group);
  }
  void start_all(std::vector<NodeId> ids) {
    for (const NodeId id : ids)
      start(id);
    introduce();
  }
  void stop(NodeId id) {
    harness_.stop(id);
    nodes_[id].transport = nullptr;
  }
  // Tells everybody who is there.
  void introduce() {
    const auto members = harness_.members();
    for (auto& [id, node] : nodes_) {
      if (node.transport == nullptr) continue;
      for (const auto& [group, receiver] : node.receivers) {
        call(id, [&, group = group](Transport& transport) { transport.members(group, members); });
      }
    }
  }
  RecordingReceiver& attach(NodeId id, GroupId group) {
    auto& receiver = nodes_[id].receivers[group];
    receiver = std::make_unique<RecordingReceiver>(inside_a_call_);
    call(id, [&](Transport& transport) { transport.attach(group, *receiver); });
    return *receiver;
  }
  RecordingReceiver& at(NodeId id, GroupId group = first_group) { return *nodes_[id].receivers.at(group); }

  void call(NodeId id, const std::function<void(Transport&)>& what) {
    inside_a_call_ = true;
    what(*nodes_[id].transport);
    inside_a_call_ = false;
  }
  void send(const std::vector<PeerMessage>& messages) {
    std::set<NodeId> senders;
    for (const PeerMessage& message : messages) {
      senders.insert(message.from);
      call(message.from, [&](Transport& transport) { transport.send(message); });
    }
    for (const NodeId id : senders)
      call(id, [](Transport& transport) { transport.flush(); });
  }

  bool run_until(const std::function<bool()>& condition) { return harness_.run_until(condition); }

  // Sends what `messages` returns, again and again, until `condition` holds.
  bool send_until(const std::function<std::vector<PeerMessage>()>& messages, const std::function<bool()>& condition) {
    Executor& clock = harness_.executor(one);
    TimerId timer{};
    std::function<void()> again = [&] {
      send(messages());
      timer = clock.at(clock.now() + std::chrono::milliseconds(20), again);
    };
    again();
    const bool held = run_until(condition);
    clock.cancel(timer);
    return held;
  }
  bool deliver(const std::vector<PeerMessage>& messages) {
    const auto missing = [&] {
      std::vector<PeerMessage> rest;
      for (const PeerMessage& message : messages) {
        if (!at(message.to, message.group).has(message)) rest.push_back(message);
      }
      return rest;
    };
    return send_until(missing, [&] { return missing().empty(); });
  }
  bool connect(NodeId a, NodeId b) { return deliver({numbered(a, b, ++number_), numbered(b, a, ++number_)}); }

  bool inside_a_call_ = false;
  std::uint64_t number_ = 0;
  Harness harness_;
  std::map<NodeId, Node> nodes_;
};

TYPED_TEST_SUITE_P(TransportConformance);

// mission: 2
TYPED_TEST_P(TransportConformance, EveryKindOfMessageArrivesUnchanged) {
  this->start_all({this->one, this->two});
  for (const PeerMessage& message : every_kind(this->one, this->two)) {
    EXPECT_TRUE(this->deliver({message})) << message.body.index();
  }
}

TYPED_TEST_P(TransportConformance, EntriesKeepTheirFrames) {
  this->start_all({this->one, this->two});
  const PeerMessage sent = with_entries(this->one, this->two, 3, 100);
  ASSERT_TRUE(this->deliver({sent}));
  const auto entries_of = [](const PeerMessage& message) {
    return std::get<AppendRequest>(std::get<Message>(message.body).body).entries;
  };
  const auto expected = entries_of(sent);
  const auto arrived = entries_of(this->at(this->two).messages().front());
  ASSERT_EQ(arrived.size(), expected.size());
  for (std::size_t i = 0; i < arrived.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(arrived[i].payload.frame(), expected[i].payload.frame()));
    EXPECT_EQ(wire::envelope_of(arrived[i].payload), wire::envelope_of(expected[i].payload));
  }
}

// scenario: C-21
TYPED_TEST_P(TransportConformance, SmallAndLargeMessagesArriveUnchanged) {
  this->start_all({this->one, this->two});
  EXPECT_TRUE(this->deliver({with_entries(this->one, this->two, 1, 1), with_entries(this->one, this->two, 1, 1u << 20),
                             with_entries(this->one, this->two, 700, 1000),
                             with_entries(this->one, this->two, 1, wire::max_payload_bytes)}));
}

TYPED_TEST_P(TransportConformance, ManyMessagesBothWaysBetweenThreeNodes) {
  this->start_all({this->one, this->two, this->three});
  std::vector<PeerMessage> messages;
  std::uint64_t number = 1000;
  for (const NodeId from : {this->one, this->two, this->three}) {
    for (const NodeId to : {this->one, this->two, this->three}) {
      for (int i = 0; from != to && i < 200; ++i)
        messages.push_back(numbered(from, to, ++number));
    }
  }
  EXPECT_TRUE(this->deliver(messages));
}

TYPED_TEST_P(TransportConformance, AReceiverMayAnswerFromWithinOnMessage) {
  this->start_all({this->one, this->two});
  this->at(this->two).then([&](const PeerMessage& message) {
    const auto& ping = std::get<Heartbeat>(std::get<Message>(message.body).body);
    this->send({raft_message(this->two, this->one, HeartbeatReply{.round = ping.round, .promise = {}})});
  });
  const auto answer = raft_message(this->two, this->one, HeartbeatReply{.round = 5, .promise = {}});
  EXPECT_TRUE(this->send_until([&] { return std::vector{numbered(this->one, this->two, 5)}; },
                               [&] { return this->at(this->one).has(answer); }));
}

TYPED_TEST_P(TransportConformance, EachGroupHasItsReceiver) {
  this->start_all({this->one, this->two});
  std::vector<PeerMessage> messages;
  for (std::uint64_t group = 1; group <= 50; ++group) {
    this->attach(this->two, GroupId(group));
    messages.push_back(numbered(this->one, this->two, group, GroupId(group)));
  }
  this->introduce();
  ASSERT_TRUE(this->deliver(messages));
  for (std::uint64_t group = 1; group <= 50; ++group) {
    for (const PeerMessage& message : this->at(this->two, GroupId(group)).messages()) {
      EXPECT_EQ(message.group, GroupId(group));
    }
  }
}

TYPED_TEST_P(TransportConformance, ADetachedReceiverIsNotCalled) {
  this->start_all({this->one, this->two});
  const GroupId second(2);
  this->attach(this->two, second);
  this->introduce();
  ASSERT_TRUE(this->deliver({numbered(this->one, this->two, 1, second)}));
  // Some are on their way when the receiver goes.
  for (std::uint64_t i = 0; i < 100; ++i)
    this->send({numbered(this->one, this->two, 100 + i, second)});
  const std::size_t before = this->at(this->two, second).messages().size();
  this->call(this->two, [&](Transport& transport) { transport.detach(second); });
  ASSERT_TRUE(this->connect(this->one, this->two));
  this->send({numbered(this->one, this->two, 2, second)});
  ASSERT_TRUE(this->connect(this->one, this->two));
  EXPECT_EQ(this->at(this->two, second).messages().size(), before);

  this->attach(this->two, second);
  this->introduce();
  EXPECT_TRUE(this->deliver({numbered(this->one, this->two, 3, second)}));
}

TYPED_TEST_P(TransportConformance, AReceiverMayDetachFromWithinOnMessage) {
  this->start_all({this->one, this->two});
  ASSERT_TRUE(this->connect(this->one, this->two));
  const std::size_t before = this->at(this->two).messages().size();
  this->at(this->two).then(
      [&](const PeerMessage&) { this->call(this->two, [&](Transport& transport) { transport.detach(first_group); }); });
  std::vector<PeerMessage> burst;
  for (std::uint64_t i = 0; i < 100; ++i)
    burst.push_back(numbered(this->one, this->two, 1000 + i));
  ASSERT_TRUE(this->send_until([&] { return burst; }, [&] { return this->at(this->two).messages().size() > before; }));
  const GroupId second(2);
  this->attach(this->two, second);
  this->introduce();
  ASSERT_TRUE(this->deliver({numbered(this->one, this->two, 1, second)}));  // behind the burst
  EXPECT_EQ(this->at(this->two).messages().size(), before + 1);
}

TYPED_TEST_P(TransportConformance, SendingToAPeerThatIsNotThereIsReported) {
  this->start_all({this->one, this->two});
  this->send({numbered(this->one, NodeId(99), 1)});
  EXPECT_TRUE(this->run_until([&] { return this->at(this->one).unreachable(NodeId(99)) > 0; }));
  EXPECT_EQ(this->at(this->one).unreachable(this->two), 0);
  EXPECT_TRUE(this->connect(this->one, this->two));
}

// hazard: H52 and H56: what a peer cannot take is not kept for it, and the sender learns of it.
TYPED_TEST_P(TransportConformance, AQueueThatOverflowsIsDroppedAndReported) {
  this->start_all({this->one, this->two});
  ASSERT_TRUE(this->connect(this->one, this->two));
  std::vector<PeerMessage> many(this->harness_.too_many_messages(), numbered(this->one, this->two, 1));
  this->send(many);  // nobody reads while we send
  EXPECT_TRUE(this->run_until([&] { return this->at(this->one).unreachable(this->two) > 0; }));
  EXPECT_TRUE(this->connect(this->one, this->two));
}

TYPED_TEST_P(TransportConformance, AQueueThatOverflowsInBytesIsDroppedAndReported) {
  this->start_all({this->one, this->two});
  ASSERT_TRUE(this->connect(this->one, this->two));
  const PeerMessage large = with_entries(this->one, this->two, 1, 1u << 20);
  this->send(std::vector<PeerMessage>(this->harness_.too_many_bytes() / (1u << 20) + 1, large));
  EXPECT_TRUE(this->run_until([&] { return this->at(this->one).unreachable(this->two) > 0; }));
  EXPECT_TRUE(this->connect(this->one, this->two));
}

TYPED_TEST_P(TransportConformance, NobodyIsCalledAfterStop) {
  this->start_all({this->one, this->two});
  ASSERT_TRUE(this->connect(this->one, this->two));
  for (std::uint64_t i = 0; i < 100; ++i) {
    this->send({numbered(this->one, this->two, 100 + i), numbered(this->two, this->one, 100 + i)});
  }
  this->send({numbered(this->two, NodeId(99), 1)});  // a report is due, too
  const std::size_t before = this->at(this->two).messages().size();
  this->stop(this->two);
  this->start(this->three);
  this->introduce();
  ASSERT_TRUE(this->connect(this->one, this->three));
  EXPECT_EQ(this->at(this->two).messages().size(), before);
  EXPECT_EQ(this->at(this->two).unreachable(NodeId(99)), 0);
}

TYPED_TEST_P(TransportConformance, ANodeThatComesBackIsReachedAgain) {
  this->start_all({this->one, this->two});
  ASSERT_TRUE(this->connect(this->one, this->two));
  for (int i = 0; i < 3; ++i) {
    this->stop(this->two);
    this->introduce();
    this->send({numbered(this->one, this->two, 1)});
    this->start(this->two);
    this->introduce();
    ASSERT_TRUE(this->connect(this->one, this->two));
  }
}

REGISTER_TYPED_TEST_SUITE_P(TransportConformance, EveryKindOfMessageArrivesUnchanged, EntriesKeepTheirFrames,
                            SmallAndLargeMessagesArriveUnchanged, ManyMessagesBothWaysBetweenThreeNodes,
                            AReceiverMayAnswerFromWithinOnMessage, EachGroupHasItsReceiver,
                            ADetachedReceiverIsNotCalled, AReceiverMayDetachFromWithinOnMessage,
                            SendingToAPeerThatIsNotThereIsReported, AQueueThatOverflowsIsDroppedAndReported,
                            AQueueThatOverflowsInBytesIsDroppedAndReported, NobodyIsCalledAfterStop,
                            ANodeThatComesBackIsReachedAgain);

}  // namespace keel::test
