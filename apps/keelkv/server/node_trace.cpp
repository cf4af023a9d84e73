#include "keelkv/server/node_trace.hpp"

#include <chrono>

#include <fmt/format.h>

namespace keel {

namespace {

sim::NodeView view_of(const NodeStatus& status) {
  const RaftStatus& raft = status.raft;
  sim::NodeView view;
  view.id = raft.id;
  view.up = true;
  view.failed = status.state == NodeState::failed;
  view.role = raft.role;
  view.pre_vote = raft.pre_vote;
  view.ready = raft.ready;
  view.term = raft.term;
  view.vote = raft.vote;
  view.leader = raft.leader;
  view.commit = raft.commit;
  view.last = raft.last;
  view.stable = raft.stable;
  view.applied = raft.applied;
  return view;
}

}  // namespace

std::string NodeTrace::first_line(NodeId self) {
  return sim::json_begin(fmt::format("node {}", self.value()), std::chrono::system_clock::now().time_since_epoch());
}

NodeTrace::NodeTrace(std::unique_ptr<TraceFile> file, NodeId self, Executor& executor)
    : file_(std::move(file)), self_(self), executor_(executor), begin_(executor.now()) {
  told_.id = self;
  life("start");
}

sim::SimTime NodeTrace::now() const { return sim::SimTime(executor_.now() - begin_); }

void NodeTrace::life(std::string_view name, std::string_view text) {
  write({.at = now(), .kind = sim::TraceKind::life, .node = self_, .name = name, .text = text});
}

void NodeTrace::watch(Node& node) {
  node_ = &node;
  look();
  node.add_observer(*this);
}

// What has become of the node since it was last told.
void NodeTrace::look() {
  if (node_ == nullptr) return;
  const sim::NodeView view = view_of(node_->status());
  if (sim::looks_like(view, told_)) return;
  told_ = view;
  write({.at = now(), .kind = sim::TraceKind::state, .node = self_, .state = &told_});
}

void NodeTrace::on_event(const Event& event) {
  look();
  write({.at = now(), .kind = sim::TraceKind::event, .node = self_, .event = &event});
}

void NodeTrace::message(sim::TraceKind kind, const PeerMessage& message) {
  if (kind == sim::TraceKind::delivered) silent_.erase(message.from);
  look();  // it may say what the node has just become
  write({.at = now(), .kind = kind, .node = self_, .message = &message, .id = ++messages_});
}

void NodeTrace::unreachable(NodeId peer) {
  if (!silent_.insert(peer).second) return;
  const std::string text = fmt::format("something that was sent to node {} was dropped at this end", peer.value());
  write({.at = now(), .kind = sim::TraceKind::fault, .node = self_, .name = "unreachable", .text = text});
}

void NodeTrace::connection(std::string_view line) {
  write({.at = now(), .kind = sim::TraceKind::fault, .node = self_, .name = "connection", .text = line});
}

void NodeTrace::end(std::string_view failure) {
  look();
  node_ = nullptr;
  life("stop", failure);
  told_ = {};
  told_.id = self_;
  write({.at = now(), .kind = sim::TraceKind::state, .node = self_, .state = &told_});
  file_->end(sim::json_end(failure));
  ended_ = true;
}

class TracedTransport::Receiver final : public TransportReceiver {
 public:
  Receiver(TransportReceiver& above, NodeTrace& trace) : above_(above), trace_(trace) {}
  void on_message(PeerMessage message) override {
    trace_.message(sim::TraceKind::delivered, message);
    above_.on_message(std::move(message));
  }
  void on_unreachable(NodeId peer) override {
    trace_.unreachable(peer);
    above_.on_unreachable(peer);
  }

 private:
  TransportReceiver& above_;
  NodeTrace& trace_;
};

void TracedTransport::attach(GroupId group, TransportReceiver& receiver) {
  auto& place = receivers_[group] = std::make_unique<Receiver>(receiver, trace_);
  below_.attach(group, *place);
}

void TracedTransport::detach(GroupId group) {
  below_.detach(group);
  receivers_.erase(group);
}

void TracedTransport::send(PeerMessage message) {
  trace_.message(sim::TraceKind::sent, message);
  below_.send(std::move(message));
}

}  // namespace keel
