#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "keel/asio/executor.hpp"
#include "keel/asio/tcp_transport.hpp"
#include "keel/node/node.hpp"
#include "keel/storage/data_directory.hpp"
#include "keel/storage/posix_disk.hpp"
#include "keel/storage/write_ahead_log.hpp"
#include "keelkv/commands/kv_machine.hpp"
#include "keelkv/config/settings.hpp"
#include "keelkv/server/event_log.hpp"
#include "keelkv/server/kv_replica.hpp"
#include "keelkv/server/kv_server.hpp"
#include "keelkv/server/node_trace.hpp"

namespace keel {

// What a keelkv process ends with. 74 and 70 are EX_IOERR and EX_SOFTWARE of sysexits.h.
namespace exit_status {
inline constexpr int stopped = 0;
inline constexpr int cannot_start = 1;
inline constexpr int broken = 70;  // Keel or the state machine found itself wrong
inline constexpr int disk_error = 74;
}  // namespace exit_status

// One keelkv server: a data directory, a node on it, the peers' side and the clients' side, on one loop and its thread.
class KvProcess {
 public:
  explicit KvProcess(KvSettings settings);
  ~KvProcess();
  KvProcess(const KvProcess&) = delete;
  KvProcess& operator=(const KvProcess&) = delete;

  // Everything up to serving. Errors are for the person who started it: what is wrong, and what to do; of them
  // `storage_failed` is the disk's.
  Result<void> start();
  // One line: where it listens, and on what data.
  [[nodiscard]] std::string ready_line() const;
  // Serves until a signal or a failure ends it; the exit status.
  int run();

 private:
  Result<void> bound_clients();
  Result<void> open_data();
  Result<void> forget_peers();
  void make_transport();
  Result<void> open_trace();
  Result<void> start_node();
  [[nodiscard]] Result<void> check_first_start() const;
  [[nodiscard]] bool is_connected(NodeId peer) const;
  void await_signal();
  void stop_gently();
  void stop();
  void refused(NodeId peer, const Error& why);
  void failed(const Error& error);
  void end(int status, const std::string& why);
  [[nodiscard]] std::unexpected<Error> in_data(Error error) const;
  void apply_log_levels();
  void open_log();
  [[nodiscard]] NodeOptions node_options() const;

  KvSettings settings_;
  Genesis genesis_;
  boost::asio::io_context context_{1};
  AsioExecutor executor_{context_};
  boost::asio::signal_set signals_{context_};
  Logs logs_;
  EventLog events_;
  std::unique_ptr<PosixDisk> disk_;
  DirectoryIdentity identity_;
  std::optional<PeerBook> peers_;
  bool knew_peers_ = false;  // from an earlier run
  std::unique_ptr<WriteAheadLog> log_;
  std::unique_ptr<NodeTrace> trace_;  // none unless it is asked for
  std::unique_ptr<TcpTransport> transport_;
  std::unique_ptr<TracedTransport> traced_transport_;  // beside the trace
  KvMachine machine_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<NodeReplica> replica_;
  std::unique_ptr<KvServer> server_;
  std::map<NodeId, Instant> refusals_;  // by peers that know this node with another directory; the last of each
  bool ending_ = false;                 // a reason to end has been told
  bool stopping_ = false;
  int status_ = exit_status::stopped;
  std::string failure_;  // why it ends, when it was not asked to
};

}  // namespace keel
