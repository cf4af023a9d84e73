#include "sim/page_files.hpp"
#include "sim/trace_writers.hpp"

namespace keel::sim {
namespace {

// The page's text up to `mark`, and what is behind it.
std::pair<std::string_view, std::string_view> cut_at(std::string_view text, std::string_view mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + mark.size())};
}

void write(std::FILE* file, std::string_view text) { std::fwrite(text.data(), 1, text.size(), file); }

constexpr std::string_view trace_mark = "{{trace}}\n";

}  // namespace

PageTrace::PageTrace(std::FILE* file, std::string_view title) : file_(file) {
  const auto [head, body] = cut_at(cut_at(page_html, trace_mark).first, "{{style}}\n");
  write(file_, head);
  write(file_, page_css);
  write(file_, body);
  write_line(file_, json_begin(title));
}

void PageTrace::finish(std::string_view failure) {
  write_line(file_, json_end(failure));
  const auto [data_end, rest] = cut_at(cut_at(page_html, trace_mark).second, "{{script}}\n");
  write(file_, data_end);
  write(file_, page_js);
  write(file_, rest);
}

}  // namespace keel::sim
