#include "keelkv/server/kv_process.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <random>

#include <boost/asio/executor_work_guard.hpp>
#include <fmt/format.h>

#include "keel/asio/run.hpp"
#include "keel/storage/admission.hpp"
#include "keelkv/server/descriptors.hpp"

namespace keel {

namespace {

std::uint64_t random_number() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

const Member& this_member(const KvSettings& settings) {
  return *std::ranges::find(settings.cluster, settings.id, &Member::id);
}

constexpr Duration refusal_holds = std::chrono::seconds(10);  // peers refuse again at each dial, every second or so

constexpr std::string_view mend_the_disk = "; mend the disk, then start this node again";

// What the operating system refuses within the directory, once that is open, is the disk's failure.
Error disk_failure(Error error) {
  if (error.code == ErrorCode::io || error.code == ErrorCode::storage_failed) {
    error.code = ErrorCode::storage_failed;
    error.message += mend_the_disk;
  }
  return error;
}

bool is_disk_error(ErrorCode code) {
  return code == ErrorCode::storage_failed || code == ErrorCode::io || code == ErrorCode::corrupt;
}

}  // namespace

KvProcess::KvProcess(KvSettings settings)
    : settings_(std::move(settings)),
      genesis_(make_genesis(settings_.name, settings_.cluster)),
      logs_(settings_.id, settings_.log_level),
      events_(logs_, [this](const Error& error) { failed(error); }) {}

KvProcess::~KvProcess() { stop(); }

// Nobody can reach this process before its node stands.
Result<void> KvProcess::start() {
  if (auto enough = bound_clients(); !enough) return enough;
  if (auto opened = open_data(); !opened) return opened;
  if (auto opened = open_trace(); !opened) return opened;
  make_transport();
  if (auto started = start_node(); !started) return started;
  if (auto listening = transport_->listen(this_member(settings_).address); !listening) return listening;
  if (auto listening = server_->listen(); !listening) return listening;
  await_signal();
  return {};
}

Result<void> KvProcess::bound_clients() {
  raise_descriptor_limit();
  const std::uint64_t limit = descriptor_limit();
  const std::uint64_t capacity = client_capacity(settings_);
  if (capacity == 0) {
    return fail(ErrorCode::invalid,
                fmt::format("the limit of {} open files is too low: peers and a full log may take {}; raise it "
                            "(ulimit -n), or choose a larger --segment-size or a smaller --max-log-bytes",
                            limit, reserved_descriptors(settings_)));
  }
  if (settings_.max_clients <= capacity) return {};
  logs_.of(LogSubject::client)
      .warn(
          "max-clients is {} instead of {}: {} open files are allowed, of which peers and the log may take {}; for "
          "more clients raise the limit (ulimit -n)",
          capacity, settings_.max_clients, limit, reserved_descriptors(settings_));
  settings_.max_clients = capacity;
  return {};
}

Result<void> KvProcess::open_data() {
  auto disk = PosixDisk::open(settings_.data, executor_);
  if (!disk) return std::unexpected(disk.error());
  disk_ = std::move(*disk);
  auto identity = open_data_directory(*disk_, {.cluster = genesis_.cluster_id(),
                                               .cluster_name = settings_.name,
                                               .group = GroupId(),
                                               .node = settings_.id,
                                               .incarnation = Incarnation(random_number())});
  if (!identity) return in_data(disk_failure(identity.error()));
  identity_ = std::move(*identity);
  auto peers = PeerBook::open(*disk_);
  if (!peers) return in_data(disk_failure(peers.error()));
  peers_ = std::move(*peers);
  knew_peers_ = !peers_->peers().empty();
  return forget_peers();
}

// What --forget asks for. A peer that is not known is no error: it was forgotten before, or never heard.
Result<void> KvProcess::forget_peers() {
  for (const NodeId peer : settings_.forget) {
    const auto forgotten = peers_->forget(peer);
    if (!forgotten && forgotten.error().code != ErrorCode::not_found) {
      return in_data(disk_failure(forgotten.error()));
    }
    logs_.of(LogSubject::membership)
        .warn(
            "node {} {}: the data directory it comes with next is taken for its own; start without --forget from "
            "now on",
            peer.value(), forgotten ? "is forgotten" : "was not known");
  }
  return {};
}

// What lies below knows files, not where they are; only the lock names the directory itself.
std::unexpected<Error> KvProcess::in_data(Error error) const {
  if (error.code != ErrorCode::locked) error.message = settings_.data + ": " + error.message;
  return std::unexpected(std::move(error));
}

Result<void> KvProcess::open_trace() {
  if (settings_.trace.empty()) return {};
  const auto complain = [this](const std::string& why) { logs_.of(LogSubject::log).error("{}", why); };
  auto file = TraceFile::open(settings_.trace, NodeTrace::first_line(settings_.id), complain);
  if (!file) return std::unexpected(file.error());
  trace_ = std::make_unique<NodeTrace>(std::move(*file), settings_.id, executor_);
  return {};
}

void KvProcess::make_transport() {
  TcpOptions options;
  options.self = {.cluster = identity_.cluster,
                  .cluster_name = settings_.name,
                  .node = settings_.id,
                  .expects = nobody,
                  .incarnation = identity_.incarnation,
                  .member_data = advertised_address(settings_)};
  // What the log says of addresses may be old: nodes move, and are started with new ones.
  for (const Member& member : settings_.cluster)
    options.addresses[member.id] = member.address;
  options.admit = [this](const wire::Hello& peer) {
    auto admitted = admit(node_->raft(), *peers_, peer.node, peer.incarnation);
    if (admitted) server_->roster().heard(peer.node, peer.member_data);
    return admitted;
  };
  options.refused_by = [this](NodeId peer, const Error& why) { refused(peer, why); };
  options.log = [this](TcpLogLevel level, std::string_view line) {
    if (trace_) trace_->connection(line);
    logs_.of(LogSubject::transport)
        .log(level == TcpLogLevel::warning ? spdlog::level::warn : spdlog::level::info, "{}", line);
  };
  options.max_queued_bytes = std::max<std::size_t>(options.max_queued_bytes, 2 * settings_.max_inflight_bytes);
  // All that may wait may wait for the leader, beside the protocol's own: a queue that overflows loses both.
  options.max_queued_messages = std::max<std::size_t>(options.max_queued_messages, 2 * settings_.max_waiting_commands);
  options.seed = random_number();
  transport_ = std::make_unique<TcpTransport>(executor_, std::move(options));
  if (trace_) traced_transport_ = std::make_unique<TracedTransport>(*transport_, *trace_);
}

NodeOptions KvProcess::node_options() const {
  NodeOptions options;
  options.raft.id = settings_.id;
  options.raft.seed = random_number();
  options.raft.election_timeout = settings_.election_timeout;
  options.raft.heartbeat_interval = settings_.heartbeat;
  options.raft.write_stall_timeout = settings_.disk_stall_timeout;
  options.raft.log_cache_bytes = settings_.log_cache;
  options.raft.max_append_bytes = settings_.max_append_bytes;
  options.raft.max_append_entries = settings_.max_append_entries;
  options.raft.max_inflight_messages = settings_.max_inflight_messages;
  options.raft.max_inflight_bytes = settings_.max_inflight_bytes;
  options.raft.max_uncommitted_bytes = settings_.max_uncommitted_bytes;
  options.raft.max_pending_reads = settings_.max_waiting_reads;
  options.max_waiting_commands = settings_.max_waiting_commands;
  options.max_waiting_reads = settings_.max_waiting_reads;
  options.max_apply_bytes = settings_.max_apply_bytes;
  options.max_apply_entries = settings_.max_apply_entries;
  options.min_room = std::min<std::uint64_t>(options.min_room, settings_.max_log_bytes / 8);
  return options;
}

// A log is opened once: whoever needs it again needs a new one.
void KvProcess::open_log() {
  log_ = std::make_unique<WriteAheadLog>(
      *disk_, executor_,
      WriteAheadLogOptions{.segment_bytes = settings_.segment_size,
                           .max_log_bytes = settings_.max_log_bytes,
                           .salt_seed = random_number()},
      LogIdentity{.cluster = identity_.cluster, .group = identity_.group, .node = identity_.node});
}

Result<void> KvProcess::start_node() {
  const auto pilot = [this] {
    Transport* const transport =
        traced_transport_ ? static_cast<Transport*>(traced_transport_.get()) : transport_.get();
    return Pilot{.transport = *transport, .log = *log_, .machine = machine_, .observer = &events_};
  };
  open_log();
  auto node = Node::start(node_options(), pilot(), executor_);
  if (!node && node.error().code == ErrorCode::not_found) {
    if (auto good = check_first_start(); !good) return good;
    open_log();
    node = Node::bootstrap(genesis_, node_options(), pilot(), executor_);
  }
  if (!node) return in_data(disk_failure(node.error()));
  node_ = std::move(*node);
  if (trace_) trace_->watch(*node_);
  replica_ = std::make_unique<NodeReplica>(*node_);
  server_ = std::make_unique<KvServer>(executor_, settings_, *replica_, machine_, logs_.of(LogSubject::client));
  server_->on_settings_changed([this] { apply_log_levels(); });
  server_->roster().ask_connections([this](NodeId peer) { return is_connected(peer); });
  return {};
}

bool KvProcess::is_connected(NodeId peer) const {
  const TcpStats stats = transport_->stats();
  const auto found = std::ranges::find(stats.peers, peer, &TcpPeerStats::peer);
  return found != stats.peers.end() && found->connected;
}

// A directory that has seen peers has had a log: an empty one would forget votes and entries that the others count on.
Result<void> KvProcess::check_first_start() const {
  if (!knew_peers_) return {};
  return fail(ErrorCode::corrupt,
              fmt::format("{}: the log is gone, though this node has been part of its cluster: put it back; a node "
                          "without its log must not vote",
                          settings_.data));
}

std::string KvProcess::ready_line() const {
  return fmt::format("keelkv {} ready: clients {}, peers {}, data {}", settings_.id.value(),
                     to_string(server_->address()), transport_->listening_at(), settings_.data);
}

int KvProcess::run() {
  keel::run(context_, settings_.spin);
  return status_;
}

void KvProcess::apply_log_levels() {
  logs_.set_levels(settings_.log_level);
  node_->add_observer(events_);  // which events are built at all depends on the levels
}

void KvProcess::await_signal() {
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (!error) stop_gently();
  });
}

// A leader hands over first, so that clients of the others need not wait for an election. A second signal ends it at once.
void KvProcess::stop_gently() {
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (!error) stop();
  });
  const NodeId best = node_->raft().best_successor();
  if (best == nobody) return stop();
  node_->transfer_leadership(best, [this](const Result<void>&) { executor_.post([this] { stop(); }); });
}

void KvProcess::stop() {
  if (std::exchange(stopping_, true)) return;
  if (node_) node_->stop();
  if (trace_) trace_->end(failure_);
  if (server_) server_->stop();
  if (transport_) transport_->stop();
  context_.stop();
}

// A node that has lost its disk cannot be let in again as it is: better to end than to seem to run. What one peer
// remembers may be wrong, so it takes most of them; the transport has logged each, and tries on.
void KvProcess::refused(NodeId peer, const Error& why) {
  if (why.code != ErrorCode::wrong_incarnation) return;
  const Instant now = executor_.now();
  refusals_[peer] = now;
  const auto lately =
      std::ranges::count_if(refusals_, [&](const auto& refusal) { return now - refusal.second < refusal_holds; });
  const std::size_t peers = settings_.cluster.size() - 1;
  if (static_cast<std::size_t>(lately) <= peers / 2) return;
  end(exit_status::cannot_start, fmt::format("{} of {} peers refuse this node: {}", lately, peers, why.message));
}

void KvProcess::failed(const Error& error) {
  const std::string what = in_data(error).error().message;
  if (!is_disk_error(error.code)) return end(exit_status::broken, what);
  end(exit_status::disk_error, what + std::string(mend_the_disk));
}

// Called from inside the node or the transport, which must be out of it before they can be stopped.
void KvProcess::end(int status, const std::string& why) {
  if (std::exchange(ending_, true)) return;
  status_ = status;
  failure_ = why;
  fmt::print(stderr, "keelkv: {}\n", why);
  executor_.post([this] { stop(); });
}

}  // namespace keel
