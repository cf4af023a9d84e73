#include "keel/transport/in_process.hpp"

#include <gmock/gmock.h>

#include "keel/base/assert.hpp"
#include "test_executor.hpp"
#include "transport_conformance.hpp"

namespace keel::test {
namespace {

class InProcessHarness {
 public:
  Transport& start(NodeId node) {
    auto& transport = transports_[node];
    transport = std::make_unique<InProcessTransport>(exchange_, node, executor_, bound);
    return *transport;
  }
  void stop(NodeId node) { transports_.erase(node); }
  Executor& executor(NodeId) { return executor_; }
  std::vector<Member> members() {
    std::vector<Member> members;
    for (const auto& [id, transport] : transports_)
      members.push_back({.id = id});
    return members;
  }
  bool run_until(const std::function<bool()>& condition) {
    const Instant deadline = executor_.now() + std::chrono::minutes(1);
    executor_.run_until([&] { return condition() || executor_.now() > deadline; });
    return condition();
  }
  std::size_t too_many_messages() { return bound.max_queued_messages + 1; }
  std::size_t too_many_bytes() { return bound.max_queued_bytes + 1; }

 private:
  static constexpr InProcessOptions bound{.max_queued_messages = 1000, .max_queued_bytes = 32u << 20};

  TestExecutor executor_;
  Exchange exchange_;
  std::map<NodeId, std::unique_ptr<InProcessTransport>> transports_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(InProcess, TransportConformance, InProcessHarness);

class InProcess : public testing::Test {
 protected:
  InProcessTransport transport(std::uint64_t node) {
    return {exchange_, NodeId(node), executor_, {.max_queued_messages = 10}};
  }

  bool inside_a_call_ = false;
  TestExecutor executor_;
  Exchange exchange_;
};

// Within its bound, this one loses nothing and keeps the order.
TEST_F(InProcess, KeepsTheOrderOfASender) {
  auto one = transport(1);
  auto two = transport(2);
  RecordingReceiver receiver(inside_a_call_);
  two.attach(first_group, receiver);
  for (std::uint64_t i = 0; i < 10; ++i)
    one.send(numbered(NodeId(1), NodeId(2), i));
  one.flush();
  executor_.run_ready();
  ASSERT_EQ(receiver.messages().size(), 10u);
  for (std::uint64_t i = 0; i < 10; ++i)
    EXPECT_EQ(receiver.messages()[i], numbered(NodeId(1), NodeId(2), i));
}

TEST_F(InProcess, AnOverflowTakesOnlyThatSendersMessages) {
  auto one = transport(1);
  auto two = transport(2);
  auto three = transport(3);
  RecordingReceiver at_one(inside_a_call_);
  RecordingReceiver at_two(inside_a_call_);
  RecordingReceiver at_three(inside_a_call_);
  one.attach(first_group, at_one);
  two.attach(first_group, at_two);
  three.attach(first_group, at_three);
  three.send(numbered(NodeId(3), NodeId(2), 77));
  for (std::uint64_t i = 0; i < 13; ++i)
    one.send(numbered(NodeId(1), NodeId(2), i));
  one.flush();
  three.flush();
  executor_.run_ready();
  EXPECT_THAT(at_two.messages(),
              testing::UnorderedElementsAre(numbered(NodeId(3), NodeId(2), 77), numbered(NodeId(1), NodeId(2), 11),
                                            numbered(NodeId(1), NodeId(2), 12)));
  EXPECT_EQ(at_one.unreachable(NodeId(2)), 1);
  EXPECT_EQ(at_three.unreachable(NodeId(2)), 0);
}

TEST_F(InProcess, TwoTransportsForOneNodeAreAMistake) {
  auto one = transport(1);
  EXPECT_THROW(transport(1), InvariantBroken);
}

}  // namespace
}  // namespace keel::test
