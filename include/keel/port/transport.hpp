#pragma once

#include <span>

#include "keel/raft/configuration.hpp"
#include "keel/wire/peer_message.hpp"

namespace keel {

// What a transport tells a group on this node. Called on the node's executor, never from inside a Transport call.
class TransportReceiver {
 public:
  virtual ~TransportReceiver() = default;
  virtual void on_message(PeerMessage message) = 0;
  // Something sent to `peer` was dropped by this end (its queue was full, its connection broke): Raft should probe
  // rather than find a gap. A hint; may come late, repeatedly or never.
  virtual void on_unreachable(NodeId peer) = 0;
};

// Carries messages between nodes. May lose, delay, reorder and repeat them; never changes one and never blocks.
// All calls on the node's executor. Bounded: past its bound a transport drops and says so through `on_unreachable`.
class Transport {
 public:
  virtual ~Transport() = default;

  // Messages for `group` go to `receiver` from now on. One receiver a group.
  virtual void attach(GroupId group, TransportReceiver& receiver) = 0;
  // After it returns the receiver is not called again.
  virtual void detach(GroupId group) = 0;

  // Takes the message; it may wait for `flush`.
  virtual void send(PeerMessage message) = 0;
  // Everything sent so far should leave: one gathered send a peer. A node calls it once a turn, or twice.
  virtual void flush() = 0;

  // Who is in the group now, this node among them, with addresses; called whenever that changes. Peers no longer named by
  // any group may be disconnected.
  virtual void members(GroupId group, std::span<const Member> members) = 0;
};

}  // namespace keel
