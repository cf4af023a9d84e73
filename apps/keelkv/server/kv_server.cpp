#include "keelkv/server/kv_server.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <fmt/format.h>

#include "keelkv/server/kv_connection.hpp"

namespace keel {

using boost::asio::ip::tcp;
using boost::system::error_code;

KvServer::KvServer(AsioExecutor& executor, KvSettings& settings, KvReplica& replica, const KvMachine& machine,
                   spdlog::logger& log)
    : executor_(executor),
      settings_(settings),
      replica_(replica),
      machine_(machine),
      log_(log),
      acceptor_(executor.context()),
      started_(executor.now()) {}

KvServer::~KvServer() { stop(); }

Result<void> KvServer::listen() {
  const HostPort& wanted = settings_.listen;
  const auto refused = [&](const error_code& error) {
    return fail(ErrorCode::io, fmt::format("cannot listen for clients on {}: {}; choose another --listen",
                                           to_string(wanted), error.message()));
  };
  error_code error;
  tcp::resolver resolver(executor_.context());
  const auto found = resolver.resolve(wanted.host, std::to_string(wanted.port), tcp::resolver::passive, error);
  if (error) return refused(error);
  const tcp::endpoint endpoint = *found.begin();
  if (acceptor_.open(endpoint.protocol(), error)) return refused(error);
  if (acceptor_.set_option(tcp::acceptor::reuse_address(true), error)) return refused(error);
  if (acceptor_.bind(endpoint, error)) return refused(error);
  if (acceptor_.listen(boost::asio::socket_base::max_listen_connections, error)) return refused(error);
  accept();
  watch_idleness();
  return {};
}

HostPort KvServer::address() const {
  error_code error;
  const tcp::endpoint endpoint = acceptor_.local_endpoint(error);
  return {settings_.listen.host, endpoint.port()};
}

void KvServer::accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (error == boost::asio::error::operation_aborted) return;
    if (!error) accepted(std::move(socket));
    if (!error || error == boost::asio::error::connection_aborted) return accept();
    // No descriptors, no memory: trying again at once would spin.
    log_.warn("cannot accept a client: {}; trying again", error.message());
    executor_.at(executor_.now() + std::chrono::milliseconds(100), [this] {
      if (acceptor_.is_open()) accept();
    });
  });
}

void KvServer::accepted(tcp::socket socket) {
  error_code ignored;
  socket.non_blocking(true, ignored);
  if (connections_.size() >= settings_.max_clients) {
    ++counters_.refused_connections;
    constexpr std::string_view refusal = "-ERR max number of clients reached\r\n";
    socket.write_some(boost::asio::buffer(refusal), ignored);
    return;
  }
  ++counters_.connections;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(boost::asio::socket_base::keep_alive(true), ignored);
  const std::uint64_t id = next_id_++;
  const boost::intrusive_ptr<KvConnection> connection(new KvConnection(*this, std::move(socket), id));
  connections_.emplace(id, connection);
  connection->start();
}

void KvServer::stop() {
  stopping_ = true;
  executor_.cancel(idle_timer_);
  error_code ignored;
  acceptor_.close(ignored);
  read_clock_->stop();
  settle_touched();
  while (!connections_.empty())
    connections_.begin()->second->close();
}

void KvServer::closed(KvConnection& connection) { connections_.erase(connection.session().id); }

void KvServer::bound_memory() {
  const auto size_of = [](const auto& entry) { return entry.second->accounted(); };
  while (memory_ > settings_.max_client_memory && !connections_.empty()) {
    const auto largest = std::ranges::max_element(connections_, {}, size_of)->second;
    ++counters_.closed_for_memory;
    log_.warn(
        "client {} at {}: closed, it holds {} bytes, the most of all, and all together {}; max-client-memory is {}",
        largest->session().id, largest->session().peer, largest->accounted(), memory_, settings_.max_client_memory);
    largest->close();
  }
}

// Once a second while clients may be idle for so long and no longer.
void KvServer::watch_idleness() {
  executor_.cancel(idle_timer_);
  if (settings_.timeout == 0 || stopping_) return;
  idle_timer_ = executor_.at(executor_.now() + std::chrono::seconds(1), [this] {
    close_idle();
    watch_idleness();
  });
}

void KvServer::close_idle() {
  const Instant latest = executor_.now() - std::chrono::seconds(settings_.timeout);
  std::vector<boost::intrusive_ptr<KvConnection>> idle;
  for (const auto& [id, connection] : connections_) {
    if (connection->is_idle() && connection->session().last_active <= latest) idle.push_back(connection);
  }
  for (const auto& connection : idle) {
    ++counters_.closed_for_idleness;
    connection->close();
  }
}

void KvServer::touched(KvConnection& connection) {
  if (std::exchange(connection.is_touched, true)) return;
  touched_.emplace_back(&connection);
  if (touched_.size() == 1) executor_.post([this] { settle_touched(); });
}

void KvServer::settle_touched() {
  settling_.swap(touched_);
  for (const auto& connection : settling_) {
    connection->is_touched = false;
    connection->settle();
  }
  settling_.clear();
}

void KvServer::settings_changed() {
  (void)reply_room();  // of the clients that are connected too
  watch_idleness();
  if (settings_changed_) settings_changed_();
}

Index KvServer::applied() const { return std::max(machine_.applied_index(), replica_.status().raft.applied); }

}  // namespace keel
