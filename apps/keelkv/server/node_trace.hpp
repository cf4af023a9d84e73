#pragma once

#include <map>
#include <memory>
#include <set>

#include "keel/node/node.hpp"
#include "keel/port/transport.hpp"
#include "keelkv/server/trace_file.hpp"

namespace keel {

// What a running node knows, as lines of a trace: what it says of itself, what it is, what it sends and is sent. The
// schema is the simulator's (docs/formats-trace.md).
class NodeTrace final : public Observer {
 public:
  // The first line of a run: when it began, on the wall's clock.
  [[nodiscard]] static std::string first_line(NodeId self);

  NodeTrace(std::unique_ptr<TraceFile> file, NodeId self, Executor& executor);
  // From its start on; the node must outlive what is told of it.
  void watch(Node& node);
  void on_event(const Event& event) override;
  void message(sim::TraceKind kind, const PeerMessage& message);
  // This end has dropped something on the way to a peer: told once until the peer is heard again.
  void unreachable(NodeId peer);
  // A line about a connection.
  void connection(std::string_view line);
  // No more is told afterwards. `failure`: why, if not because it was asked to.
  void end(std::string_view failure);

 private:
  [[nodiscard]] sim::SimTime now() const;
  void write(const sim::TraceEvent& event) {
    if (!ended_) file_->write(event.at, self_, sim::json_line(event));
  }
  void life(std::string_view name, std::string_view text = {});
  void look();

  std::unique_ptr<TraceFile> file_;
  NodeId self_;
  Executor& executor_;
  Instant begin_;
  Node* node_ = nullptr;
  sim::NodeView told_;
  std::uint64_t messages_ = 0;
  std::set<NodeId> silent_;  // peers that are known to be out of reach
  bool ended_ = false;
};

// The transport below, with all that passes told to the trace.
class TracedTransport final : public Transport {
 public:
  TracedTransport(Transport& below, NodeTrace& trace) : below_(below), trace_(trace) {}

  void attach(GroupId group, TransportReceiver& receiver) override;
  void detach(GroupId group) override;
  void send(PeerMessage message) override;
  void flush() override { below_.flush(); }
  void members(GroupId group, std::span<const Member> members) override { below_.members(group, members); }

 private:
  class Receiver;
  Transport& below_;
  NodeTrace& trace_;
  std::map<GroupId, std::unique_ptr<TransportReceiver>> receivers_;
};

}  // namespace keel
