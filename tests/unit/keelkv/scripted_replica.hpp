#pragma once

#include <deque>
#include <string>

#include "keelkv/commands/kv_machine.hpp"
#include "keelkv/server/kv_replica.hpp"

namespace keel {

// A replica in the test's hands: what is asked of it waits until the test says how it ends.
class ScriptedReplica final : public KvReplica {
 public:
  explicit ScriptedReplica(KvMachine& machine) : machine_(machine) {}

  void submit(ByteView command, std::shared_ptr<ReplyTarget> target, Instant, Completion<Applied> done) override {
    writes.push_back({std::string(reinterpret_cast<const char*>(command.data()), command.size()), std::move(target),
                      std::move(done)});
  }
  void read(Instant, Completion<Index> done) override { reads.push_back(std::move(done)); }
  [[nodiscard]] NodeStatus status() const override { return state; }

  // Applies the write at `position` of those waiting, and answers it.
  void apply(std::size_t position = 0) {
    Write write = take(position);
    Command command{.index = machine_.applied_index().next(),
                    .term = Term(1),
                    .kind = EntryKind::command,
                    .bytes = std::as_bytes(std::span(write.bytes)),
                    .envelope = {.wall_time = log_time},
                    .context = write.target};
    const LogPosition at{Term(1), command.index};
    machine_.apply({&command, 1}, command.index,
                   [&](Result<Replies> replies) { write.done(Applied{replies.value().at(0), at}); });
  }
  void apply_all() {
    while (!writes.empty())
      apply();
  }
  void refuse(Error error, std::size_t position = 0) { take(position).done(std::unexpected(std::move(error))); }

  void confirm() { end_read(machine_.applied_index()); }
  void end_read(Result<Index> result) {
    Completion<Index> done = std::move(reads.front());
    reads.pop_front();
    done(std::move(result));
  }

  struct Write {
    std::string bytes;
    std::shared_ptr<ReplyTarget> target;
    Completion<Applied> done;
  };
  std::deque<Write> writes;
  std::deque<Completion<Index>> reads;
  NodeStatus state;
  WallTime log_time{};  // of what is applied

 private:
  Write take(std::size_t position) {
    Write write = std::move(writes.at(position));
    writes.erase(writes.begin() + static_cast<std::ptrdiff_t>(position));
    return write;
  }

  KvMachine& machine_;
};

}  // namespace keel
