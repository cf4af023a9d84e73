// Strings as rows of bits: the first bit is the highest of the first byte.
#include <bit>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/commands/typed_values.hpp"

namespace keel {

namespace {

std::optional<std::size_t> parse_offset(std::string_view text) {
  const auto offset = parse_integer(text);
  const bool fits = offset && *offset >= 0 && *offset < as_integer(max_value_bytes) * 8;
  return fits ? std::optional(static_cast<std::size_t>(*offset)) : std::nullopt;
}

constexpr std::string_view bad_offset = "ERR bit offset is not an integer or out of range";

unsigned byte_at(const StringValue* value, std::size_t at) {
  return value == nullptr || at >= value->bytes() ? 0u : static_cast<unsigned char>(value->text()[at]);
}

unsigned mask_of(std::size_t offset) { return 0x80u >> (offset % 8); }

void getbit(KvView& view, Args args, RespWriter& reply) {
  const auto offset = parse_offset(args[2]);
  if (!offset) return reply.error(bad_offset);
  const auto found = look_up<StringValue>(view, args[1], reply);
  if (found) reply.integer((byte_at(found.value, *offset / 8) & mask_of(*offset)) == 0 ? 0 : 1);
}

// SETBIT key offset 0|1
void setbit(KvStore& store, Args args, RespWriter& reply) {
  const auto offset = parse_offset(args[2]);
  if (!offset) return reply.error(bad_offset);
  if (args[3] != "0" && args[3] != "1") return reply.error("ERR bit is not an integer or out of range");
  const HashedKey key(args[1]);
  auto* const entry = store.find(key);
  if (!fits<StringValue>(entry, reply)) return;
  Edit<StringValue> value(store, entry == nullptr ? store.make<StringValue>(key) : *entry);
  const unsigned old = byte_at(&*value, *offset / 8);
  const unsigned mask = mask_of(*offset);
  const char byte = static_cast<char>(args[3] == "1" ? old | mask : old & ~mask);
  const bool changes = *offset / 8 >= value->bytes() || args[3] != ((old & mask) == 0 ? "0" : "1");
  value->write(*offset / 8, {&byte, 1});
  if (changes) value.changed();
  reply.integer((old & mask) == 0 ? 0 : 1);
}

std::int64_t count_bits(std::string_view bytes) {
  std::int64_t count = 0;
  for (const char byte : bytes)
    count += std::popcount(static_cast<unsigned char>(byte));
  return count;
}

// Those of `text` in a range of bits.
std::int64_t count_bits(std::string_view text, Slice bits) {
  if (bits.count == 0) return 0;
  const std::size_t last = bits.first + bits.count - 1;
  const std::string_view bytes = text.substr(bits.first / 8, last / 8 - bits.first / 8 + 1);
  const unsigned before = static_cast<unsigned char>(bytes.front()) & ~((mask_of(bits.first) << 1) - 1);
  const unsigned behind = static_cast<unsigned char>(bytes.back()) & (mask_of(last) - 1);
  return count_bits(bytes) - std::popcount(before & 0xffu) - std::popcount(behind);
}

// BITCOUNT key [first last [BYTE | BIT]]
void bitcount(KvView& view, Args args, RespWriter& reply) {
  if (args.size() == 3 || args.size() > 5) return reply.error(errors::syntax);
  const auto first = args.size() == 2 ? 0 : parse_integer(args[2]);
  const auto last = args.size() == 2 ? -1 : parse_integer(args[3]);
  if (!first || !last) return reply.error(errors::not_an_integer);
  const bool in_bits = args.size() == 5 && equal_ignoring_case(args[4], "bit");
  if (args.size() == 5 && !in_bits && !equal_ignoring_case(args[4], "byte")) return reply.error(errors::syntax);
  const auto found = look_up<StringValue>(view, args[1], reply);
  if (!found) return;
  if (found.value == nullptr) return reply.integer(0);
  const std::string_view text = found.value->text();
  const Slice slice = text_slice_of(*first, *last, in_bits ? text.size() * 8 : text.size());
  reply.integer(in_bits ? count_bits(text, slice) : count_bits(text.substr(slice.first, slice.count)));
}

const CommandSpec bit_table[] = {
    {"bitcount", -2, bitcount, one_key, "bitmap", "Counts the bits that are set: [first last [BYTE | BIT]]."},
    {"getbit", 3, getbit, one_key, "bitmap", "Returns a bit of a key's value."},
    {"setbit", 4, setbit, one_key, "bitmap", "Sets a bit of a key's value and returns what it was."},
};

}  // namespace

std::span<const CommandSpec> bit_commands() { return bit_table; }

}  // namespace keel
