#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "asio/limited_log.hpp"
#include "keel/asio/tcp_transport.hpp"

namespace keel {

class TcpInbound;
class TcpLink;

// One TcpTransport: its receivers, its links to peers and the connections it has accepted, and what these share.
class TcpHub : public std::enable_shared_from_this<TcpHub> {
 public:
  TcpHub(AsioExecutor& executor, TcpOptions options);
  ~TcpHub();

  // For the transport.
  Result<void> listen(std::string_view address);
  [[nodiscard]] std::string listening_at() const;
  void attach(GroupId group, TransportReceiver& receiver) { receivers_[group] = &receiver; }
  void detach(GroupId group);
  void send(const PeerMessage& message);
  void flush();
  void members(GroupId group, std::span<const Member> members);
  void stop();
  [[nodiscard]] TcpStats stats() const;

  // For links and connections.
  [[nodiscard]] AsioExecutor& executor() { return executor_; }
  [[nodiscard]] const TcpOptions& options() const { return options_; }
  void log(TcpLogLevel level, const std::string& key, std::string line);
  // What to say to `peer`.
  [[nodiscard]] wire::Hello hello_to(NodeId peer) const;
  // Whether to talk with who says this; `expected`: whom we dialled, or nobody.
  [[nodiscard]] Result<void> check(const wire::Hello& theirs, NodeId expected) const;
  // Of a peer, or of all together that no configuration names.
  [[nodiscard]] TcpPeerStats& counters(NodeId peer);
  // Receivers are told later, not from inside this call.
  void report_unreachable(NodeId peer);

  // For accepted connections. What ends a handshake here: refused as strangers, or as one that does not speak Keel's
  // protocol at all.
  void turned_away(bool unreadable);
  // `peer` is on the line: an older connection of its is closed, and we dial it if we are waiting to.
  void heard(TcpInbound& connection, NodeId peer);
  void gone(TcpInbound& connection);
  // May stop the transport: the caller looks whether it is closed before it goes on.
  void deliver(PeerMessage message);

 private:
  using Acceptor = boost::asio::ip::tcp::acceptor;

  void accept_next();
  void accepted(boost::asio::ip::tcp::socket socket);
  bool make_room_for_connection();
  void update_links();
  void tell_unreachable();

  AsioExecutor& executor_;
  TcpOptions options_;
  Result<void> fit_;  // the options; without, nothing is opened
  LimitedLog log_;
  std::map<GroupId, TransportReceiver*> receivers_;
  std::map<GroupId, std::map<NodeId, std::string>> members_;  // and where they listen
  std::map<NodeId, std::unique_ptr<TcpLink>> links_;
  std::set<NodeId> unreachable_;  // to be told; not empty: a task is on its way
  std::optional<Acceptor> acceptor_;
  TimerId accept_again_{};
  std::vector<std::shared_ptr<TcpInbound>> inbound_;  // the oldest first
  TcpPeerStats others_;
  TcpStats totals_;
  bool stopped_ = false;
};

}  // namespace keel
