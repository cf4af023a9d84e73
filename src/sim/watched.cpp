#include "sim/watched.hpp"

#include <algorithm>
#include <cstring>

namespace keel::sim {
namespace {

constexpr std::uint64_t marked = 0x6b65656c2d73696dULL;

}  // namespace

WatchedLog::WatchedLog(std::unique_ptr<LogStore> inner, Watcher watcher)
    : inner_(std::move(inner)), watcher_(std::move(watcher)) {}

WatchedLog::~WatchedLog() = default;

Result<Recovered> WatchedLog::open() {
  Result<Recovered> recovered = inner_->open();
  if (recovered) watcher_.opened(*recovered);
  return recovered;
}

void WatchedLog::write(WriteBatch batch, Completion<void> done) {
  watcher_.writes(batch);
  inner_->write(std::move(batch), [this, done = std::move(done)](Result<void> result) mutable {
    if (result) watcher_.wrote();
    done(std::move(result));
  });
}

void WatchedLog::read(IndexRange range, std::size_t max_bytes, Completion<std::vector<Entry>> done) {
  inner_->read(range, max_bytes, std::move(done));
}

std::vector<std::byte> mark(std::uint64_t number, ByteView command) {
  std::vector<std::byte> bytes(command_mark_size + command.size());
  std::memcpy(bytes.data(), &marked, sizeof marked);
  std::memcpy(bytes.data() + sizeof marked, &number, sizeof number);
  std::ranges::copy(command, bytes.begin() + command_mark_size);
  return bytes;
}

std::uint64_t mark_of(ByteView command) {
  std::uint64_t begin = 0;
  std::uint64_t number = 0;
  if (command.size() < command_mark_size) return 0;
  std::memcpy(&begin, command.data(), sizeof begin);
  std::memcpy(&number, command.data() + sizeof begin, sizeof number);
  return begin == marked ? number : 0;
}

WatchedMachine::WatchedMachine(std::unique_ptr<StateMachine> inner, Watcher watcher)
    : inner_(std::move(inner)), watcher_(std::move(watcher)) {}

WatchedMachine::~WatchedMachine() = default;

void WatchedMachine::apply(std::span<Command> commands, Index up_to, Completion<Replies> done) {
  bare_.assign(commands.begin(), commands.end());
  for (Command& command : bare_) {
    if (mark_of(command.bytes) != 0) command.bytes = command.bytes.subspan(command_mark_size);
  }
  inner_->apply(bare_, up_to, [this, commands, done = std::move(done)](Result<Replies> replies) mutable {
    if (replies) {
      if (!commands.empty()) reached_ = commands.back().index;
      for (std::size_t i = 0; i < commands.size(); ++i) {
        watcher_(commands[i], i < replies->size() ? std::string_view((*replies)[i]) : std::string_view());
      }
    }
    done(std::move(replies));
  });
}

void WatchedMachine::restore(std::unique_ptr<SnapshotSource> source, Index index, Completion<void> done) {
  inner_->restore(std::move(source), index, std::move(done));
}

}  // namespace keel::sim
