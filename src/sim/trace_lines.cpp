#include "sim/trace_lines.hpp"

#include <algorithm>
#include <charconv>

namespace keel::sim {
namespace {

// The length of a string with its quotes; 0 if none begins here.
std::size_t string_length(std::string_view text) {
  if (!text.starts_with('"')) return 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    } else if (static_cast<unsigned char>(text[i]) < 0x20) {
      return 0;
    }
  }
  return 0;
}

// A number, true, false or null.
std::size_t word_length(std::string_view text) {
  const auto end = std::ranges::find_if_not(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' || c == 'E';
  });
  return static_cast<std::size_t>(end - text.begin());
}

}  // namespace

std::optional<TraceLine> TraceLine::parse(std::string_view text) {
  TraceLine line;
  const auto take = [&text](std::size_t size) {
    const std::string_view taken = text.substr(0, size);
    text.remove_prefix(size);
    return taken;
  };
  if (text.empty() || take(1) != "{") return std::nullopt;
  while (true) {
    const std::size_t name = string_length(text);
    if (name < 2 || text.size() <= name || text[name] != ':') return std::nullopt;
    const std::string_view quoted = take(name);
    take(1);
    const std::size_t value = std::max(string_length(text), word_length(text));
    if (value == 0 || text.size() <= value) return std::nullopt;
    line.fields_.push_back({std::string(quoted.substr(1, name - 2)), std::string(take(value))});
    const std::string_view next = take(1);
    if (next == "}") break;
    if (next != ",") return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  return line;
}

std::string_view TraceLine::raw(std::string_view name) const {
  const auto field = std::ranges::find(fields_, name, &Field::name);
  return field == fields_.end() ? std::string_view() : std::string_view(field->value);
}

std::string_view TraceLine::word(std::string_view name) const {
  const std::string_view value = raw(name);
  return value.starts_with('"') ? value.substr(1, value.size() - 2) : std::string_view();
}

// Of escapes those that json_string writes, and a line break's short one.
std::string TraceLine::string(std::string_view name) const {
  std::string text;
  for (std::string_view rest = word(name); !rest.empty();) {
    unsigned code = 0;
    if (rest.starts_with("\\u") && rest.size() >= 6) {
      std::from_chars(rest.data() + 2, rest.data() + 6, code, 16);
      text += code < 0x80 ? std::string(1, static_cast<char>(code)) : "\ufffd";
      rest.remove_prefix(6);
    } else if (rest.starts_with('\\') && rest.size() >= 2) {
      text += rest[1] == 'n' ? '\n' : rest[1];
      rest.remove_prefix(2);
    } else {
      text += rest.front();
      rest.remove_prefix(1);
    }
  }
  return text;
}

std::int64_t TraceLine::number(std::string_view name) const {
  const std::string_view value = raw(name);
  std::int64_t number = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
  return read.ec == std::errc() ? number : 0;
}

void TraceLine::set(std::string_view name, std::int64_t value) {
  const auto field = std::ranges::find(fields_, name, &Field::name);
  if (field != fields_.end()) field->value = std::to_string(value);
}

// What might end a script in a page is only ever within strings.
std::string TraceLine::text() const {
  std::string text;
  for (const Field& field : fields_) {
    text += text.empty() ? "{\"" : ",\"";
    text += field.name + "\":";
    for (const char c : field.value) {
      if (c == '<') {
        text += "\\u003c";
      } else {
        text += c;
      }
    }
  }
  return text + "}";
}

}  // namespace keel::sim
