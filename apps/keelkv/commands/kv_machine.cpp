#include "keelkv/commands/kv_machine.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/data/kv_view.hpp"
#include "keelkv/resp/resp_writer.hpp"

namespace keel {

namespace {

constexpr std::size_t kept_specs = 1u << 12;  // memory for more is given back when the next entry comes

}  // namespace

void KvMachine::apply(std::span<Command> commands, Index up_to, Completion<Replies> done) {
  Replies replies(commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const Command& command = commands[i];
    if (i % decoded_ahead == 0) decode(commands.subspan(i, std::min(decoded_ahead, commands.size() - i)));
    advance_to(command.index.previous());
    const auto applied = apply_one(command, decoded_[i % decoded_ahead], replies[i]);
    if (!applied) return done(std::unexpected(applied.error()));
    advance_to(command.index);
  }
  advance_to(up_to);
  done(std::move(replies));
}

// Some at a time, so that what their keys hold is on its way from memory before it is asked for.
void KvMachine::decode(std::span<const Command> commands) {
  std::array<std::uint64_t, decoded_ahead> hashes;
  std::size_t hashed = 0;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    DecodedEntry& entry = decoded_[i].entry;
    decoded_[i].result = entry.decode(commands[i].bytes);
    if (!decoded_[i].result || entry.kind() != DecodedEntry::Kind::command) continue;
    const Args args = entry.command(0);
    if (args.size() > 1) hashes[hashed++] = table_hash(args[1]);  // nearly always the key
  }
  store_.prefetch(std::span(hashes).first(hashed));
}

Result<void> KvMachine::apply_one(const Command& command, const Decoded& decoded, Reply& reply) {
  if (!decoded.result) {
    const Error& error = decoded.result.error();
    return fail(error.code,
                fmt::format("entry {}: {}; nothing is applied from here on", command.index.value(), error.message));
  }
  const DecodedEntry& entry = decoded.entry;
  if (auto resolved = resolve(command.index, entry); !resolved) return resolved;
  store_.begin(command.index, command.envelope.wall_time.time_since_epoch().count());
  auto* const target = static_cast<ReplyTarget*>(command.context.get());
  RespWriter writer(reply, target == nullptr ? RespVersion::resp3 : target->version(),
                    target == nullptr ? 0 : target->room());
  run(entry, writer);
  if (writer.overflowed()) reply = Reply();
  if (target != nullptr) target->made(reply.size());
  return {};
}

// Finds all commands of the entry before the first is run.
Result<void> KvMachine::resolve(Index index, const DecodedEntry& entry) {
  if (specs_.capacity() > kept_specs) specs_ = std::vector<const CommandSpec*>();
  specs_.clear();
  for (std::size_t i = 0; i < entry.size(); ++i) {
    const Args args = entry.command(i);
    const auto resolved = CommandTable::get().resolve(args);
    const auto* const spec = std::get_if<const CommandSpec*>(&resolved);
    const bool in_transaction = entry.kind() == DecodedEntry::Kind::transaction;
    if (spec == nullptr || !(in_transaction ? (*spec)->fits_transaction() : (*spec)->is_write())) {
      return fail(ErrorCode::wrong_version,
                  fmt::format("entry {} holds a command that this build does not know ('{}'); run a build that does",
                              index.value(), args[0].substr(0, 64)));
    }
    specs_.push_back(*spec);
  }
  return {};
}

void KvMachine::run(const DecodedEntry& entry, RespWriter& reply) {
  if (entry.kind() == DecodedEntry::Kind::time) return reply.ok();
  if (entry.kind() == DecodedEntry::Kind::command) return run_one(entry.command(0), 0, reply);
  for (const WatchedKey& watched : entry.watched()) {
    if (store_.changed_since(watched.key, watched.unchanged_since)) return reply.null_array();
  }
  reply.array(specs_.size());
  for (std::size_t i = 0; i < specs_.size(); ++i)
    run_one(entry.command(i), i, reply);
}

// What a read in a transaction sees is of the log alone; it changes nothing, so without a reply there is nothing to do.
void KvMachine::run_one(Args args, std::size_t position, RespWriter& reply) {
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
