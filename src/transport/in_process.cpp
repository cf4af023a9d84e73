#include "keel/transport/in_process.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "keel/base/assert.hpp"

namespace keel {

namespace {

std::size_t bytes_of(const PeerMessage& message) {
  if (const auto* forward = std::get_if<ForwardRequest>(&message.body)) return forward->command.size();
  const auto* raft = std::get_if<Message>(&message.body);
  const auto* append = raft == nullptr ? nullptr : std::get_if<AppendRequest>(&raft->body);
  std::size_t bytes = 0;
  if (append != nullptr) {
    for (const Entry& entry : append->entries)
      bytes += entry.payload.size();
  }
  return bytes;
}

// What waits at one receiver from one sender.
struct Lane {
  std::vector<PeerMessage> messages;
  std::size_t bytes = 0;
};

}  // namespace

// Everybody's inbox. The lock is held while a delivery is posted, so that no task reaches an executor whose node has
// left; it is never held while a receiver runs.
class Exchange::Inboxes {
 public:
  void open(NodeId node, Executor& executor, std::function<void()> deliver) {
    const std::lock_guard lock(mutex_);
    const bool added = inboxes_.try_emplace(node, Inbox{&executor, std::move(deliver), {}, false}).second;
    KEEL_ASSERT(added, "one transport a node at a time");
  }

  void close(NodeId node) {
    const std::lock_guard lock(mutex_);
    inboxes_.erase(node);
  }

  // False when it was dropped, and all that waited before it.
  bool put(PeerMessage message, const InProcessOptions& bound) {
    const std::lock_guard lock(mutex_);
    const auto inbox = inboxes_.find(message.to);
    if (inbox == inboxes_.end()) return false;
    Lane& lane = inbox->second.lanes[message.from];
    lane.bytes += bytes_of(message);
    if (lane.messages.size() >= bound.max_queued_messages || lane.bytes > bound.max_queued_bytes) {
      lane = {};
      return false;
    }
    lane.messages.push_back(std::move(message));
    return true;
  }

  void ring(NodeId node) {
    const std::lock_guard lock(mutex_);
    const auto found = inboxes_.find(node);
    if (found == inboxes_.end()) return;
    Inbox& inbox = found->second;
    if (!std::exchange(inbox.rung, true)) inbox.executor->post(inbox.deliver);
  }

  [[nodiscard]] std::map<NodeId, Lane> take(NodeId node) {
    const std::lock_guard lock(mutex_);
    Inbox& inbox = inboxes_.at(node);
    inbox.rung = false;
    return std::exchange(inbox.lanes, {});
  }

 private:
  struct Inbox {
    Executor* executor;
    std::function<void()> deliver;
    std::map<NodeId, Lane> lanes;
    bool rung = false;  // a delivery is on its way
  };

  std::mutex mutex_;
  std::map<NodeId, Inbox> inboxes_;
};

Exchange::Exchange() : inboxes_(std::make_shared<Inboxes>()) {}

// One node's side; on its executor alone.
class InProcessTransport::Port : public std::enable_shared_from_this<Port> {
 public:
  Port(std::shared_ptr<Exchange::Inboxes> inboxes, NodeId self, Executor& executor, InProcessOptions options)
      : inboxes_(std::move(inboxes)), self_(self), executor_(executor), options_(options) {}

  void open() {
    inboxes_->open(self_, executor_, [port = weak_from_this()] {
      if (const auto self = port.lock()) self->deliver();
    });
  }

  void stop() {
    if (std::exchange(stopped_, true)) return;
    inboxes_->close(self_);
    receivers_.clear();
  }

  void attach(GroupId group, TransportReceiver& receiver) { receivers_[group] = &receiver; }
  void detach(GroupId group) { receivers_.erase(group); }

  void send(PeerMessage message) {
    if (stopped_) return;
    const NodeId to = message.to;
    if (inboxes_->put(std::move(message), options_)) {
      unflushed_.insert(to);
    } else {
      report(to);
    }
  }

  void flush() {
    for (const NodeId peer : unflushed_)
      inboxes_->ring(peer);
    unflushed_.clear();
  }

 private:
  void deliver() {
    if (stopped_) return;
    for (auto& [from, lane] : inboxes_->take(self_)) {
      for (PeerMessage& message : lane.messages) {
        const auto receiver = receivers_.find(message.group);
        if (receiver != receivers_.end()) receiver->second->on_message(std::move(message));
      }
    }
  }

  void report(NodeId peer) {
    if (!unreachable_.insert(peer).second || unreachable_.size() > 1) return;
    executor_.post([port = weak_from_this()] {
      if (const auto self = port.lock()) self->tell_unreachable();
    });
  }

  void tell_unreachable() {
    for (const NodeId peer : std::exchange(unreachable_, {})) {
      const auto attached = receivers_;  // a receiver may attach and detach
      for (const auto& [group, was] : attached) {
        if (const auto now = receivers_.find(group); now != receivers_.end()) now->second->on_unreachable(peer);
      }
    }
  }

  std::shared_ptr<Exchange::Inboxes> inboxes_;
  NodeId self_;
  Executor& executor_;
  InProcessOptions options_;
  std::map<GroupId, TransportReceiver*> receivers_;
  std::set<NodeId> unflushed_;
  std::set<NodeId> unreachable_;  // to be told; not empty: a task is on its way
  bool stopped_ = false;
};

InProcessTransport::InProcessTransport(Exchange& exchange, NodeId self, Executor& executor, InProcessOptions options)
    : port_(std::make_shared<Port>(exchange.inboxes_, self, executor, options)) {
  port_->open();
}

InProcessTransport::~InProcessTransport() { stop(); }

void InProcessTransport::attach(GroupId group, TransportReceiver& receiver) { port_->attach(group, receiver); }
void InProcessTransport::detach(GroupId group) { port_->detach(group); }
void InProcessTransport::send(PeerMessage message) { port_->send(std::move(message)); }
void InProcessTransport::flush() { port_->flush(); }
void InProcessTransport::members(GroupId, std::span<const Member>) {}  // who is there shows at the exchange
void InProcessTransport::stop() { port_->stop(); }

}  // namespace keel
