#pragma once

#include <cstddef>
#include <memory>

#include "keel/port/executor.hpp"
#include "keel/port/transport.hpp"

namespace keel {

// Where the transports of one process meet. Copies are the same place. Any thread.
class Exchange {
 public:
  Exchange();

 private:
  friend class InProcessTransport;
  class Inboxes;
  std::shared_ptr<Inboxes> inboxes_;
};

struct InProcessOptions {
  // What may wait at one receiver from one sender; past either, all that waits is dropped.
  std::size_t max_queued_messages = 1u << 16;
  std::size_t max_queued_bytes = 64u << 20;  // of entries and commands
};

// Carries messages between nodes of one process, each on an executor of its own (any thread each, or one for all),
// without turning them into bytes. Entries must have been framed, as for any transport: nobody writes to them any more.
class InProcessTransport final : public Transport {
 public:
  // From now on `self` can be reached through the exchange. One transport a node at a time.
  InProcessTransport(Exchange& exchange, NodeId self, Executor& executor, InProcessOptions options = {});
  ~InProcessTransport() override;  // stops

  void attach(GroupId group, TransportReceiver& receiver) override;
  void detach(GroupId group) override;
  void send(PeerMessage message) override;
  void flush() override;
  void members(GroupId group, std::span<const Member> members) override;

  // After it returns no receiver is called and what is sent goes nowhere.
  void stop();

 private:
  class Port;
  std::shared_ptr<Port> port_;  // tasks that wait on executors hold it weakly
};

}  // namespace keel
