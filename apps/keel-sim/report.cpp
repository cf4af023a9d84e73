#include "report.hpp"

#include <fmt/format.h>

#include "twice.hpp"

namespace keel::sim {

std::string describe_failure(const RunReport& report, const Origin& origin) {
  std::string text = fmt::format("seed {} failed: {}\n", report.seed, report.text);
  if (report.check == differing) return text + fmt::format("repeat it: {} --twice\n", origin.command);
  return text + fmt::format("look at it: {} --trace {}\nmake it smaller: {} --shrink\n", origin.command,
                            quoted(origin.name + ".html"), origin.command);
}

std::string describe_counters(const Counters& counters) {
  std::string text;
  std::string group;
  std::string zeros;
  const auto end_group = [&] {
    if (!zeros.empty()) text += fmt::format("  never: {}\n", zeros);
    zeros.clear();
  };
  for (const auto& [name, count] : counters.all()) {
    const std::size_t colon = name.find(": ");
    const std::string what = name.substr(colon + 2);
    if (name.substr(0, colon) != group) {
      end_group();
      group = name.substr(0, colon);
      text += group + "\n";
    }
    if (count == 0) {
      zeros += (zeros.empty() ? "" : ", ") + what;
    } else {
      text += fmt::format("  {:<42} {:>14}\n", what, count);
    }
  }
  end_group();
  return text;
}

}  // namespace keel::sim
