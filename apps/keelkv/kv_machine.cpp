#include "keelkv/kv_machine.hpp"

#include <fmt/format.h>

#include "keelkv/command_bytes.hpp"
#include "keelkv/command_table.hpp"
#include "keelkv/resp_writer.hpp"

namespace keel {

void KvMachine::apply(std::span<Command> commands, Index up_to, Completion<Replies> done) {
  Replies replies(commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i) {
    advance_to(commands[i].index.previous());
    if (auto applied = apply_one(commands[i], replies[i]); !applied) return done(std::unexpected(applied.error()));
    advance_to(commands[i].index);
  }
  advance_to(up_to);
  done(std::move(replies));
}

Result<void> KvMachine::apply_one(const Command& command, Reply& reply) {
  if (auto decoded = decode_command(command.bytes, args_); !decoded) {
    return fail(decoded.error().code, fmt::format("entry {}: {}; nothing is applied from here on",
                                                  command.index.value(), decoded.error().message));
  }
  const auto resolved = CommandTable::get().resolve(args_);
  const auto* const spec = std::get_if<const CommandSpec*>(&resolved);
  if (spec == nullptr || !(*spec)->is_write()) {
    return fail(ErrorCode::wrong_version,
                fmt::format("entry {} holds a command that this build does not know ('{}'); run a build that does",
                            command.index.value(), args_[0].substr(0, 64)));
  }
  RespWriter writer(reply, RespVersion::resp3);
  std::get<WriteHandler>((*spec)->handler)(store_, args_, writer);
  return {};
}

// The state does not change on the way from `applied_` to `index`.
void KvMachine::advance_to(Index index) {
  const auto round_of = [](Index at) { return at.value() / checkpoint_interval; };
  for (std::uint64_t round = round_of(applied_) + 1; round <= round_of(index); ++round) {
    checkpoints_[round % kept_checkpoints] = {Index(round * checkpoint_interval), store_.hash()};
  }
  if (index > applied_) applied_ = index;
}

std::vector<KvMachine::Checkpoint> KvMachine::checkpoints() const {
  std::vector<Checkpoint> kept;
  const std::uint64_t newest = applied_.value() / checkpoint_interval;
  const std::uint64_t oldest = newest >= kept_checkpoints ? newest - kept_checkpoints + 1 : 1;
  for (std::uint64_t round = oldest; round <= newest; ++round)
    kept.push_back(checkpoints_[round % kept_checkpoints]);
  return kept;
}

}  // namespace keel
