#include "keel/sim/sim_disk.hpp"

#include <algorithm>
#include <deque>
#include <limits>
#include <optional>
#include <set>

#include <fmt/core.h>

#include "keel/base/assert.hpp"
#include "sim/sim_files.hpp"

namespace keel::sim {
namespace {

constexpr std::array<const char*, disk_ops> op_names = {"open",   "read",   "write",  "sync",
                                                        "create", "rename", "remove", "replace"};

std::size_t slot(DiskOp op) { return static_cast<std::size_t>(op); }

constexpr std::uint64_t block_size = 4096;
constexpr std::string_view broken = "Input/output error";
constexpr std::string_view full = "No space left on device";
constexpr std::string_view dark = "the power is off";

std::unexpected<Error> refused(DiskOp op, std::string_view file, std::string_view reason) {
  const ErrorCode code = reason == full ? ErrorCode::overloaded : ErrorCode::io;
  return keel::fail(code, fmt::format("{} {}: {}", op_names[slot(op)], file, reason));
}

class SimFile final : public File {
 public:
  SimFile(std::shared_ptr<SimInode> inode, std::string name)
      : inode_(std::move(inode)), name_(std::make_shared<std::string>(std::move(name))) {}
  [[nodiscard]] const std::string& name() const override { return *name_; }
  [[nodiscard]] const std::shared_ptr<SimInode>& inode() const { return inode_; }
  [[nodiscard]] const std::shared_ptr<std::string>& shared_name() const { return name_; }

 private:
  std::shared_ptr<SimInode> inode_;
  std::shared_ptr<std::string> name_;
};

const SimFile& sim_file(const File& file) { return static_cast<const SimFile&>(file); }

// All of it, and zeros up to the end of its last block: as much is lost to who writes there as can be.
std::vector<std::byte> gathered(const std::vector<DiskBuffer>& buffers, std::uint64_t offset) {
  std::vector<std::byte> bytes;
  for (const DiskBuffer& buffer : buffers) {
    bytes.insert(bytes.end(), buffer.bytes.begin(), buffer.bytes.end());
  }
  const std::uint64_t past = (offset + bytes.size()) % block_size;
  if (past != 0) bytes.resize(bytes.size() + block_size - past);
  return bytes;
}

}  // namespace

std::string_view to_string(DiskOp op) { return op_names[slot(op)]; }

struct SimMedia::State {
  struct Fault {
    std::multiset<std::uint64_t> at;  // counted as `begun` is
    bool always = false;
  };

  State(std::uint64_t seed, DiskTiming timing) : random(seed), timing(timing) {}

  // Whether an operation of this kind, which begins now, is to fail.
  bool count(DiskOp op) {
    const std::uint64_t number = ++begun[slot(op)];
    Fault& fault = faults[slot(op)];
    return fault.at.erase(number) > 0 || fault.always;
  }
  std::unexpected<Error> refuse(DiskOp op, std::string_view file, std::string_view reason) {
    ++(reason == full ? troubles.full : troubles.failed[slot(op)]);
    return refused(op, file, reason);
  }
  // Of a write and its sync, which is to fail.
  std::optional<DiskOp> count_write() {
    if (count(DiskOp::write)) return DiskOp::write;
    return count(DiskOp::sync) ? std::optional(DiskOp::sync) : std::nullopt;
  }
  Result<void> write(SimInode& inode, std::string_view name, std::uint64_t offset, ByteView bytes,
                     std::optional<DiskOp> fails) {
    if (!fails) {
      inode.write(offset, bytes);
      inode.sync();
      return {};
    }
    if (fails == DiskOp::write) bytes = bytes.first(static_cast<std::size_t>(random.below(bytes.size() + 1)));
    inode.write_unsynced(offset, bytes, true);
    if (fails == DiskOp::write && !bytes.empty()) ++troubles.short_writes;
    return refuse(*fails, name, broken);
  }
  // What a power cut has left of a write, in their order.
  void left(Left part) {
    if (part > least_left || part == Left::scattered) ++troubles.reordered;
    if (part == Left::nothing) ++troubles.lost;
    if (part == Left::part || part == Left::scattered) ++troubles.torn;
    least_left = std::min(least_left, part);
  }
  [[nodiscard]] std::uint64_t used() const {
    std::uint64_t bytes = 0;
    for (const auto& [name, inode] : files) {
      bytes += inode->size();
    }
    return bytes;
  }
  [[nodiscard]] std::uint64_t free() const { return capacity - std::min(used(), capacity); }
  [[nodiscard]] SimInode& inode(std::string_view name) const {
    const auto found = files.find(name);
    KEEL_ASSERT(found != files.end(), "a test names a file that is there");
    return *found->second;
  }

  Random random;
  DiskTiming timing;
  SimDirectory files;
  std::array<Fault, disk_ops> faults;
  std::array<std::uint64_t, disk_ops> begun{};
  std::uint64_t begun_in_all = 0;
  std::uint64_t crash_at = 0;  // counted as `begun_in_all` is
  std::uint64_t capacity = SimMedia::ample;
  Duration slower{};
  bool hanging = false;
  Troubles troubles;
  Left least_left = Left::all;  // of the writes that this power cut has met so far
  std::vector<SimDisk*> users;
  const SimDisk* locked_by = nullptr;
};

SimMedia::SimMedia(std::uint64_t seed, DiskTiming timing) : state_(std::make_unique<State>(seed, timing)) {}
SimMedia::~SimMedia() = default;
SimMedia::SimMedia(SimMedia&&) noexcept = default;
SimMedia& SimMedia::operator=(SimMedia&&) noexcept = default;

SimMedia SimMedia::copy(std::uint64_t seed) const {
  SimMedia made(seed, state_->timing);
  for (const auto& [name, inode] : state_->files) {
    made.state_->files.emplace(name, std::make_shared<SimInode>(*inode));
  }
  return made;
}

std::vector<std::string> SimMedia::files() const {
  std::vector<std::string> names;
  for (const auto& [name, inode] : state_->files) {
    names.push_back(name);
  }
  return names;
}

std::vector<std::byte> SimMedia::contents(std::string_view name) const {
  const SimInode& inode = state_->inode(name);
  std::vector<std::byte> bytes(inode.size());
  inode.read(0, bytes);
  return bytes;
}

std::uint64_t SimMedia::size(std::string_view name) const { return state_->inode(name).size(); }

void SimMedia::put(std::string_view name, ByteView contents) {
  auto inode = std::make_shared<SimInode>();
  inode->write(0, contents);
  state_->files.insert_or_assign(std::string(name), std::move(inode));
}

void SimMedia::erase(std::string_view name) {
  const auto found = state_->files.find(name);
  KEEL_ASSERT(found != state_->files.end(), "a test names a file that is there");
  state_->files.erase(found);
}

void SimMedia::flip(std::string_view name, std::uint64_t offset, unsigned bit) {
  SimInode& inode = state_->inode(name);
  KEEL_ASSERT(offset < inode.size() && bit < 8, "a test flips a bit that is there");
  std::byte byte{};
  inode.read(offset, {&byte, 1});
  byte ^= std::byte{1} << bit;
  inode.write(offset, {&byte, 1});
}

void SimMedia::fail(DiskOp op, std::uint64_t nth) { state_->faults[slot(op)].at.insert(state_->begun[slot(op)] + nth); }
void SimMedia::fail_all(DiskOp op, bool on) { state_->faults[slot(op)].always = on; }
void SimMedia::heal() {
  state_->faults = {};
  set_capacity(ample);
  slow_down({});
  hang(false);
}
void SimMedia::slow_down(Duration by) { state_->slower = by; }
void SimMedia::set_capacity(std::uint64_t bytes) { state_->capacity = bytes; }
void SimMedia::crash_at(std::uint64_t nth) { state_->crash_at = nth == 0 ? 0 : state_->begun_in_all + nth; }
std::uint64_t SimMedia::ops() const { return state_->begun_in_all; }
std::uint64_t SimMedia::ops(DiskOp op) const { return state_->begun[slot(op)]; }
std::uint64_t SimMedia::used_bytes() const { return state_->used(); }
const SimMedia::Troubles& SimMedia::troubles() const { return state_->troubles; }

// What was asked of the disk and is not done.
struct SimDisk::Operation {
  Duration takes;
  std::move_only_function<void()> finish;             // does it, and tells
  std::move_only_function<void(bool power)> survive;  // never told: what is left of it, after a power cut or a kill
};

class SimDisk::Lane {
 public:
  std::deque<std::unique_ptr<Operation>> waiting;
  TimerId timer;
  bool stalled = false;  // its time has come, but the disk hangs
};

void SimMedia::hang(bool on) {
  state_->hanging = on;
  if (on) return;
  for (SimDisk* disk : state_->users) {
    for (SimDisk::Lane* lane : {disk->writes_.get(), disk->reads_.get()}) {
      if (std::exchange(lane->stalled, false)) disk->start(*lane);
    }
  }
}

SimDisk::SimDisk(Executor& executor, SimMedia& media)
    : executor_(executor),
      media_(media.state_.get()),
      writes_(std::make_unique<Lane>()),
      reads_(std::make_unique<Lane>()),
      files_(std::make_unique<Lane>()) {
  media_->users.push_back(this);
}

SimDisk::~SimDisk() { stop(); }

void SimDisk::leave() {
  alive_ = false;
  for (Lane* lane : lanes()) {
    executor_.cancel(lane->timer);
    lane->waiting.clear();
  }
  std::erase(media_->users, this);
  if (media_->locked_by == this) media_->locked_by = nullptr;
}

void SimDisk::crash() {
  if (!alive_) return;
  media_->least_left = Left::all;
  for (Lane* lane : lanes()) {
    for (auto& operation : lane->waiting) {
      operation->survive(true);
    }
  }
  for (auto& [name, inode] : media_->files) {
    media_->troubles.reverted += inode->lose_unsynced(media_->random);
  }
  leave();
}

void SimDisk::stop() {
  if (!alive_) return;
  for (Lane* lane : lanes()) {
    const std::uint64_t happen = media_->random.below(lane->waiting.size() + 1);
    for (std::uint64_t i = 0; i < happen; ++i) {
      lane->waiting[i]->survive(false);
    }
  }
  leave();
}

bool SimDisk::begin() {
  if (!alive_) return false;
  ++media_->begun_in_all;
  return media_->begun_in_all != media_->crash_at;
}

void SimDisk::submit(Lane& lane, std::unique_ptr<Operation> operation) {
  const bool power = begin();
  if (!alive_) return;
  lane.waiting.push_back(std::move(operation));
  if (!power) return crash();
  if (lane.waiting.size() == 1) start(lane);
}

void SimDisk::start(Lane& lane) {
  const Duration takes = lane.waiting.front()->takes + media_->slower;
  if (media_->slower > Duration(0)) ++media_->troubles.slowed;
  lane.timer = executor_.at(executor_.now() + takes, [this, &lane] { finish(lane); });
}

void SimDisk::finish(Lane& lane) {
  if (media_->hanging && &lane != files_.get()) {
    lane.stalled = true;
    ++media_->troubles.hung;
    return;
  }
  const auto operation = std::move(lane.waiting.front());
  lane.waiting.pop_front();
  if (!lane.waiting.empty()) start(lane);
  operation->finish();  // last: it may destroy this disk
}

Result<void> SimDisk::lock() {
  if (!alive_) return keel::fail(ErrorCode::io, "lock: the power is off");
  if (media_->locked_by != nullptr && media_->locked_by != this) {
    return keel::fail(ErrorCode::locked, "the simulated disk is in use by another process");
  }
  media_->locked_by = this;
  return {};
}

Result<std::vector<std::string>> SimDisk::list() {
  if (!alive_) return refused(DiskOp::open, "directory", dark);
  std::vector<std::string> names;
  for (const auto& [name, inode] : media_->files) {
    names.push_back(name);
  }
  return names;
}

Result<std::unique_ptr<File>> SimDisk::open(std::string_view name) {
  if (!alive_) return refused(DiskOp::open, name, dark);
  if (media_->count(DiskOp::open)) return media_->refuse(DiskOp::open, name, broken);
  const auto found = media_->files.find(name);
  if (found == media_->files.end()) {
    return keel::fail(ErrorCode::not_found, fmt::format("open {}: No such file or directory", name));
  }
  return std::make_unique<SimFile>(found->second, std::string(name));
}

Result<std::uint64_t> SimDisk::size(File& file) { return sim_file(file).inode()->size(); }

Result<std::vector<std::byte>> SimDisk::read_now(File& file, std::uint64_t offset, std::size_t size) {
  if (!alive_) return refused(DiskOp::read, file.name(), dark);
  if (media_->count(DiskOp::read)) return media_->refuse(DiskOp::read, file.name(), broken);
  const SimInode& inode = *sim_file(file).inode();
  const std::uint64_t left = offset < inode.size() ? inode.size() - offset : 0;
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min<std::uint64_t>(size, left)));
  inode.read(offset, bytes);
  return bytes;
}

Result<void> SimDisk::sync_now(File& file) {
  if (!begin()) {
    crash();
    return refused(DiskOp::sync, file.name(), dark);
  }
  if (media_->count(DiskOp::sync)) return media_->refuse(DiskOp::sync, file.name(), broken);
  sim_file(file).inode()->sync();
  return {};
}

Result<void> SimDisk::write_now(File& file, std::uint64_t offset, ByteView bytes) {
  const bool power = begin();
  if (!alive_) return refused(DiskOp::write, file.name(), dark);
  SimInode& inode = *sim_file(file).inode();
  const std::vector<std::byte> whole = gathered({{bytes, {}}}, offset);
  KEEL_ASSERT(offset + whole.size() <= inode.size(), "a write lies inside its file");
  if (power) return media_->write(inode, file.name(), offset, whole, media_->count_write());
  crash();
  media_->left(write_torn(inode, offset, whole, media_->random));
  return refused(DiskOp::write, file.name(), dark);
}

Result<void> SimDisk::replace_now(std::string_view name, ByteView contents) {
  const bool power = begin();
  if (!alive_) return refused(DiskOp::replace, name, dark);
  if (media_->count(DiskOp::replace)) return media_->refuse(DiskOp::replace, name, broken);
  if (media_->used() + contents.size() > media_->capacity) return media_->refuse(DiskOp::replace, name, full);
  if (power || media_->random.chance(0.5)) {
    auto inode = std::make_shared<SimInode>();
    inode->write(0, contents);
    media_->files.insert_or_assign(std::string(name), std::move(inode));
  }
  if (power) return {};
  crash();
  return refused(DiskOp::replace, name, dark);
}

void SimDisk::create(std::string name, std::uint64_t size, Completion<std::unique_ptr<File>> done) {
  KEEL_ASSERT(size % block_size == 0, "files are made of whole blocks");
  const bool fails = media_->count(DiskOp::create);
  auto operation = std::make_unique<Operation>();
  operation->takes = media_->random.between(media_->timing.file_min, media_->timing.file_max);
  operation->survive = [this, name, size](bool power) {
    if (media_->files.contains(name) || media_->random.chance(0.25)) return;
    const std::uint64_t sectors = size / sector_size + 1;
    const std::uint64_t reached = power ? media_->random.below(sectors) * sector_size : size;
    media_->files.emplace(name, std::make_shared<SimInode>(media_->random.chance(0.25) ? size : reached));
  };
  operation->finish = [this, name, size, fails, done = std::move(done)]() mutable {
    if (fails) return done(media_->refuse(DiskOp::create, name, broken));
    if (media_->files.contains(name)) {
      return done(keel::fail(ErrorCode::exists, fmt::format("create {}: File exists", name)));
    }
    if (media_->used() + size > media_->capacity) return done(media_->refuse(DiskOp::create, name, full));
    auto inode = std::make_shared<SimInode>(size);
    media_->files.emplace(name, inode);
    done(std::make_unique<SimFile>(std::move(inode), std::move(name)));
  };
  submit(*files_, std::move(operation));
}

void SimDisk::rename(File& file, std::string to, Completion<void> done) {
  const bool fails = media_->count(DiskOp::rename);
  auto operation = std::make_unique<Operation>();
  operation->takes = media_->random.between(media_->timing.file_min, media_->timing.file_max);
  auto act = [media = media_, from = file.name(), to]() -> Result<void> {
    if (media->files.contains(to)) return keel::fail(ErrorCode::exists, fmt::format("rename {}: File exists", from));
    auto node = media->files.extract(from);
    if (node.empty()) {
      return keel::fail(ErrorCode::not_found, fmt::format("rename {}: No such file or directory", from));
    }
    node.key() = to;
    media->files.insert(std::move(node));
    return {};
  };
  operation->survive = [this, act](bool power) {
    if (!power || media_->random.chance(0.5)) (void)act();
  };
  operation->finish = [this, act, fails, to, name = sim_file(file).shared_name(), done = std::move(done)]() mutable {
    if (fails) return done(media_->refuse(DiskOp::rename, *name, broken));
    Result<void> renamed = act();
    if (renamed) *name = to;
    done(std::move(renamed));
  };
  submit(*files_, std::move(operation));
}

void SimDisk::remove(std::string name, Completion<void> done) {
  const bool fails = media_->count(DiskOp::remove);
  auto operation = std::make_unique<Operation>();
  operation->takes = media_->random.between(media_->timing.file_min, media_->timing.file_max);
  operation->survive = [this, name](bool power) {
    if (!power || media_->random.chance(0.5)) media_->files.erase(name);
  };
  operation->finish = [this, name, fails, done = std::move(done)]() mutable {
    if (fails) return done(media_->refuse(DiskOp::remove, name, broken));
    if (media_->files.erase(name) > 0) return done({});
    done(keel::fail(ErrorCode::not_found, fmt::format("remove {}: No such file or directory", name)));
  };
  submit(*files_, std::move(operation));
}

void SimDisk::write_sync(File& file, std::uint64_t offset, std::vector<DiskBuffer> buffers, Completion<void> done) {
  const std::optional<DiskOp> fails = media_->count_write();
  const auto inode = sim_file(file).inode();
  auto bytes = std::make_shared<std::vector<std::byte>>(gathered(buffers, offset));
  KEEL_ASSERT(offset + bytes->size() <= inode->size(), "a write lies inside its file");

  auto operation = std::make_unique<Operation>();
  operation->takes = media_->random.between(media_->timing.write_min, media_->timing.write_max);
  operation->survive = [this, inode, offset, bytes](bool power) {
    if (power) return media_->left(write_torn(*inode, offset, *bytes, media_->random));
    inode->write_unsynced(offset, *bytes, false);
  };
  operation->finish = [this, inode, offset, bytes, fails, name = file.name(), done = std::move(done)]() mutable {
    done(media_->write(*inode, name, offset, *bytes, fails));
  };
  submit(*writes_, std::move(operation));
}

void SimDisk::read(File& file, std::uint64_t offset, std::size_t size, Completion<BlockPtr> done) {
  const bool fails = media_->count(DiskOp::read);
  auto operation = std::make_unique<Operation>();
  operation->takes = media_->random.between(media_->timing.read_min, media_->timing.read_max);
  operation->survive = [](bool) {};
  operation->finish = [this, inode = sim_file(file).inode(), offset, size, fails, name = file.name(),
                       done = std::move(done)]() mutable {
    if (fails) return done(media_->refuse(DiskOp::read, name, broken));
    const std::uint64_t left = offset < inode->size() ? inode->size() - offset : 0;
    BlockPtr block(Block::make(static_cast<std::size_t>(std::min<std::uint64_t>(size, left))));
    inode->read(offset, {block->data(), block->size()});
    done(std::move(block));
  };
  submit(*reads_, std::move(operation));
}

Result<std::uint64_t> SimDisk::free_bytes_now() { return media_->free(); }

void SimDisk::free_bytes(Completion<std::uint64_t> done) {
  auto operation = std::make_unique<Operation>();
  operation->takes = media_->timing.file_min;
  operation->survive = [](bool) {};
  operation->finish = [this, done = std::move(done)]() mutable { done(media_->free()); };
  submit(*files_, std::move(operation));
}

}  // namespace keel::sim
