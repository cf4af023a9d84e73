#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "keel/sim/world.hpp"
#include "keel/storage/memory_log_store.hpp"
#include "sim/tla_writer.hpp"

namespace keel::sim {

// What stands between one node of a TlaWorld and its surroundings: its log, its way to the network, and a queue of its
// inputs. It outlives the node's crashes, with what is durable: the log and the commit index.
class TlaNode {
 public:
  TlaNode(NodeId id, TlaWriter& writer, Duration write_time) : id_(id), writer_(writer), write_time_(write_time) {}

  // From when on there is something to look at.
  void begin(World& world) { world_ = &world; }

  // For the node's next life.
  [[nodiscard]] std::unique_ptr<Transport> make_transport(Transport& network, Executor& executor);
  [[nodiscard]] std::unique_ptr<LogStore> make_log(Executor& executor);
  [[nodiscard]] std::unique_ptr<StateMachine> make_machine() const;

  // One input at a time: none while a write is on its way, nor before what the last one led to has been done.
  void enqueue(std::function<void()> input);
  void look();

 private:
  class Log;
  class Way;
  struct Issued {
    WriteBatch batch;
    Completion<void> done;
  };

  [[nodiscard]] const Raft* raft() const;
  [[nodiscard]] bool is_in_turn() const;
  void plan_next();
  void next();
  void write(WriteBatch batch, Completion<void> done);
  void written();
  void deliver(PeerMessage message);
  void send(PeerMessage message);
  void settle();
  void leave(const Raft* raft);
  [[nodiscard]] bool is_durable(const Message& message) const;

  NodeId id_;
  TlaWriter& writer_;
  Duration write_time_;
  World* world_ = nullptr;

  LogImage durable_;
  Index durable_commit_;

  // Of this life.
  Executor* executor_ = nullptr;
  Transport* network_ = nullptr;
  TransportReceiver* receiver_ = nullptr;
  std::vector<Issued> issued_;
  std::vector<PeerMessage> waiting_;  // to leave
  std::deque<std::function<void()>> inputs_;
  bool planned_ = false;
  bool settling_ = false;
  int waits_ = 0;
};

}  // namespace keel::sim
