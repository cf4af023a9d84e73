#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "keel/node/node.hpp"

namespace keel {

// Where one message's answers go: those to its sender through the path it brought, all others through the transport.
struct Route {
  NodeId to;
  std::shared_ptr<ReplyPath> path;
};

// Everything that leaves: what may go now, and what waits for a write to be durable.
class Outbox {
 public:
  explicit Outbox(Transport& transport) : transport_(transport) {}

  // `route` may be null.
  void send(PeerMessage message, const Route* route);
  void hold(WriteId after, PeerMessage message, const Route* route);
  // Everything up to this write is durable: what waited for it is free.
  void durable(WriteId id);
  // Sends what has become free since.
  void release();
  // The same, and what goes through reply paths; then lets the transport's gathered sends go.
  void flush();
  void flush_transport();  // them alone
  // Nothing leaves any more; what waits is dropped.
  void close();
  void members(GroupId group, std::span<const Member> members);

  // While a disk hangs each heartbeat may bring an answer that has to wait: past this many the oldest is lost. More than
  // a leader's window and all candidates' questions together.
  static constexpr std::size_t max_held = 1024;
  // Exceptions that came out of the transport or of reply paths: to Raft the message is lost.
  [[nodiscard]] std::uint64_t caught() const { return caught_; }

 private:
  struct Leaving {
    WriteId after;
    PeerMessage message;
    std::shared_ptr<ReplyPath> path;  // null: the transport
  };
  static std::shared_ptr<ReplyPath> path_of(const PeerMessage& message, const Route* route);
  void pass_on(Leaving leaving);
  template <class Call>
  void guarded(Call call);

  Transport& transport_;
  std::deque<Leaving> held_;      // ascending in `after`
  std::vector<Leaving> answers_;  // through reply paths, at the end of the turn
  WriteId durable_;
  bool gathered_ = false;  // something was sent since the transport was last flushed
  bool closed_ = false;
  std::uint64_t caught_ = 0;
};

}  // namespace keel
