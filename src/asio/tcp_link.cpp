#include "asio/tcp_link.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "asio/tcp_hub.hpp"
#include "asio/tcp_outbound.hpp"

namespace keel {

TcpLink::TcpLink(TcpHub& hub, NodeId peer)
    : hub_(hub), peer_(peer), backoff_(hub.options().min_backoff), random_(hub.options().seed ^ peer.value()) {
  counters_.peer = peer;
}

TcpLink::~TcpLink() { drop_connection(); }

std::string TcpLink::name() const { return fmt::format("node {} at {}", peer_.value(), address_); }

void TcpLink::set_address(const std::string& address) {
  if (address == address_) return;
  drop_connection();
  if (queued_messages_ > 0) drop_queue();
  address_ = address;
  backoff_ = hub_.options().min_backoff;
  dial();
}

void TcpLink::send(const PeerMessage& message) {
  const auto& options = hub_.options();
  if (connection_ == nullptr || queued_messages_ >= options.max_queued_messages ||
      queue_.size() >= options.max_queued_bytes) {
    ++counters_.dropped_messages;
    return drop_queue();
  }
  if (const auto encoded = wire::encode(message, queue_); !encoded) {
    ++counters_.dropped_messages;
    hub_.log(TcpLogLevel::warning, fmt::format("too large {}", peer_.value()),
             fmt::format("dropped a message: {}", encoded.error().message));
    return;
  }
  ++queued_messages_;
}

void TcpLink::flush() {
  if (!up_ || writing_ || queue_.empty()) return;
  writing_ = true;
  writing_messages_ = std::exchange(queued_messages_, 0);
  writing_bytes_ = queue_.size();
  connection_->write(queue_);
}

void TcpLink::encourage() {
  if (connection_ == nullptr) dial();
}

void TcpLink::up() {
  up_ = true;
  up_since_ = hub_.executor().now();
  ++counters_.connects;
  hub_.log(TcpLogLevel::info, fmt::format("up {}", peer_.value()), fmt::format("connected with {}", name()));
  flush();
}

void TcpLink::written() {
  writing_ = false;
  counters_.sent_messages += std::exchange(writing_messages_, 0);
  counters_.sent_bytes += std::exchange(writing_bytes_, 0);
  flush();
}

void TcpLink::refused(std::string line) {
  ++counters_.refused;
  hub_.log(TcpLogLevel::warning, fmt::format("refusal {}", peer_.value()), std::move(line));
}

void TcpLink::unreadable(const Error& error) {
  ++counters_.undecodable;
  hub_.log(TcpLogLevel::warning, fmt::format("unreadable {}", peer_.value()),
           fmt::format("closed the connection to {}: {}", name(), error.message));
}

void TcpLink::lost(const std::string& why) {
  const char* const what =
      up_ ? "the connection to {} has ended: {}; dialling again" : "cannot reach {}: {}; trying on";
  hub_.log(TcpLogLevel::info, fmt::format("{} {}", up_ ? "ended" : "unreached", peer_.value()),
           fmt::format(fmt::runtime(what), name(), why));
}

// A peer that accepts and then closes is no better than one that cannot be reached: only a connection that has lasted
// longer than we ever wait starts the backoff anew.
void TcpLink::down() {
  const auto& options = hub_.options();
  if (up_ && hub_.executor().now() - up_since_ > 2 * options.max_backoff) backoff_ = options.min_backoff;
  drop_connection();
  drop_queue();
  dial_later();
}

void TcpLink::dial() {
  hub_.executor().cancel(std::exchange(dial_timer_, TimerId{}));
  if (address_.empty()) return;
  const auto connection = std::make_shared<TcpOutbound>(hub_, *this);
  connection_ = connection;
  connection->dial();
}

// Between half the backoff and all of it, so that nodes that lost one another at once do not all dial at once.
void TcpLink::dial_later() {
  const auto half = backoff_.count() / 2;
  const Duration delay(half + static_cast<Duration::rep>(random_() % static_cast<std::uint64_t>(half + 1)));
  backoff_ = std::min(2 * backoff_, hub_.options().max_backoff);
  AsioExecutor& executor = hub_.executor();
  dial_timer_ = executor.at(executor.now() + delay, [this] { dial(); });
}

void TcpLink::drop_queue() {
  counters_.dropped_messages += std::exchange(queued_messages_, 0);
  queue_.clear();
  hub_.report_unreachable(peer_);
}

void TcpLink::drop_connection() {
  hub_.executor().cancel(std::exchange(dial_timer_, TimerId{}));
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->close();
  counters_.dropped_messages += std::exchange(writing_messages_, 0);
  writing_bytes_ = 0;
  writing_ = false;
  up_ = false;
}

TcpPeerStats TcpLink::stats() const {
  TcpPeerStats stats = counters_;
  stats.address = address_;
  stats.connected = up_;
  stats.queued_messages = queued_messages_ + writing_messages_;
  stats.queued_bytes = queue_.size() + writing_bytes_;
  return stats;
}

}  // namespace keel
