#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <spdlog/logger.h>

#include "keel/asio/executor.hpp"
#include "keelkv/commands/kv_machine.hpp"
#include "keelkv/config/settings.hpp"
#include "keelkv/server/gate.hpp"
#include "keelkv/server/kv_replica.hpp"
#include "keelkv/server/read_clock.hpp"
#include "keelkv/server/roster.hpp"

namespace keel {

class KvConnection;

struct KvCounters {
  std::uint64_t connections = 0;
  std::uint64_t refused_connections = 0;
  std::uint64_t requests = 0;
  std::uint64_t protocol_errors = 0;
  std::uint64_t acknowledged = 0;  // writes answered, without an error, after they were applied
  std::uint64_t not_appended = 0;  // writes by their outcome: not appended or discarded
  std::uint64_t unknown = 0;
  std::uint64_t closed_for_output = 0;
  std::uint64_t closed_for_memory = 0;
  std::uint64_t closed_for_idleness = 0;
  std::uint64_t wrong_passwords = 0;
};

// Serves Redis clients on the node's own loop: takes their connections, and does once a turn, for every connection that
// something happened to, what is left to do there.
class KvServer {
 public:
  using Connections = std::map<std::uint64_t, boost::intrusive_ptr<KvConnection>>;  // by id

  // All must outlive the server; `settings` may change while it runs. The loop does not run after the server is gone.
  KvServer(AsioExecutor& executor, KvSettings& settings, KvReplica& replica, const KvMachine& machine,
           spdlog::logger& log);
  ~KvServer();
  KvServer(const KvServer&) = delete;
  KvServer& operator=(const KvServer&) = delete;

  // Error: `io`, naming the address.
  Result<void> listen();
  // Where clients can connect; the port is the real one.
  [[nodiscard]] HostPort address() const;
  // Sends what can be sent at once, closes every connection, takes no more.
  void stop();

  // For connections and the commands on them.
  void touched(KvConnection& connection);  // settle it at the end of this turn
  void closed(KvConnection& connection);
  [[nodiscard]] bool stopping() const { return stopping_; }
  [[nodiscard]] AsioExecutor& executor() const { return executor_; }
  [[nodiscard]] KvSettings& settings() const { return settings_; }
  [[nodiscard]] KvReplica& replica() const { return replica_; }
  [[nodiscard]] const KvMachine& machine() const { return machine_; }
  [[nodiscard]] ReadClock& read_clock() { return *read_clock_; }
  // The last entry whose effect the machine shows. Behind its last command there may be entries of Raft's own.
  [[nodiscard]] Index applied() const;
  [[nodiscard]] spdlog::logger& log() const { return log_; }
  [[nodiscard]] const KvGate& gate() const { return gate_; }
  [[nodiscard]] Roster& roster() { return roster_; }
  [[nodiscard]] const Roster& roster() const { return roster_; }
  [[nodiscard]] KvCounters& counters() { return counters_; }
  [[nodiscard]] const KvCounters& counters() const { return counters_; }
  [[nodiscard]] const Connections& connections() const { return connections_; }
  [[nodiscard]] Instant started() const { return started_; }
  [[nodiscard]] Instant deadline() const { return executor_.now() + settings_.command_timeout; }
  // Bytes that all connections hold.
  [[nodiscard]] std::uint64_t memory() const { return memory_; }
  // Closes the largest connections until all together hold no more than they may.
  void bound_memory();
  void add_memory(std::int64_t change) { memory_ += static_cast<std::uint64_t>(change); }
  // For the replies of writes, of all clients together.
  [[nodiscard]] const std::shared_ptr<ReplyRoom>& reply_room() const {
    reply_room_->limit = settings_.max_client_memory;
    return reply_room_;
  }
  // Where a write is put into its log form before it is submitted.
  [[nodiscard]] std::string& scratch() { return scratch_; }
  // Told after a setting was changed by CONFIG SET.
  void on_settings_changed(std::function<void()> told) { settings_changed_ = std::move(told); }
  void settings_changed();

 private:
  void accept();
  void accepted(boost::asio::ip::tcp::socket socket);
  void settle_touched();
  void watch_idleness();
  void close_idle();

  AsioExecutor& executor_;
  KvSettings& settings_;
  KvReplica& replica_;
  const KvMachine& machine_;
  std::shared_ptr<ReadClock> read_clock_ = std::make_shared<ReadClock>(executor_, replica_, machine_);
  spdlog::logger& log_;
  boost::asio::ip::tcp::acceptor acceptor_;
  Instant started_;
  KvGate gate_{*this};
  Roster roster_;
  KvCounters counters_;
  Connections connections_;
  std::uint64_t next_id_ = 1;
  std::uint64_t memory_ = 0;
  bool stopping_ = false;
  TimerId idle_timer_{};
  std::vector<boost::intrusive_ptr<KvConnection>> touched_;
  std::vector<boost::intrusive_ptr<KvConnection>> settling_;
  std::string scratch_;
  std::shared_ptr<ReplyRoom> reply_room_ = std::make_shared<ReplyRoom>();
  std::function<void()> settings_changed_;
};

}  // namespace keel
