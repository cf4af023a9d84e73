// LCS: what two strings have in common.
#include <algorithm>
#include <string>
#include <vector>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/commands/typed_values.hpp"

namespace keel {

namespace {

// Cells of the table, four bytes each: as many as are gone through in less than 0.1 s.
constexpr std::size_t max_cells = 16u << 20;

// The length of the longest common subsequence of the first i bytes of one and the first j of the other, for all of them.
class LcsTable {
 public:
  LcsTable(std::string_view a, std::string_view b) : width_(b.size() + 1), cells_((a.size() + 1) * width_) {
    for (std::size_t i = 1; i <= a.size(); ++i) {
      for (std::size_t j = 1; j <= b.size(); ++j)
        cells_[i * width_ + j] = a[i - 1] == b[j - 1] ? at(i - 1, j - 1) + 1 : std::max(at(i - 1, j), at(i, j - 1));
    }
  }
  [[nodiscard]] std::uint32_t at(std::size_t i, std::size_t j) const { return cells_[i * width_ + j]; }

 private:
  std::size_t width_;
  std::vector<std::uint32_t> cells_;
};

// A run of bytes that follow one another in both.
struct Match {
  std::size_t in_a = 0;
  std::size_t in_b = 0;
  std::size_t length = 0;
};

// The last first.
std::vector<Match> matches_of(std::string_view a, std::string_view b, const LcsTable& table) {
  std::vector<Match> matches;
  bool in_run = false;
  for (std::size_t i = a.size(), j = b.size(); i > 0 && j > 0;) {
    if (a[i - 1] == b[j - 1]) {
      --i;
      --j;
      if (!in_run) matches.push_back({});
      matches.back() = {i, j, matches.back().length + 1};
      in_run = true;
    } else {
      table.at(i - 1, j) > table.at(i, j - 1) ? --i : --j;
      in_run = false;
    }
  }
  return matches;
}

struct LcsOptions {
  bool only_length = false;
  bool positions = false;
  bool with_length = false;
  std::int64_t min_length = 0;
};

bool read_options(Args rest, LcsOptions& options, RespWriter& reply) {
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (equal_ignoring_case(rest[i], "len")) {
      options.only_length = true;
    } else if (equal_ignoring_case(rest[i], "idx")) {
      options.positions = true;
    } else if (equal_ignoring_case(rest[i], "withmatchlen")) {
      options.with_length = true;
    } else if (equal_ignoring_case(rest[i], "minmatchlen") && i + 1 < rest.size()) {
      const auto least = parse_integer(rest[++i]);
      if (!least) {
        reply.error(errors::not_an_integer);
        return false;
      }
      options.min_length = *least;
    } else {
      reply.error(errors::syntax);
      return false;
    }
  }
  if (options.only_length && options.positions) {
    reply.error("ERR If you want both the length and indexes, please just use IDX.");
    return false;
  }
  return true;
}

void reply_range(std::size_t first, std::size_t length, RespWriter& reply) {
  reply.array(2);
  reply.integer(as_integer(first));
  reply.integer(as_integer(first + length - 1));
}

void reply_positions(std::vector<Match> matches, std::uint32_t length, const LcsOptions& options, RespWriter& reply) {
  std::erase_if(matches, [&](const Match& match) { return as_integer(match.length) < options.min_length; });
  reply.map(2);
  reply.bulk("matches");
  reply.array(matches.size());
  for (const Match& match : matches) {
    reply.array(options.with_length ? 3 : 2);
    reply_range(match.in_a, match.length, reply);
    reply_range(match.in_b, match.length, reply);
    if (options.with_length) reply.integer(as_integer(match.length));
  }
  reply.bulk("len");
  reply.integer(length);
}

// LCS key key [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]
void lcs(KvView& view, Args args, RespWriter& reply) {
  const auto* const first = view.find(args[1]);
  const auto* const second = view.find(args[2]);
  const StringValue* const one = value_of<StringValue>(first);
  const StringValue* const other = value_of<StringValue>(second);
  if ((first != nullptr && one == nullptr) || (second != nullptr && other == nullptr)) {
    return reply.error("ERR The specified keys must contain string values");
  }
  LcsOptions options;
  if (!read_options(args.subspan(3), options, reply)) return;
  const std::string_view a = one == nullptr ? std::string_view() : one->text();
  const std::string_view b = other == nullptr ? std::string_view() : other->text();
  if (a.size() * b.size() > max_cells) {
    return reply.error("ERR Insufficient memory, failed allocating transient memory for LCS");
  }
  const LcsTable table(a, b);
  const std::uint32_t length = table.at(a.size(), b.size());
  if (options.only_length) return reply.integer(length);
  const std::vector<Match> matches = matches_of(a, b, table);
  if (options.positions) return reply_positions(matches, length, options, reply);
  std::string text;
  for (auto match = matches.rbegin(); match != matches.rend(); ++match)
    text += a.substr(match->in_a, match->length);
  reply.bulk(text);
}

const CommandSpec lcs_table[] = {
    {"lcs",
     -3,
     lcs,
     {1, 2, 1},
     "string",
     "Finds the longest common subsequence of two values: [LEN] [IDX] [MINMATCHLEN n] [WITHMATCHLEN]."},
};

}  // namespace

std::span<const CommandSpec> lcs_commands() { return lcs_table; }

}  // namespace keel
