#pragma once

#include <array>
#include <optional>
#include <vector>

#include "keel/port/state_machine.hpp"
#include "keelkv/commands/command.hpp"
#include "keelkv/data/kv_store.hpp"
#include "keelkv/resp/command_bytes.hpp"
#include "keelkv/resp/reply_target.hpp"

namespace keel {

// keelkv's replicated state: applies client commands from the log to a store in memory. A command's context is its
// ReplyTarget: without one the reply is empty; with one it is empty only if there was not enough room for it.
class KvMachine final : public StateMachine {
 public:
  // The state's hash as it was at some index, kept at every `checkpoint_interval` so that nodes which are never at the
  // same index at the same moment can still be compared.
  struct Checkpoint {
    Index index;
    std::uint64_t hash = 0;
  };
  static constexpr std::uint64_t checkpoint_interval = 1024;
  static constexpr std::size_t kept_checkpoints = 16;

  // Errors: `corrupt`, `wrong_version` for an entry that is no command this build knows. It cannot be skipped: other
  // nodes may have applied it.
  void apply(std::span<Command> commands, Index up_to, Completion<Replies> done) override;
  Index applied() override { return applied_; }

  [[nodiscard]] Index applied_index() const { return applied_; }
  [[nodiscard]] const KvStore& store() const { return store_; }
  // The newest ones, oldest first.
  [[nodiscard]] std::vector<Checkpoint> checkpoints() const;

 private:
  // What is decoded ahead of what is applied.
  struct Decoded {
    DecodedEntry entry;
    Result<void> result;
  };
  static constexpr std::size_t decoded_ahead = 16;

  void decode(std::span<const Command> commands);
  Result<void> apply_one(const Command& command, const Decoded& decoded, Reply& reply);
  Result<void> resolve(Index index, const DecodedEntry& entry);
  void run(const DecodedEntry& entry, RespWriter& reply);
  void run_one(Args args, std::size_t position, RespWriter& reply);
  void advance_to(Index index);

  KvStore store_;
  Index applied_;
  std::array<Checkpoint, kept_checkpoints> checkpoints_{};
  std::array<Decoded, decoded_ahead> decoded_;
  std::vector<const CommandSpec*> specs_;  // of the commands of the entry that is being applied
};

}  // namespace keel
