#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "keelkv/data/numbers.hpp"

namespace keel {

class KvConnection;
class KvStore;
class KvView;
class RespWriter;

// A command's arguments, its name first.
using Args = std::span<const std::string_view>;

// What a command may touch is in its handler's type. A write runs when its log entry is applied, on every node alike,
// and may depend on nothing but the store and the arguments; where nobody waits for the reply, the writer takes nothing,
// and what was written to it must not be asked. A read runs on the node that the client asked. A step of a transaction
// concerns what the connection has gathered. A plain one's reply is in its arguments. The rest is about the connection or
// the server. Each appends exactly one reply.
using WriteHandler = void (*)(KvStore& store, Args args, RespWriter& reply);
using ReadHandler = void (*)(KvView& view, Args args, RespWriter& reply);
using PlainHandler = void (*)(Args args, RespWriter& reply);
using SessionHandler = void (*)(KvConnection& connection, Args args, RespWriter& reply);
enum class TransactionStep : std::uint8_t { multi, exec, discard, watch, unwatch };
using CommandHandler = std::variant<SessionHandler, PlainHandler, ReadHandler, WriteHandler, TransactionStep>;

// Where a command's keys are among its arguments, as COMMAND tells it; `last` counts from the end when negative.
struct KeyPositions {
  int first = 0;  // 0: no keys
  int last = 0;
  int step = 0;
  int counted_by = 0;  // if not 0: the argument that says how many keys stand behind it
};

inline constexpr KeyPositions one_key{1, 1, 1};
inline constexpr KeyPositions all_keys{1, -1, 1};

// One row of the command table. A container (CLIENT, say) has subcommands, and no handler that is ever called.
struct CommandSpec {
  std::string_view name;  // lower case; a subcommand's is "client|id"
  int arity = 0;          // the name counts; negative: at least that many
  CommandHandler handler = SessionHandler{nullptr};
  KeyPositions keys = {};
  std::string_view group;
  std::string_view summary;
  std::span<const CommandSpec> subcommands = {};

  [[nodiscard]] bool takes(std::size_t args) const {
    const auto wanted = static_cast<std::size_t>(arity < 0 ? -arity : arity);
    return arity < 0 ? args >= wanted : args == wanted;
  }
  [[nodiscard]] bool has_keys() const { return keys.first > 0 || keys.counted_by > 0; }
  [[nodiscard]] bool is_write() const { return std::holds_alternative<WriteHandler>(handler); }
  [[nodiscard]] bool is_read() const { return std::holds_alternative<ReadHandler>(handler); }
  [[nodiscard]] bool is_plain() const { return std::holds_alternative<PlainHandler>(handler); }
  // UNWATCH does nothing there: EXEC itself has unwatched.
  [[nodiscard]] bool is_unwatch() const { return handler == CommandHandler(TransactionStep::unwatch); }
  [[nodiscard]] bool fits_transaction() const { return is_write() || is_read() || is_plain() || is_unwatch(); }
};

// The Redis whose commands, answers and words these are.
inline constexpr std::string_view redis_version = "7.2.0";

namespace errors {
inline constexpr std::string_view syntax = "ERR syntax error";
inline constexpr std::string_view not_an_integer = "ERR value is not an integer or out of range";
inline constexpr std::string_view not_a_float = "ERR value is not a valid float";
inline constexpr std::string_view out_of_range = "ERR value is out of range";
inline constexpr std::string_view no_magnitude =
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";
inline constexpr std::string_view not_positive = "ERR value is out of range, must be positive";
inline constexpr std::string_view wrong_type = "WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr std::string_view no_such_key = "ERR no such key";
inline constexpr std::string_view too_long = "ERR string exceeds maximum allowed size (8 MiB)";
}  // namespace errors

// As large as a command may be, so that every value can be set at once too. The same on every node, for good: a setting
// would let replicas differ.
inline constexpr std::size_t max_value_bytes = 8u << 20;

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);
// Whether this is the number of the one database there is; if not, the error is answered.
[[nodiscard]] bool is_our_database(std::string_view number, RespWriter& reply);
// Why a connection or its library may not be named so, in words behind "ERR <what> "; empty when it may. Names must fit
// into a line of CLIENT LIST.
[[nodiscard]] std::string_view wrong_with_name(std::string_view name);

}  // namespace keel
