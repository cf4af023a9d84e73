#include <array>
#include <atomic>
#include <memory>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <gtest/gtest.h>

#include "keel/asio/executor.hpp"
#include "keel/transport/in_process.hpp"
#include "transport_messages.hpp"

namespace keel {
namespace {

// A node on a thread of its own that passes each message on to the next node, until it has gone far enough.
class Runner final : public TransportReceiver {
 public:
  Runner(Exchange& exchange, std::uint64_t id, std::uint64_t nodes, std::atomic<int>& arrived)
      : id_(id), next_(id % nodes + 1), arrived_(arrived), transport_(exchange, NodeId(id), executor_) {
    transport_.attach(test::first_group, *this);
  }

  void start(std::uint64_t messages, std::uint64_t hops) {
    thread_ = std::jthread([this] { context_.run(); });
    executor_.post([=, this] {
      for (std::uint64_t i = 0; i < messages; ++i)
        pass_on(hops);
    });
  }

  void on_message(PeerMessage message) override {
    const auto hops_left = std::get<Heartbeat>(std::get<Message>(message.body).body).round;
    if (hops_left == 0) {
      if (--arrived_ == 0) arrived_.notify_all();
    } else {
      pass_on(hops_left - 1);
    }
  }
  void on_unreachable(NodeId) override { ADD_FAILURE(); }

  void stop() {
    executor_.post([this] {
      transport_.stop();
      work_.reset();
    });
    thread_.join();
  }

 private:
  void pass_on(std::uint64_t hops_left) {
    transport_.send(test::numbered(NodeId(id_), NodeId(next_), hops_left));
    transport_.flush();
  }

  std::uint64_t id_;
  std::uint64_t next_;
  std::atomic<int>& arrived_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  AsioExecutor executor_{context_};
  InProcessTransport transport_;
  std::jthread thread_;
};

TEST(InProcessThreads, NodesMayLiveOnThreadsOfTheirOwn) {
  constexpr std::uint64_t messages = 50;
  constexpr std::uint64_t hops = 100;
  std::atomic<int> arrived = 3 * messages;
  Exchange exchange;
  std::array<std::unique_ptr<Runner>, 3> nodes;
  for (std::uint64_t i = 0; i < 3; ++i)
    nodes[i] = std::make_unique<Runner>(exchange, i + 1, 3, arrived);
  for (auto& node : nodes)
    node->start(messages, hops);
  for (int left = arrived; left != 0; left = arrived)
    arrived.wait(left);
  for (auto& node : nodes)
    node->stop();
}

// A node that leaves while others send to it: none of their deliveries touches what is gone.
TEST(InProcessThreads, ANodeMayLeaveWhileOthersSend) {
  class Silent final : public TransportReceiver {
    void on_message(PeerMessage) override {}
    void on_unreachable(NodeId) override {}
  };
  Exchange exchange;
  std::atomic<bool> leaving = false;
  std::jthread sender([&] {
    boost::asio::io_context context;
    AsioExecutor executor(context);
    InProcessTransport transport(exchange, NodeId(1), executor, {.max_queued_messages = 100});
    while (!leaving) {
      transport.send(test::numbered(NodeId(1), NodeId(2), 1));
      transport.flush();
    }
  });
  for (int i = 0; i < 200; ++i) {
    Silent receiver;
    boost::asio::io_context context;
    AsioExecutor executor(context);
    InProcessTransport transport(exchange, NodeId(2), executor);
    transport.attach(test::first_group, receiver);
    context.poll();
  }
  leaving = true;
}

}  // namespace
}  // namespace keel
