#include "keel/sim/trace_merge.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <fstream>
#include <limits>
#include <map>
#include <optional>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "sim/trace_lines.hpp"
#include "sim/trace_writers.hpp"

namespace keel::sim {
namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t longest_flight = 5 * second;  // a message that was sent before is taken for lost
constexpr std::int64_t silence = 10 * second;
constexpr std::int64_t most_skew = second;  // so far a clock may be behind another

struct Line {
  std::int64_t at;  // in nanoseconds; of servers since the Unix epoch
  TraceLine fields;
};

// One file, read whole.
struct Source {
  std::deque<Line> lines;
  std::string title;
  std::string failure;
  bool on_the_wall = false;
  bool ended = false;  // and did not break off
};

// A process that was killed could not say so.
void break_off(Source& source) {
  const std::int64_t at = source.lines.back().at;
  const std::int64_t node = source.lines.back().fields.number("node");
  for (const char* const rest : {R"("life","node":{},"type":"crash","text":"its trace breaks off here"}})",
                                 R"("state","node":{},"role":"down"}})"}) {
    const std::string text = R"({"at":0,"kind":)" + fmt::format(fmt::runtime(rest), node);
    source.lines.push_back({at, *TraceLine::parse(text)});
  }
}

class Reader {
 public:
  explicit Reader(MergedTrace& report) : report_(report) {}

  Result<Source> read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(ErrorCode::io, fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
    source_ = {};
    begun_ = ended_ = false;
    for (std::string text; std::getline(file, text);) {
      bytes_ += text.size();
      if (bytes_ > max_merged_bytes) {
        return fail(ErrorCode::too_large, fmt::format("{}: more than {} bytes in all; cut the files to the time that "
                                                      "matters, and leave each its last line with \"begin\"",
                                                      path, max_merged_bytes));
      }
      if (!text.empty()) take(text);
    }
    if (!begun_) return fail(ErrorCode::invalid, fmt::format("{}: no trace as JSON lines", path));
    source_.ended = ended_;
    return std::move(source_);
  }

 private:
  void take(std::string_view text) {
    auto line = TraceLine::parse(text);
    const std::string_view kind = line ? line->word("kind") : std::string_view();
    if (kind.empty() || (!begun_ && kind != "begin")) {
      ++report_.unreadable;
    } else if (kind == "begin") {
      if (begun_ && !ended_ && !source_.lines.empty()) break_off(source_);
      begun_ = true;
      ended_ = false;
      base_ = line->number("wall");
      source_.on_the_wall = base_ != 0;
      source_.title = line->string("title");
    } else if (kind == "end") {
      ended_ = true;
      source_.failure = line->string("failure");
    } else {
      const std::int64_t at = base_ + line->number("at");
      source_.lines.push_back({at, std::move(*line)});
    }
  }

  MergedTrace& report_;
  Source source_;
  std::uint64_t bytes_ = 0;
  std::int64_t base_ = 0;
  bool begun_ = false;
  bool ended_ = false;
};

class Merger {
 public:
  Merger(std::vector<Source> sources, std::FILE* out, MergedTrace& report)
      : sources_(std::move(sources)), out_(out), report_(report) {
    begin_ = std::numeric_limits<std::int64_t>::max();
    for (const Source& source : sources_) {
      if (!source.lines.empty()) begin_ = std::min(begin_, source.lines.front().at);
      for (const Line& line : source.lines) {
        if (line.fields.word("kind") == "sent") to_come_[key(line)].push_back(line.at);
      }
    }
  }

  void run() {
    while (Source* source = next()) {
      emit(source->lines.front());
      source->lines.pop_front();
    }
  }
  [[nodiscard]] std::int64_t begin() const { return begin_; }

 private:
  struct Sent {
    std::int64_t id;
    std::int64_t at;
  };

  // The text has type, way, term and what tells messages of one kind apart; those that are equal arrive in their order.
  static std::string key(const Line& line) { return std::string(line.fields.raw("message")); }

  // Whether it was sent by a node whose clock is ahead.
  bool waits(const Line& line) {
    if (line.fields.word("kind") != "delivered") return false;
    const std::string message = key(line);
    const auto sent = sent_.find(message);
    if (sent != sent_.end() && !sent->second.empty()) return false;
    const auto coming = to_come_.find(message);
    return coming != to_come_.end() && !coming->second.empty() && coming->second.front() - line.at < most_skew;
  }

  Source* next() {
    Source* first = nullptr;
    bool first_waits = true;
    for (Source& source : sources_) {
      if (source.lines.empty()) continue;
      const bool waiting = waits(source.lines.front());
      const bool earlier = first == nullptr || source.lines.front().at < first->lines.front().at;
      if (first == nullptr || (waiting == first_waits ? earlier : first_waits)) {
        first = &source;
        first_waits = waiting;
      }
    }
    return first;
  }

  void emit(Line& line) {
    last_ = std::max(last_, line.at - begin_);
    line.fields.set("at", last_);
    if (const std::string_view kind = line.fields.word("kind"); kind == "sent" || kind == "delivered") {
      line.fields.set("id", kind == "sent" ? send(line) : arrive(line));
    }
    write_line(out_, line.fields.text());
    ++report_.events;
  }

  std::int64_t send(const Line& line) {
    const std::string message = key(line);
    to_come_[message].pop_front();
    sent_[message].push_back({++ids_, line.at});
    return ids_;
  }

  std::int64_t arrive(const Line& line) {
    auto& sent = sent_[key(line)];
    while (!sent.empty() && line.at - sent.front().at > longest_flight)
      sent.pop_front();
    if (sent.empty()) return ++ids_;
    const std::int64_t id = sent.front().id;
    sent.pop_front();
    return id;
  }

  std::vector<Source> sources_;
  std::FILE* out_;
  MergedTrace& report_;
  std::int64_t begin_;
  std::int64_t last_ = 0;
  std::int64_t ids_ = 0;
  std::map<std::string, std::deque<std::int64_t>> to_come_;  // when what is not written yet was sent, by message
  std::map<std::string, std::deque<Sent>> sent_;             // and has not arrived
};

// A server that runs says something every heartbeat. One that has long been silent while others spoke was killed.
void break_off_the_silent(std::vector<Source>& sources) {
  std::int64_t newest = 0;
  for (const Source& source : sources)
    newest = std::max(newest, source.lines.empty() ? 0 : source.lines.back().at);
  for (Source& source : sources) {
    if (source.on_the_wall && !source.ended && !source.lines.empty() && newest - source.lines.back().at > silence) {
      break_off(source);
    }
  }
}

std::string wall_text(std::int64_t at) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(at / second)),
                     at % second / 1'000'000);
}

// As it is: its messages have numbers, its times a common beginning.
void copy(Source& source, std::FILE* out, MergedTrace& report) {
  for (const Line& line : source.lines)
    write_line(out, line.fields.text());
  report.events += source.lines.size();
}

}  // namespace

Result<MergedTrace> merge_traces(std::span<const std::string> files, std::FILE* out, TraceFormat format) {
  if (format != TraceFormat::json && format != TraceFormat::html) {
    return fail(ErrorCode::invalid, "traces that were read are written as json or html only");
  }
  MergedTrace report;
  Reader reader(report);
  std::vector<Source> sources;
  std::string title;
  std::string failure;
  bool walls = false;
  for (const std::string& path : files) {
    auto source = reader.read(path);
    if (!source) return std::unexpected(source.error());
    walls = walls || source->on_the_wall;
    title += (title.empty() ? "" : ", ") + source->title;
    if (failure.empty()) failure = source->failure;
    sources.push_back(std::move(*source));
  }
  const auto write = [&](auto&& events, const std::string& named) {
    if (format == TraceFormat::html) {
      PageTrace page(out, named);
      events();
      page.finish(failure);
    } else {
      write_line(out, json_begin(named));
      events();
      write_line(out, json_end(failure));
    }
  };
  if (sources.size() == 1 && !walls) {
    write([&] { copy(sources.front(), out, report); }, title);
  } else {
    break_off_the_silent(sources);
    Merger merger(std::move(sources), out, report);
    write([&] { merger.run(); }, walls ? fmt::format("{}, from {}", title, wall_text(merger.begin())) : title);
  }
  return report;
}

}  // namespace keel::sim
