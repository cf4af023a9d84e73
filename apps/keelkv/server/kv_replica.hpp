#pragma once

#include "keel/node/node.hpp"
#include "keelkv/resp/reply_target.hpp"

namespace keel {

// What the client side needs of the replica behind it: a Node, or a script in a test.
class KvReplica {
 public:
  virtual ~KvReplica() = default;
  // As Node::submit and Node::read(linearizable). `target` is the command's context.
  virtual void submit(ByteView command, std::shared_ptr<ReplyTarget> target, Instant deadline,
                      Completion<Applied> done) = 0;
  virtual void read(Instant deadline, Completion<Index> done) = 0;
  [[nodiscard]] virtual NodeStatus status() const = 0;
  // Who leads as far as this node knows, or nobody: asked for each command where followers redirect.
  [[nodiscard]] virtual NodeId leader() const { return status().raft.leader; }
};

class NodeReplica final : public KvReplica {
 public:
  explicit NodeReplica(Node& node) : node_(node) {}

  void submit(ByteView command, std::shared_ptr<ReplyTarget> target, Instant deadline,
              Completion<Applied> done) override {
    node_.submit(command, {.context = std::move(target), .deadline = deadline}, std::move(done));
  }
  void read(Instant deadline, Completion<Index> done) override {
    node_.read(ReadLevel::linearizable, deadline, std::move(done));
  }
  [[nodiscard]] NodeStatus status() const override { return node_.status(); }
  [[nodiscard]] NodeId leader() const override { return node_.raft().leader(); }

 private:
  Node& node_;
};

}  // namespace keel
