// Commands on lists.
#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/commands/typed_values.hpp"

namespace keel {

namespace {

enum class End : std::uint8_t { left, right };

void push(ListValue& list, std::string_view element, End end) {
  end == End::left ? list.push_front(element) : list.push_back(element);
}
std::string pop(ListValue& list, End end) { return end == End::left ? list.pop_front() : list.pop_back(); }

template <End end, bool only_existing>
void push(KvStore& store, Args args, RespWriter& reply) {
  const HashedKey key(args[1]);
  KvStore::Entry* const entry = store.find(key);
  if (!fits<ListValue>(entry, reply)) return;
  if (only_existing && entry == nullptr) return reply.integer(0);
  Edit<ListValue> list(store, entry == nullptr ? store.make<ListValue>(key) : *entry);
  for (const std::string_view element : args.subspan(2))
    push(*list, element, end);
  list.changed();
  reply.integer(as_integer(list->size()));
}

// LPOP key [count]
template <End end>
void pop(KvStore& store, Args args, RespWriter& reply) {
  if (args.size() > 3) {
    return reply.error(
        fmt::format("ERR wrong number of arguments for '{}' command", end == End::left ? "lpop" : "rpop"));
  }
  const bool counted = args.size() == 3;
  const auto count = counted ? parse_integer(args[2]) : 1;
  if (!count || *count < 0) return reply.error(errors::not_positive);
  const auto found = find_value<ListValue>(store, args[1], reply);
  if (!found) return;
  if (found.entry == nullptr) return counted ? reply.null_array() : reply.null();
  Edit<ListValue> list(store, *found.entry);
  const std::size_t taken = std::min(static_cast<std::size_t>(*count), list->size());
  if (counted) reply.array(taken);
  for (std::size_t i = 0; i < taken; ++i)
    reply.bulk(pop(*list, end));
  if (taken > 0) list.changed();
}

void llen(KvView& view, Args args, RespWriter& reply) {
  const auto list = look_up<ListValue>(view, args[1], reply);
  if (list) reply.integer(list.value == nullptr ? 0 : as_integer(list.value->size()));
}

// LRANGE key first last
void lrange(KvView& view, Args args, RespWriter& reply) {
  const auto first = parse_integer(args[2]);
  const auto last = parse_integer(args[3]);
  if (!first || !last) return reply.error(errors::not_an_integer);
  const auto list = look_up<ListValue>(view, args[1], reply);
  if (!list) return;
  const Slice slice = slice_of(*first, *last, list.value == nullptr ? 0 : list.value->size());
  reply.array(slice.count);
  for (std::size_t i = 0; i < slice.count; ++i)
    reply.bulk(list.value->elements()[slice.first + i]);
}

// From the end when negative; nothing if it is not there.
std::optional<std::size_t> position_of(std::int64_t index, std::size_t size) {
  if (index < 0) index += as_integer(size);
  return index >= 0 && index < as_integer(size) ? std::optional(static_cast<std::size_t>(index)) : std::nullopt;
}

void lindex(KvView& view, Args args, RespWriter& reply) {
  const auto list = look_up<ListValue>(view, args[1], reply);
  if (!list) return;
  if (list.value == nullptr) return reply.null();
  const auto index = parse_integer(args[2]);
  if (!index) return reply.error(errors::not_an_integer);
  const auto position = position_of(*index, list.value->size());
  position ? reply.bulk(list.value->elements()[*position]) : reply.null();
}

void lset(KvStore& store, Args args, RespWriter& reply) {
  const auto found = find_value<ListValue>(store, args[1], reply);
  if (!found) return;
  if (found.entry == nullptr) return reply.error(errors::no_such_key);
  const auto index = parse_integer(args[2]);
  if (!index) return reply.error(errors::not_an_integer);
  Edit<ListValue> list(store, *found.entry);
  const auto position = position_of(*index, list->size());
  if (!position) return reply.error("ERR index out of range");
  list->set(*position, args[3]);
  list.changed();
  reply.ok();
}

// LREM key count element: the first so many; the last, if negative; all, if 0.
void lrem(KvStore& store, Args args, RespWriter& reply) {
  const auto count = parse_integer(args[2]);
  if (!count) return reply.error(errors::not_an_integer);
  if (*count < -never) return reply.error(errors::no_magnitude);
  const auto found = find_value<ListValue>(store, args[1], reply);
  if (!found) return;
  if (found.entry == nullptr) return reply.integer(0);
  Edit<ListValue> list(store, *found.entry);
  const std::size_t most = *count == 0 ? list->size() : static_cast<std::size_t>(*count < 0 ? -*count : *count);
  const std::size_t removed = list->remove(args[3], most, *count < 0);
  if (removed > 0) list.changed();
  reply.integer(as_integer(removed));
}

// LTRIM key first last
void ltrim(KvStore& store, Args args, RespWriter& reply) {
  const auto first = parse_integer(args[2]);
  const auto last = parse_integer(args[3]);
  if (!first || !last) return reply.error(errors::not_an_integer);
  const auto found = find_value<ListValue>(store, args[1], reply);
  if (!found) return;
  if (found.entry == nullptr) return reply.ok();
  Edit<ListValue> list(store, *found.entry);
  const Slice slice = slice_of(*first, *last, list->size());
  list->keep(slice.first, slice.count);
  list.changed();
  reply.ok();
}

// LINSERT key BEFORE | AFTER pivot element
void linsert(KvStore& store, Args args, RespWriter& reply) {
  const bool after = equal_ignoring_case(args[2], "after");
  if (!after && !equal_ignoring_case(args[2], "before")) return reply.error(errors::syntax);
  const auto found = find_value<ListValue>(store, args[1], reply);
  if (!found) return;
  if (found.entry == nullptr) return reply.integer(0);
  Edit<ListValue> list(store, *found.entry);
  const auto pivot = std::ranges::find(list->elements(), args[3]);
  if (pivot == list->elements().end()) return reply.integer(-1);
  list->insert(static_cast<std::size_t>(pivot - list->elements().begin()) + (after ? 1 : 0), args[4]);
  list.changed();
  reply.integer(as_integer(list->size()));
}

struct PositionOptions {
  std::int64_t rank = 1;  // of the first match that counts; from the end when negative
  std::optional<std::int64_t> count;
  std::int64_t max_compared = 0;
};

// False when it is answered.
bool read_position_options(Args rest, PositionOptions& options, RespWriter& reply) {
  const auto refuse = [&](std::string_view error) {
    reply.error(error);
    return false;
  };
  for (; !rest.empty(); rest = rest.subspan(2)) {
    const bool ranks = equal_ignoring_case(rest[0], "rank");
    const bool counts = equal_ignoring_case(rest[0], "count");
    if (rest.size() < 2 || (!ranks && !counts && !equal_ignoring_case(rest[0], "maxlen")))
      return refuse(errors::syntax);
    const auto value = parse_integer(rest[1]);
    if (ranks) {
      if (!value) return refuse(errors::not_an_integer);
      if (*value < -never) return refuse(errors::no_magnitude);
      if (*value == 0) {
        return refuse(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to "
            "start from the end of the list");
      }
      options.rank = *value;
    } else if (counts) {
      if (!value || *value < 0) return refuse("ERR COUNT can't be negative");
      options.count = value;
    } else {
      if (!value || *value < 0) return refuse("ERR MAXLEN can't be negative");
      options.max_compared = *value;
    }
  }
  return true;
}

std::vector<std::size_t> positions_of(const ListValue& list, std::string_view element, const PositionOptions& options) {
  const bool from_the_end = options.rank < 0;
  std::int64_t to_skip = (from_the_end ? -options.rank : options.rank) - 1;
  const std::int64_t wanted = options.count.value_or(1);
  const std::size_t size = list.size();
  const auto compared =
      options.max_compared == 0 ? size : std::min(size, static_cast<std::size_t>(options.max_compared));
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < compared; ++i) {
    const std::size_t position = from_the_end ? size - 1 - i : i;
    if (list.elements()[position] != element || to_skip-- > 0) continue;
    positions.push_back(position);
    if (as_integer(positions.size()) == wanted) break;
  }
  return positions;
}

// LPOS key element [RANK rank] [COUNT count] [MAXLEN length]
void lpos(KvView& view, Args args, RespWriter& reply) {
  PositionOptions options;
  if (!read_position_options(args.subspan(3), options, reply)) return;
  const auto list = look_up<ListValue>(view, args[1], reply);
  if (!list) return;
  const auto positions =
      list.value == nullptr ? std::vector<std::size_t>() : positions_of(*list.value, args[2], options);
  if (!options.count) return positions.empty() ? reply.null() : reply.integer(as_integer(positions[0]));
  reply.array(positions.size());
  for (const std::size_t position : positions)
    reply.integer(as_integer(position));
}

void move(KvStore& store, std::string_view from, std::string_view to, End out, End in, RespWriter& reply) {
  KvStore::Entry* const source = store.find(from);
  if (source == nullptr) return reply.null();
  const HashedKey target_key(to);
  KvStore::Entry* const target = store.find(target_key);
  if (!fits<ListValue>(source, reply) || !fits<ListValue>(target, reply)) return;
  if (source == target) {
    Edit<ListValue> list(store, *source);
    const std::string element = pop(*list, out);
    push(*list, element, in);
    list.changed();
    return reply.bulk(element);
  }
  KvStore::Entry& filled = target == nullptr ? store.make<ListValue>(target_key) : *target;
  Edit<ListValue> rest(store, *source);
  Edit<ListValue> list(store, filled);
  const std::string element = pop(*rest, out);
  push(*list, element, in);
  rest.changed();
  list.changed();
  reply.bulk(element);
}

std::optional<End> end_named(std::string_view word) {
  if (equal_ignoring_case(word, "left")) return End::left;
  if (equal_ignoring_case(word, "right")) return End::right;
  return std::nullopt;
}

// LMOVE from to LEFT|RIGHT LEFT|RIGHT
void lmove(KvStore& store, Args args, RespWriter& reply) {
  const auto out = end_named(args[3]);
  const auto in = end_named(args[4]);
  if (!out || !in) return reply.error(errors::syntax);
  move(store, args[1], args[2], *out, *in, reply);
}

void rpoplpush(KvStore& store, Args args, RespWriter& reply) {
  move(store, args[1], args[2], End::right, End::left, reply);
}

const CommandSpec list_table[] = {
    {"lindex", 3, lindex, one_key, "list", "Returns the element at a position."},
    {"linsert", 5, linsert, one_key, "list", "Inserts an element: LINSERT key BEFORE | AFTER pivot element."},
    {"llen", 2, llen, one_key, "list", "Returns the number of elements."},
    {"lmove", 5, lmove, {1, 2, 1}, "list", "Moves an element from an end of a list to an end of another."},
    {"lpop", -2, pop<End::left>, one_key, "list", "Takes elements off the front: [count]."},
    {"lpos", -3, lpos, one_key, "list", "Returns where an element is: [RANK rank] [COUNT count] [MAXLEN length]."},
    {"lpush", -3, push<End::left, false>, one_key, "list", "Puts elements in front, one after another."},
    {"lpushx", -3, push<End::left, true>, one_key, "list", "As LPUSH, if the list exists."},
    {"lrange", 4, lrange, one_key, "list", "Returns a range of elements, by first and last position."},
    {"lrem", 4, lrem, one_key, "list", "Removes elements equal to one: LREM key count element."},
    {"lset", 4, lset, one_key, "list", "Sets the element at a position."},
    {"ltrim", 4, ltrim, one_key, "list", "Keeps a range of elements, by first and last position."},
    {"rpop", -2, pop<End::right>, one_key, "list", "Takes elements off the end: [count]."},
    {"rpoplpush", 3, rpoplpush, {1, 2, 1}, "list", "Moves the last element of a list to the front of another."},
    {"rpush", -3, push<End::right, false>, one_key, "list", "Puts elements at the end."},
    {"rpushx", -3, push<End::right, true>, one_key, "list", "As RPUSH, if the list exists."},
};

}  // namespace

std::span<const CommandSpec> list_commands() { return list_table; }

}  // namespace keel
