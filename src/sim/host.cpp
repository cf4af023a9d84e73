#include "sim/host.hpp"

#include "keel/base/assert.hpp"
#include "keel/sim/register_machine.hpp"
#include "keel/storage/memory_log_store.hpp"
#include "keel/storage/write_ahead_log.hpp"

namespace keel::sim {
namespace {

constexpr WallTime wall_epoch{std::chrono::milliseconds(1'700'000'000'000)};

// What a long run needs to know of. The others are built when somebody reads along.
constexpr EventMask rare_events = bit_of<RoleChanged>() | bit_of<TermChanged>() | bit_of<LeaderChanged>() |
                                  bit_of<CampaignStarted>() | bit_of<SplitVote>() | bit_of<LeaderReady>() |
                                  bit_of<SteppedDown>() | bit_of<EntriesTruncated>() | bit_of<MessageRejected>() |
                                  bit_of<TransferStarted>() | bit_of<TransferEnded>() | bit_of<StorageStalled>() |
                                  bit_of<FetchFailed>() | bit_of<ProtocolViolation>();

// Each boot of a machine begins its monotonic clock somewhere else, so that nobody can keep a moment over a restart.
Instant boot_time(Random& random) { return Instant(random.between(std::chrono::hours(1), std::chrono::hours(1000))); }

DiskTiming timing(const WorldOptions& options) {
  DiskTiming timing;
  timing.write_min = options.sync_latency;
  timing.write_max = options.sync_latency + options.sync_jitter;
  return timing;
}

}  // namespace

Host::Host(World& world, NodeId id)
    : world_(world),
      id_(id),
      options_(world.options_.node),
      random_(world.random_.fork(id.value())),
      clock_(world.timeline_, boot_time(random_), wall_epoch),
      executor_(world.timeline_, clock_, static_cast<Owner>(id.value())),
      hardware_(world.timeline_, static_cast<Owner>(id.value()), world.options_.grain),
      media_(random_.next(), timing(world.options_)),
      image_(std::make_shared<LogImage>()) {
  options_.raft.id = id;
  options_.raft.pre_vote = world.options_.pre_vote;
  options_.raft.check_quorum = world.options_.check_quorum;
  options_.raft.stickiness = world.options_.check_quorum && world.options_.stickiness;
}

Host::~Host() = default;

std::unique_ptr<LogStore> Host::make_store(Disk& disk, Executor& executor) {
  if (world_.options_.make_log) return world_.options_.make_log(id_, disk, executor);
  if (world_.options_.log == LogKind::write_ahead) {
    const WriteAheadLogOptions options{.segment_bytes = world_.options_.segment_bytes, .salt_seed = random_.next()};
    return std::make_unique<WriteAheadLog>(disk, executor, options,
                                           LogIdentity{world_.genesis_.cluster_id(), options_.raft.group, id_});
  }
  auto store = std::make_unique<MemoryLogStore>(hardware_, image_);
  store->set_latency(world_.options_.sync_latency);
  return store;
}

// A log is opened once: whoever needs it again needs a new one.
void Host::make_log() {
  World& world = world_;
  const NodeId id = id_;
  log_ = std::make_unique<WatchedLog>(
      make_store(*disk_, executor_),
      WatchedLog::Watcher{[&world, id](const Recovered& found) { world.on_opened(id, found); },
                          [&world, id](const WriteBatch& batch) { world.on_write(id, batch); },
                          [this] {
                            bootstrapped_ = true;
                            world_.on_durable(id_);
                          }});
}

// A log that is empty though something was durable in it once is the loss that it looks like.
Result<std::unique_ptr<Node>> Host::start_node() {
  Transport& network = world_.network_.transport(id_);
  if (world_.options_.make_transport) transport_ = world_.options_.make_transport(id_, network, executor_);
  Transport& transport = transport_ != nullptr ? *transport_ : network;
  const auto pilot = [&] { return Pilot{transport, *log_, *machine_, nullptr, this}; };
  make_log();
  auto node = Node::start(options_, pilot(), executor_);
  const bool first = !node && node.error().code == ErrorCode::not_found && !bootstrapped_;
  if (!first) return node;
  make_log();
  return Node::bootstrap(world_.genesis_, options_, pilot(), executor_);
}

Result<void> Host::start() {
  KEEL_ASSERT(!up(), "a process starts once");
  clock_.reboot(boot_time(random_));
  disk_ = std::make_unique<SimDisk>(hardware_, media_);
  auto machine = world_.options_.machine ? world_.options_.machine(id_) : std::make_unique<RegisterMachine>();
  machine_ = std::make_unique<WatchedMachine>(
      std::move(machine), [&world = world_, id = id_](const Command& command, std::string_view reply) {
        world.on_applied(id, command, reply);
      });
  options_.raft.seed = random_.next();
  failed_ = false;
  world_.network_.up(id_, owner());
  auto node = start_node();
  if (!node) {
    die();
    return std::unexpected(node.error());
  }
  node_ = std::move(*node);
  world_.touch(id_);
  return {};
}

void Host::crash() {
  if (!up()) return;
  disk_->crash();
  die();
}

void Host::stop() {
  if (!up()) return;
  node_->stop();
  log_->close();
  disk_->stop();
  die();
}

// The process is gone; nothing of it runs again.
void Host::die() {
  world_.process_gone(id_);
  world_.network_.down(id_);
  node_.reset();
  transport_.reset();
  machine_.reset();
  log_.reset();
  disk_.reset();
  executor_.drop();
  paused_ = false;
}

void Host::pause() {
  if (!up() || paused_) return;
  paused_ = true;
  executor_.pause();
  world_.network_.pause(id_);
}

// What waited in its sockets and what waited elsewhere, the ends of writes and timers, have no order among themselves.
void Host::resume() {
  if (!up() || !paused_) return;
  paused_ = false;
  const bool messages_first = random_.chance(0.5);
  if (messages_first) world_.network_.resume(id_);
  executor_.resume();
  if (!messages_first) world_.network_.resume(id_);
}

EventMask Host::wants() const { return world_.options_.keep_events || world_.tracing() ? all_events : rare_events; }

EventMask Host::rare() { return rare_events; }

bool Host::is_rare(const Event& event) {
  const auto* protocol = std::get_if<RaftEvent>(&event.what);
  return protocol == nullptr || ((EventMask{1} << protocol->index()) & rare_events) != 0;
}

void Host::on_event(const Event& event) {
  if (std::holds_alternative<NodeFailed>(event.what)) failed_ = true;
  if (world_.options_.keep_events) events.push_back(event);
  world_.on_event(id_, event, node_ == nullptr ? nullptr : &node_->raft());
}

}  // namespace keel::sim
