#include "asio/tcp_hub.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "asio/tcp_inbound.hpp"
#include "asio/tcp_link.hpp"

namespace keel {

TcpHub::TcpHub(AsioExecutor& executor, TcpOptions options)
    : executor_(executor), options_(std::move(options)), fit_(validate(options_)), log_(options_.log) {}

TcpHub::~TcpHub() = default;

void TcpHub::stop() {
  if (std::exchange(stopped_, true)) return;
  acceptor_.reset();
  executor_.cancel(accept_again_);
  links_.clear();
  for (const auto& connection : std::exchange(inbound_, {}))
    connection->close();
  receivers_.clear();
  members_.clear();
  unreachable_.clear();
}

void TcpHub::detach(GroupId group) {
  receivers_.erase(group);
  members_.erase(group);
  if (!stopped_) update_links();
}

void TcpHub::members(GroupId group, std::span<const Member> members) {
  if (stopped_) return;
  if (!fit_) return log(TcpLogLevel::warning, "options", "nobody is dialled: " + fit_.error().message);
  auto& addresses = members_[group];
  addresses.clear();
  for (const Member& member : members) {
    if (member.id != options_.self.node) addresses[member.id] = member.address;
  }
  update_links();
}

// One link to each peer that any group names; the others go.
void TcpHub::update_links() {
  std::map<NodeId, std::string> wanted;
  for (const auto& [group, addresses] : members_)
    wanted.insert(addresses.begin(), addresses.end());
  for (const auto& [peer, address] : options_.addresses) {
    if (const auto found = wanted.find(peer); found != wanted.end()) found->second = address;
  }
  std::erase_if(links_, [&](const auto& link) { return !wanted.contains(link.first); });
  for (const auto& [peer, address] : wanted) {
    auto& link = links_[peer];
    if (link == nullptr) link = std::make_unique<TcpLink>(*this, peer);
    link->set_address(address);
  }
}

void TcpHub::send(const PeerMessage& message) {
  if (stopped_) return;
  if (const auto link = links_.find(message.to); link != links_.end()) return link->second->send(message);
  ++others_.dropped_messages;
  report_unreachable(message.to);
}

void TcpHub::flush() {
  for (const auto& [peer, link] : links_)
    link->flush();
}

void TcpHub::report_unreachable(NodeId peer) {
  if (stopped_ || !unreachable_.insert(peer).second || unreachable_.size() > 1) return;
  executor_.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->tell_unreachable();
  });
}

void TcpHub::tell_unreachable() {
  const auto attached = receivers_;  // a receiver may attach, detach and stop
  for (const NodeId peer : std::exchange(unreachable_, {})) {
    for (const auto& [group, was] : attached) {
      if (const auto now = receivers_.find(group); now != receivers_.end()) now->second->on_unreachable(peer);
    }
  }
}

void TcpHub::deliver(PeerMessage message) {
  const auto receiver = receivers_.find(message.group);
  if (receiver == receivers_.end()) {
    ++totals_.unclaimed;
    return;
  }
  receiver->second->on_message(std::move(message));
}

void TcpHub::log(TcpLogLevel level, const std::string& key, std::string line) {
  log_.say(level, key, std::move(line), executor_.now());
}

TcpPeerStats& TcpHub::counters(NodeId peer) {
  const auto link = links_.find(peer);
  return link == links_.end() ? others_ : link->second->counters();
}

TcpStats TcpHub::stats() const {
  TcpStats stats = totals_;
  stats.connections = inbound_.size();
  for (const auto& [peer, link] : links_)
    stats.peers.push_back(link->stats());
  for (TcpPeerStats& peer : stats.peers) {
    peer.heard = std::ranges::any_of(inbound_, [&](const auto& each) { return each->peer() == peer.peer; });
  }
  stats.peers.push_back(others_);
  return stats;
}

}  // namespace keel
