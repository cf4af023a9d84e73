// Going through all keys.
#include <charconv>
#include <string>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/commands/scanning.hpp"

namespace keel {

bool read_cursor(std::string_view text, ScanOptions& options, RespWriter& reply) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, options.cursor);
  if (parsed.ec == std::errc{} && parsed.ptr == end) return true;
  reply.error("ERR invalid cursor");
  return false;
}

bool read_scan_options(Args rest, ScanOptions& options, RespWriter& reply) {
  for (; rest.size() >= 2; rest = rest.subspan(2)) {
    if (equal_ignoring_case(rest[0], "count")) {
      const auto count = parse_integer(rest[1]);
      if (!count || *count < 1) {
        reply.error(count ? errors::syntax : errors::not_an_integer);
        return false;
      }
      options.count = static_cast<std::uint64_t>(*count);
    } else if (equal_ignoring_case(rest[0], "match")) {
      options.pattern = rest[1];
    } else if (options.of_keys && equal_ignoring_case(rest[0], "type")) {
      options.type = rest[1];
    } else {
      break;
    }
  }
  if (rest.empty()) return true;
  reply.error(errors::syntax);
  return false;
}

namespace {

// KEYS pattern
void keys(KvView& view, Args args, RespWriter& reply) {
  ScanOptions options;
  options.pattern = args[1];
  std::vector<const KvStore::Entry*> found;
  for (std::size_t i = 0; i < view.keys().size() && !options.steps.spent(); ++i) {
    const auto& entry = view.keys().at(i);
    if (options.match(entry.first) && view.sees(entry)) found.push_back(&entry);
  }
  if (options.steps.spent()) return reply.error(GlobSteps::error);
  reply.array(found.size());
  for (const auto* const entry : found) {
    if (reply.overflowed()) return;
    reply.bulk(entry->first);
  }
}

// SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]
void scan(KvView& view, Args args, RespWriter& reply) {
  ScanOptions options;
  options.of_keys = true;
  if (!read_cursor(args[1], options, reply) || !read_scan_options(args.subspan(2), options, reply)) return;
  std::vector<const KvStore::Entry*> found;
  const std::uint64_t next = view.keys().scan(options.cursor, options.count, [&](const KvStore::Entry& entry) {
    const bool of_type = !options.type || equal_ignoring_case(*options.type, type_name(entry.second.value.value));
    if (of_type && options.match(entry.first) && view.sees(entry)) found.push_back(&entry);
  });
  if (options.steps.spent()) return reply.error(GlobSteps::error);
  begin_scan_reply(next, found.size(), reply);
  for (const auto* const entry : found)
    reply.bulk(entry->first);
}

const CommandSpec scan_table[] = {
    {"keys", 2, keys, {}, "generic", "Returns all keys that match a pattern."},
    {"scan", -2, scan, {}, "generic", "Goes through the keys: SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]."},
};

}  // namespace

std::span<const CommandSpec> scan_commands() { return scan_table; }

}  // namespace keel
