// MULTI and what belongs to it: commands gathered by the connection, to be carried out as one entry of the log.
#include <fmt/format.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/data/kv_view.hpp"
#include "keelkv/server/kv_connection.hpp"
#include "keelkv/server/kv_server.hpp"

namespace keel {

namespace {

// Looks whether the log knows the time that these keys are to be watched at.
void look_at_keys(KvView& view, Args args, RespWriter& reply) {
  for (const std::string_view key : args.subspan(1))
    (void)view.find(key);
  reply.ok();
}

const CommandSpec transaction_table[] = {
    {"discard", 1, TransactionStep::discard, {}, "transactions", "Forgets the commands since MULTI, and unwatches."},
    {"exec", 1, TransactionStep::exec, {}, "transactions", "Carries out the commands since MULTI, all at once."},
    {"multi", 1, TransactionStep::multi, {}, "transactions", "From here on commands are gathered for EXEC."},
    {"unwatch", 1, TransactionStep::unwatch, {}, "transactions", "Forgets all watched keys."},
    {"watch", -2, TransactionStep::watch, {1, -1, 1}, "transactions", "EXEC does nothing if these keys change before."},
};

}  // namespace

bool KvConnection::run_step(TransactionStep step) {
  switch (step) {
    case TransactionStep::multi:
      if (transaction_.is_open()) return answer("-ERR MULTI calls can not be nested\r\n");
      if (!answer("+OK\r\n")) return false;
      transaction_.open();
      return true;
    case TransactionStep::exec: return run_transaction();
    case TransactionStep::discard:
      if (!transaction_.is_open()) return answer("-ERR DISCARD without MULTI\r\n");
      if (!answer("+OK\r\n")) return false;
      transaction_.clear();
      return true;
    case TransactionStep::watch:
      if (transaction_.is_open()) return answer("-ERR WATCH inside MULTI is not allowed\r\n");
      return run_watch();
    case TransactionStep::unwatch:
      if (!answer("+OK\r\n")) return false;
      transaction_.unwatch();
      return true;
  }
  return true;
}

// Whatever it is that cannot be gathered, EXEC will refuse them all.
bool KvConnection::spoil(std::string_view error) {
  std::string reply;
  RespWriter(reply, session_.version).error(error);
  if (!answer(reply)) return false;
  transaction_.spoil();
  return true;
}

// An EXEC that is itself wrong ends what it was to carry out.
bool KvConnection::abort_transaction(std::string_view error) {
  if (error.starts_with("ERR ")) error.remove_prefix(4);
  if (!answer(fmt::format("-EXECABORT Transaction discarded because of: {}\r\n", error))) return false;
  transaction_.clear();
  return true;
}

bool KvConnection::queue_command(const CommandSpec& command) {
  if (!command.fits_transaction()) return spoil("ERR Command not allowed inside a transaction");
  if (transaction_.queued_bytes() + parser_.consumed() > server_.settings().max_request) {
    return spoil(fmt::format("ERR a transaction of more than {} bytes, which max-request allows",
                             server_.settings().max_request));
  }
  const Args args = parser_.args();
  if (!has_room_for_reply()) return false;
  transaction_.queue(args);
  return answer("+QUEUED\r\n");
}

bool KvConnection::run_transaction() {
  if (!transaction_.is_open()) return answer("-ERR EXEC without MULTI\r\n");
  if (!has_room_for_reply()) return false;
  if (transaction_.is_broken()) {
    transaction_.clear();
    return answer("-EXECABORT Transaction discarded because of previous errors.\r\n");
  }
  transaction_.encode(server_.scratch());
  transaction_.clear();
  return submit_scratch();
}

// Whatever changes these keys comes behind the index at which they were looked at.
bool KvConnection::run_watch() {
  if (!replies_.empty()) return wait_for_writes();
  RespWriter reply = bounded_reply();
  if (!read(look_at_keys, reply)) return false;
  if (!read_failed()) {
    for (const std::string_view key : parser_.args().subspan(1))
      transaction_.watch(key, server_.machine().applied_index());
  }
  return reply_done(reply);
}

std::span<const CommandSpec> transaction_commands() { return transaction_table; }

}  // namespace keel
