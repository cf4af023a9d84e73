#include "keelkv/commands/kv_machine.hpp"

#include <fmt/format.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/data/kv_view.hpp"
#include "keelkv/resp/resp_writer.hpp"

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
  if (auto decoded = entry_.decode(command.bytes); !decoded) {
    return fail(decoded.error().code, fmt::format("entry {}: {}; nothing is applied from here on",
                                                  command.index.value(), decoded.error().message));
  }
  if (auto resolved = resolve(command.index); !resolved) return resolved;
  store_.begin(command.index, command.envelope.wall_time.time_since_epoch().count());
  auto* const target = static_cast<ReplyTarget*>(command.context.get());
  RespWriter writer(reply, target == nullptr ? RespVersion::resp3 : target->version(),
                    target == nullptr ? 0 : target->room());
  run(writer);
  if (writer.overflowed()) reply = Reply();
  if (target != nullptr) target->made(reply.size());
  return {};
}

// Finds all commands of the entry before the first is run.
Result<void> KvMachine::resolve(Index index) {
  specs_.clear();
  for (std::size_t i = 0; i < entry_.size(); ++i) {
    const Args args = entry_.command(i);
    const auto resolved = CommandTable::get().resolve(args);
    const auto* const spec = std::get_if<const CommandSpec*>(&resolved);
    const bool in_transaction = entry_.kind() == DecodedEntry::Kind::transaction;
    if (spec == nullptr || !(in_transaction ? (*spec)->fits_transaction() : (*spec)->is_write())) {
      return fail(ErrorCode::wrong_version,
                  fmt::format("entry {} holds a command that this build does not know ('{}'); run a build that does",
                              index.value(), args[0].substr(0, 64)));
    }
    specs_.push_back(*spec);
  }
  return {};
}

void KvMachine::run(RespWriter& reply) {
  if (entry_.kind() == DecodedEntry::Kind::time) return reply.ok();
  if (entry_.kind() == DecodedEntry::Kind::command) return run_one(0, reply);
  for (const WatchedKey& watched : entry_.watched()) {
    if (store_.changed_since(watched.key, watched.unchanged_since)) return reply.null_array();
  }
  reply.array(specs_.size());
  for (std::size_t i = 0; i < specs_.size(); ++i)
    run_one(i, reply);
}

// What a read in a transaction sees is of the log alone; it changes nothing, so without a reply there is nothing to do.
void KvMachine::run_one(std::size_t position, RespWriter& reply) {
  const Args args = entry_.command(position);
  if (const auto* write = std::get_if<WriteHandler>(&specs_[position]->handler)) return (*write)(store_, args, reply);
  if (specs_[position]->is_unwatch()) return reply.ok();
  if (const auto* plain = std::get_if<PlainHandler>(&specs_[position]->handler)) return (*plain)(args, reply);
  if (reply.overflowed()) return;
  KvView view(store_, store_.now(), applied_.value() + position);
  std::get<ReadHandler>(specs_[position]->handler)(view, args, reply);
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
