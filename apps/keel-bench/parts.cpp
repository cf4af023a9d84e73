#include "keel-bench/parts.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include "keel-bench/servers.hpp"

namespace bench {

using keel::ErrorCode;
using keel::Result;

std::vector<std::pair<std::string, std::string>> fields_of(const std::string& json_line) {
  std::vector<std::pair<std::string, std::string>> fields;
  std::size_t at = json_line.find('{');
  const std::size_t end = json_line.rfind('}');
  if (at == std::string::npos || end == std::string::npos) return {};
  for (++at; at < end;) {
    const std::size_t key_end = json_line.find("\":", at);
    if (json_line[at] != '"' || key_end == std::string::npos) return {};
    const std::string key = json_line.substr(at + 1, key_end - at - 1);
    at = key_end + 2;
    const bool text = json_line[at] == '"';
    const std::size_t value_end = text ? json_line.find('"', at + 1) : json_line.find_first_of(",}", at);
    if (value_end == std::string::npos) return {};
    fields.emplace_back(key, json_line.substr(at + (text ? 1 : 0), value_end - at - (text ? 1 : 0)));
    at = value_end + (text ? 2 : 1);
  }
  return fields;
}

Result<Row> row_of(const std::string& json_line) {
  const auto fields = fields_of(json_line);
  const auto number = [&](const std::string& name) -> std::optional<double> {
    for (const auto& [key, value] : fields) {
      if (key == name) return std::strtod(value.c_str(), nullptr);
    }
    return std::nullopt;
  };
  const auto rate = number("per_second") ? number("per_second") : number("median_per_second");
  if (fields.size() < 2 || fields[0].first != "bench" || !rate) {
    return keel::fail(ErrorCode::corrupt, "no line of figures: " + json_line);
  }
  Row row;
  row.who = fields[0].second;
  const auto& [kind, value] = fields[1];
  row.load = kind == "batch" ? value + " at a time" : kind == "in_flight" ? value + " in flight" : value + " " + kind;
  if (const double spin = number("spin_us").value_or(0); spin > 0) row.load += fmt::format(", spin {:.0f} µs", spin);
  row.median.per_second = *rate;
  row.median.p50_us = number("median_us");
  row.median.p99_us = number("p99_us");
  row.median.cpu_us = number("cpu_us_each");
  row.median.syncs = number("syncs_each");
  row.median.allocations = number("extra_allocations");
  row.median.failures = static_cast<std::uint64_t>(number("failures").value_or(0));
  row.least = number("min").value_or(*rate);
  row.most = number("max").value_or(*rate);
  return row;
}

Result<std::vector<Row>> run_part(const std::string& bench, int runs) {
  const std::string command = fmt::format("'{}' {} --json --runs {}", built_program("keel-bench"), bench, runs);
  std::FILE* const out = popen(command.c_str(), "r");
  if (out == nullptr) return keel::fail(ErrorCode::io, "cannot start " + command);
  std::string text;
  for (std::array<char, 512> piece{}; std::fgets(piece.data(), piece.size(), out) != nullptr;)
    text += piece.data();
  if (pclose(out) != 0) return keel::fail(ErrorCode::io, command + " did not end well");
  std::vector<Row> rows;
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    auto row = row_of(text.substr(at, end - at));
    if (!row) return std::unexpected(row.error());
    rows.push_back(std::move(*row));
  }
  return rows;
}

}  // namespace bench
