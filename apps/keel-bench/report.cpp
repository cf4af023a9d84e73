#include "keel-bench/report.hpp"

#include <iterator>

#include <fmt/format.h>

#include "keel-bench/json.hpp"
#include "keel-bench/stats.hpp"

namespace bench {

namespace {

using Text = std::back_insert_iterator<std::string>;

std::string cell(std::optional<double> value, const char* format) {
  return value ? fmt::format(fmt::runtime(format), *value) : std::string("-");
}

void rows_of(const Report& report, Text out) {
  fmt::format_to(out, "{:<26}{:<27}{:>10} {:>21}{:>9}{:>10}{:>8}{:>8}{:>8}{:>9}{:>8}{:>8}{:>7}\n", "", "", "commands/s",
                 "least to most", "p50 us", "p99 us", "cpu us", "kernel", "client", "syscalls", "syncs", "allocs",
                 "others");
  for (const Row& row : report.rows) {
    const Sample& s = row.median;
    fmt::format_to(out, "{:<26}{:<27}{:>10} {:>21}{:>9}{:>10}{:>8}{:>8}{:>8}{:>9}{:>8}{:>8}{:>7}\n", row.who, row.load,
                   grouped(s.per_second), grouped(row.least) + " - " + grouped(row.most), cell(s.p50_us, "{:.0f}"),
                   cell(s.p99_us, "{:.0f}"), cell(s.cpu_us, "{:.2f}"), cell(s.kernel_us, "{:.2f}"),
                   cell(s.client_cpu_us, "{:.2f}"), cell(s.syscalls, "{:.2f}"), cell(s.syncs, "{:.4f}"),
                   cell(s.allocations, "{:.2f}"), s.other_load ? fmt::format("{:.0f} %", *s.other_load * 100) : "-");
    if (s.failures > 0) {
      fmt::format_to(out, "  {} more commands were answered with an error{}{}\n", s.failures,
                     s.first_failure.empty() ? "" : ", the first: ", s.first_failure);
    }
  }
}

std::string json_of(const std::string& text) { return json_text(text); }

std::string json_of(const Sample& sample) {
  JsonObject json;
  json.number("per_second", sample.per_second)
      .number("p50_us", sample.p50_us)
      .number("p99_us", sample.p99_us)
      .number("cpu_us_each", sample.cpu_us)
      .number("kernel_us_each", sample.kernel_us)
      .number("client_cpu_us_each", sample.client_cpu_us)
      .number("other_load", sample.other_load)
      .number("syscalls_each", sample.syscalls)
      .number("syncs_each", sample.syncs)
      .number("allocations_each", sample.allocations)
      .number("failures", static_cast<double>(sample.failures));
  if (!sample.first_failure.empty()) json.text("first_failure", sample.first_failure);
  return json.str();
}

std::string json_of(const Row& row) {
  std::vector<std::string> runs;
  runs.reserve(row.runs.size());
  for (const Sample& run : row.runs)
    runs.push_back(json_of(run));
  return JsonObject()
      .text("who", row.who)
      .text("load", row.load)
      .raw("median", json_of(row.median))
      .number("least_per_second", row.least)
      .number("most_per_second", row.most)
      .raw("runs", json_array(runs))
      .str();
}

std::string json_of(const Failover& failover) {
  std::vector<std::string> rounds;
  rounds.reserve(failover.ms.size());
  for (const double ms : failover.ms)
    rounds.push_back(json_number(ms));
  return JsonObject()
      .text("who", failover.who)
      .number("median_ms", median(failover.ms))
      .raw("ms", json_array(rounds))
      .text("note", failover.note)
      .str();
}

std::string json_of(const Ratio& ratio) {
  return JsonObject().text("what", ratio.what).number("value", ratio.value).text("wanted", ratio.wanted).str();
}

std::string json_of(const Machine& machine) {
  return JsonObject()
      .text("cpu", machine.cpu)
      .text("kernel", machine.kernel)
      .number("cores", static_cast<double>(machine.cores))
      .number("memory_gib", machine.memory_gib)
      .number("load_average_before", machine.load_average)
      .number("busy_before", machine.busy_before)
      .str();
}

template <class T>
std::string json_of_all(const std::vector<T>& things) {
  std::vector<std::string> items;
  items.reserve(things.size());
  for (const T& thing : things)
    items.push_back(json_of(thing));
  return json_array(items);
}

}  // namespace

std::string grouped(double value) {
  if (value < 100) return fmt::format("{:.1f}", value);
  std::string digits = fmt::format("{:.0f}", value);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string in_words(const Machine& machine) {
  return fmt::format("{} cores ({}), {:.0f} GiB, {}; before: load average {:.2f}, {:.0f} % busy", machine.cores,
                     machine.cpu, machine.memory_gib, machine.kernel, machine.load_average, machine.busy_before * 100);
}

std::string as_table(const Report& report, const Machine& machine) {
  std::string text = in_words(machine) + "\n\n";
  const Text out(text);
  if (!report.rows.empty()) rows_of(report, out);
  if (!report.ratios.empty()) fmt::format_to(out, "\n");
  for (const Ratio& ratio : report.ratios)
    fmt::format_to(out, "{:<76}{:>8.2f}   {}\n", ratio.what, ratio.value, ratio.wanted);
  if (!report.failovers.empty()) fmt::format_to(out, "\n");
  for (const Failover& failover : report.failovers) {
    fmt::format_to(out, "failover, {}: median {:.0f} ms of [{:.0f}]; {}\n", failover.who,
                   median(failover.ms).value_or(0), fmt::join(failover.ms, ", "), failover.note);
  }
  if (!report.notes.empty()) fmt::format_to(out, "\n");
  for (const std::string& note : report.notes)
    fmt::format_to(out, "note: {}\n", note);
  return text;
}

std::string as_json(const Report& report, const Machine& machine) {
  return JsonObject()
             .raw("machine", json_of(machine))
             .raw("rows", json_of_all(report.rows))
             .raw("ratios", json_of_all(report.ratios))
             .raw("failovers", json_of_all(report.failovers))
             .raw("notes", json_of_all(report.notes))
             .str() +
         "\n";
}

}  // namespace bench
