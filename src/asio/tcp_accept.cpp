// How others come to us: listening, accepting, and whom to turn away.

#include <algorithm>
#include <utility>

#include <boost/asio/error.hpp>
#include <fmt/core.h>

#include "asio/tcp_address.hpp"
#include "asio/tcp_hub.hpp"
#include "asio/tcp_inbound.hpp"
#include "asio/tcp_link.hpp"

namespace keel {

namespace {

using boost::asio::ip::tcp;
namespace errors = boost::asio::error;

constexpr std::chrono::milliseconds pause_after_failed_accept{100};

std::string advice(const boost::system::error_code& error) {
  if (error == errors::address_in_use) return ": another program has this port; stop it or choose another port";
  if (error == errors::access_denied) return ": ports below 1024 are for root; choose another port";
  if (error == boost::system::errc::address_not_available) return ": no interface of this machine has this address";
  return "";
}

std::string said_of(const wire::Hello& hello) {
  return fmt::format("cluster '{}' ({:016x})", hello.cluster_name, hello.cluster.value());
}

}  // namespace

Result<void> TcpHub::listen(std::string_view address) {
  if (stopped_) return fail(ErrorCode::stopping, "this transport has been stopped");
  if (!fit_) return fit_;
  if (acceptor_) {
    return fail(ErrorCode::exists, fmt::format("cannot listen at {}: this transport listens at {} already, and a "
                                               "transport has one address",
                                               address, listening_at()));
  }
  const auto parts = split_address(address);
  if (!parts) return std::unexpected(parts.error());
  const auto refuse = [&](const boost::system::error_code& error) {
    acceptor_.reset();
    return fail(ErrorCode::io, fmt::format("cannot listen at {}: {}{}", address, error.message(), advice(error)));
  };
  boost::system::error_code error;
  tcp::resolver resolver(executor_.context());
  const auto found = resolver.resolve(parts->host, parts->port, tcp::resolver::passive, error);
  if (error) return refuse(error);
  const tcp::endpoint endpoint = found.begin()->endpoint();

  acceptor_.emplace(executor_.context());
  if (acceptor_->open(endpoint.protocol(), error)) return refuse(error);
  if (acceptor_->set_option(tcp::acceptor::reuse_address(true), error)) return refuse(error);
  if (acceptor_->bind(endpoint, error)) return refuse(error);
  if (acceptor_->listen(tcp::acceptor::max_listen_connections, error)) return refuse(error);
  accept_next();
  return {};
}

std::string TcpHub::listening_at() const {
  boost::system::error_code error;
  if (!acceptor_) return {};
  const auto endpoint = acceptor_->local_endpoint(error);
  return error ? std::string{} : to_address(endpoint);
}

void TcpHub::accept_next() {
  acceptor_->async_accept([weak = weak_from_this()](const boost::system::error_code& error, tcp::socket socket) {
    const auto self = weak.lock();
    if (!self || self->stopped_) return;
    if (!error) {
      self->accepted(std::move(socket));
      return self->accept_next();
    }
    self->log(TcpLogLevel::warning, "accept", fmt::format("cannot accept a connection: {}", error.message()));
    // Out of file descriptors, most likely: others will be closed in time.
    self->accept_again_ = self->executor_.at(self->executor_.now() + pause_after_failed_accept, [weak] {
      if (const auto again = weak.lock()) again->accept_next();
    });
  });
}

void TcpHub::accepted(tcp::socket socket) {
  if (!make_room_for_connection()) {
    ++totals_.refused;
    return log(TcpLogLevel::warning, "full",
               fmt::format("refused a connection: {} nodes are connected already, the most there may be",
                           options_.max_connections));
  }
  inbound_.push_back(std::make_shared<TcpInbound>(*this, std::move(socket)));
  inbound_.back()->start();
}

// When there are too many, the one goes that has tried longest to say who it is.
bool TcpHub::make_room_for_connection() {
  if (inbound_.size() < options_.max_connections) return true;
  const auto stranger = std::ranges::find(inbound_, nobody, [](const auto& each) { return each->peer(); });
  if (stranger == inbound_.end()) return false;
  ++totals_.refused;
  log(TcpLogLevel::warning, "crowd",
      fmt::format("closed a connection that had not said who it is: there are {} connections, the most there may be",
                  inbound_.size()));
  (*stranger)->close();
  inbound_.erase(stranger);
  return true;
}

void TcpHub::turned_away(bool unreadable) {
  ++totals_.refused;
  if (unreadable) ++totals_.undecodable;
}

void TcpHub::heard(TcpInbound& connection, NodeId peer) {
  std::erase_if(inbound_, [&](const auto& each) {
    const bool old = each.get() != &connection && each->peer() == peer;
    if (old) each->close();
    return old;
  });
  if (const auto link = links_.find(peer); link != links_.end()) link->second->encourage();
}

void TcpHub::gone(TcpInbound& connection) {
  std::erase_if(inbound_, [&](const auto& each) { return each.get() == &connection; });
}

wire::Hello TcpHub::hello_to(NodeId peer) const {
  wire::Hello hello = options_.self;
  hello.expects = peer;
  return hello;
}

// The messages are read by both sides, so they name both.
Result<void> TcpHub::check(const wire::Hello& theirs, NodeId expected) const {
  const wire::Hello& ours = options_.self;
  const auto they = theirs.node.value();
  const auto we = ours.node.value();
  if (theirs.cluster != ours.cluster) {
    const bool namesakes = theirs.cluster_name == ours.cluster_name;
    return fail(ErrorCode::wrong_cluster,
                fmt::format("node {} belongs to {}, node {} to {}: {}", they, said_of(theirs), we, said_of(ours),
                            namesakes ? "they were started with different lists of first members"
                                      : "an address leads to the wrong cluster"));
  }
  if (theirs.expects != nobody && theirs.expects != ours.node) {
    return fail(ErrorCode::wrong_node, fmt::format("node {} looks for node {} where node {} is: it has a wrong address",
                                                   they, theirs.expects.value(), we));
  }
  if (expected != nobody && theirs.node != expected) {
    return fail(ErrorCode::wrong_node, fmt::format("node {} looks for node {} where node {} is: it has a wrong address",
                                                   we, expected.value(), they));
  }
  if (theirs.node == nobody || theirs.node == ours.node) {
    return fail(ErrorCode::wrong_node, fmt::format("both sides say that they are node {}: each node needs an id of its "
                                                   "own",
                                                   they));
  }
  if (theirs.min_format > ours.max_format || ours.min_format > theirs.max_format) {
    return fail(ErrorCode::wrong_version,
                fmt::format("node {} reads formats {} to {}, node {} formats {} to {}: upgrade the older", they,
                            theirs.min_format, theirs.max_format, we, ours.min_format, ours.max_format));
  }
  return options_.admit ? options_.admit(theirs) : Result<void>{};
}

}  // namespace keel
