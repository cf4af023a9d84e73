// The report as bars, in one SVG file without scripts, fonts or links.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include <fmt/format.h>

#include "keel-bench/report.hpp"

namespace bench {

namespace {

using Text = std::back_insert_iterator<std::string>;

constexpr int width = 960;
constexpr int label_width = 330;
constexpr int bar_room = 480;  // what is left to the right of a bar takes its figure
constexpr int bar_height = 18;
constexpr int bar_step = 24;
constexpr int title_step = 44;

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

const char* colour_of(const std::string& who) {
  if (who == "keelkv" || who == "core" || who == "node") return "#2563a8";
  if (who == "etcd") return "#c2571a";
  return "#7a8088";
}

bool is_store(const Row& row) { return row.who == "keelkv" || row.who == "etcd" || row.who.starts_with("redis"); }

struct Panel {
  const char* title;
  std::function<std::optional<double>(const Row&)> figure;
};

struct Bar {
  const Row* row;
  double value;
};

std::vector<Bar> bars_of(const Report& report, const Panel& panel) {
  std::vector<Bar> bars;
  for (const Row& row : report.rows) {
    if (const auto value = panel.figure(row)) bars.push_back({&row, *value});
  }
  return bars;
}

// Returns where the next panel begins.
int draw(const Panel& panel, const std::vector<Bar>& bars, int top, Text out) {
  fmt::format_to(out, "<text x=\"16\" y=\"{}\" font-size=\"16\" font-weight=\"bold\">{}</text>\n", top + 24,
                 escaped(panel.title));
  double most = 0;
  for (const Bar& bar : bars)
    most = std::max(most, bar.value);
  int y = top + title_step;
  for (const Bar& bar : bars) {
    const double length = most > 0 ? std::max(1.0, std::round(bar_room * bar.value / most)) : 0;
    fmt::format_to(out, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", label_width - 8, y + bar_height - 4,
                   escaped(bar.row->who + ", " + bar.row->load));
    fmt::format_to(out, "<rect x=\"{}\" y=\"{}\" width=\"{:.0f}\" height=\"{}\" fill=\"{}\"/>\n", label_width, y,
                   length, bar_height, colour_of(bar.row->who));
    fmt::format_to(out, "<text x=\"{:.0f}\" y=\"{}\">{}</text>\n", label_width + length + 6, y + bar_height - 4,
                   grouped(bar.value));
    y += bar_step;
  }
  return y;
}

}  // namespace

std::string as_picture(const Report& report, const Machine& machine) {
  const std::vector<Panel> panels = {
      {"commands a second (longer is better)",
       [](const Row& row) { return is_store(row) ? std::optional(row.median.per_second) : std::nullopt; }},
      {"99 of 100 answered within, microseconds (shorter is better)", [](const Row& row) { return row.median.p99_us; }},
      {"processor time of all servers for each command, microseconds (shorter is better)",
       [](const Row& row) { return row.median.cpu_us; }},
      {"below keelkv: commands a second through the protocol alone, and through nodes",
       [](const Row& row) { return is_store(row) ? std::nullopt : std::optional(row.median.per_second); }},
  };
  std::string body;
  int bottom = 8;
  for (const Panel& panel : panels) {
    const auto bars = bars_of(report, panel);
    if (!bars.empty()) bottom = draw(panel, bars, bottom, Text(body)) + 8;
  }
  fmt::format_to(Text(body), "<text x=\"16\" y=\"{}\" font-size=\"12\" fill=\"#555\">{}</text>\n", bottom + 16,
                 escaped(in_words(machine)));
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n<rect width=\"{0}\" height=\"{1}\" "
      "fill=\"#fff\"/>\n{2}</svg>\n",
      width, bottom + 32, body);
}

}  // namespace bench
