#include "keel/base/assert.hpp"
#include "keel/sim/tla_trace.hpp"
#include "sim/tla_node.hpp"
#include "sim/tla_writer.hpp"

namespace keel::sim {

struct TlaWorld::Parts {
  Parts(std::size_t count, Duration write_time) : writer(count) {
    for (std::size_t id = 1; id <= count; ++id)
      nodes.push_back(std::make_unique<TlaNode>(NodeId(id), writer, write_time));
  }
  TlaNode& at(NodeId id) { return *nodes[static_cast<std::size_t>(id.value()) - 1]; }

  TlaWriter writer;
  std::vector<std::unique_ptr<TlaNode>> nodes;
};

TlaWorld::TlaWorld(WorldOptions options, Duration write_time)
    : parts_(std::make_unique<Parts>(options.nodes, write_time)) {
  options.pre_vote = false;
  options.stickiness = false;
  options.node.raft.write_stall_timeout = {};
  options.link.duplicate = 0;
  options.bootstrapped = true;
  options.make_log = [parts = parts_.get()](NodeId id, Disk&, Executor& executor) {
    return parts->at(id).make_log(executor);
  };
  options.make_transport = [parts = parts_.get()](NodeId id, Transport& network, Executor& executor) {
    return parts->at(id).make_transport(network, executor);
  };
  options.machine = [parts = parts_.get()](NodeId id) { return parts->at(id).make_machine(); };
  world_ = std::make_unique<World>(std::move(options));
  for (const NodeId id : world_->all()) {
    parts_->at(id).begin(*world_);
    parts_->writer.started(id, world_->raft(id));
  }
  world_->add_sink(*this);
}

TlaWorld::~TlaWorld() = default;

// What a node does by itself is seen by the events it tells.
void TlaWorld::on_trace(const TraceEvent& event) {
  if (event.kind != TraceKind::event || !world_->is_up(event.node)) return;
  if (std::holds_alternative<NodeStarted>(event.event->what)) {
    parts_->writer.started(event.node, world_->raft(event.node));
  } else {
    parts_->at(event.node).look();
  }
}

void TlaWorld::tell(Who node, std::function<void(Node&)> input) {
  if (!world_->is_up(node)) return;
  parts_->at(node.id).enqueue([this, id = node.id, input = std::move(input)] { input(world_->node(id)); });
}

void TlaWorld::submit(Who node, std::string command) {
  if (!world_->is_up(node)) return;
  parts_->at(node.id).enqueue(
      [this, id = node.id, command = std::move(command)] { (void)world_->post_command(id, command, {}, {}); });
}

std::size_t TlaWorld::size() const { return parts_->writer.size(); }

std::vector<std::string> TlaWorld::lines() const {
  std::vector<std::string> lines;
  lines.reserve(size());
  for (std::size_t i = 0; i < size(); ++i)
    lines.push_back(parts_->writer.text(i));
  return lines;
}

}  // namespace keel::sim
