// The file of settings. TOML is read by toml++; what the settings mean, and what they may be, is in their table.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <fmt/format.h>
#include <toml++/toml.h>

#include "keelkv/settings.hpp"

namespace keel {

namespace {

constexpr std::size_t max_file_bytes = 1u << 20;

// A value as the flag of that name would have it. None if it is of a kind that no setting is.
std::optional<std::string> text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  return std::nullopt;
}

std::optional<std::string> value_of(const toml::node& node) {
  const auto* const list = node.as_array();
  if (list == nullptr) return text_of(node);
  std::string joined;
  for (const toml::node& item : *list) {
    const auto text = text_of(item);
    if (!text) return std::nullopt;
    joined += (joined.empty() ? "" : ",") + *text;
  }
  return joined;
}

Result<ConfigEntry> read_entry(std::string_view key, const toml::node& node, std::string_view path) {
  const std::size_t line = node.source().begin.line;
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::invalid, fmt::format("{}:{}: {} {}", path, line, key, why));
  };
  const Setting* const setting = find_setting(key);
  if (node.is_table()) return refuse("is a table: all settings stand at the top level, as name = value");
  if (setting == nullptr || setting->name != key) return refuse("is no setting");
  if (setting->kind == SettingKind::one_start) return refuse("is for one start only: give it as a flag");
  auto value = value_of(node);
  if (!value) {
    return refuse(fmt::format("is not a string (such as \"{}\"), a whole number, or an array of them", setting->value));
  }
  return ConfigEntry{setting, std::move(*value), line};
}

std::string literal(std::string_view text) {
  if (!text.empty() && text.size() < 19 && text.find_first_not_of("0123456789") == std::string_view::npos)
    return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
  return out + '"';
}

}  // namespace

Result<std::vector<ConfigEntry>> parse_config(std::string_view text, std::string_view path) {
  const toml::parse_result parsed = toml::parse(text, path);
  if (!parsed) {
    const auto& at = parsed.error().source().begin;
    return fail(ErrorCode::invalid,
                fmt::format("{}:{}:{}: not TOML: {}", path, at.line, at.column, parsed.error().description()));
  }
  std::vector<ConfigEntry> entries;
  for (const auto& [key, node] : parsed.table()) {
    auto entry = read_entry(key.str(), node, path);
    if (!entry) return std::unexpected(entry.error());
    entries.push_back(std::move(*entry));
  }
  std::ranges::sort(entries, {}, &ConfigEntry::line);
  return entries;
}

Result<std::vector<ConfigEntry>> read_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(max_file_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (!file.eof() && file.gcount() == 0)) {
    return fail(ErrorCode::io, fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > max_file_bytes) {
    return fail(ErrorCode::invalid, fmt::format("{}: larger than {} bytes: no file of settings", path, max_file_bytes));
  }
  return parse_config(text, path);
}

std::string show_config(const KvSettings& settings) {
  std::string text;
  for (const Setting& setting : settings_table()) {
    const std::string value = setting.get(settings);
    if (setting.kind == SettingKind::one_start || (value.empty() && setting.kind != SettingKind::required)) continue;
    if (setting.secret) {
      text += fmt::format("# {} is set, and not shown\n", setting.name);
    } else {
      text += fmt::format("{} = {}\n", setting.name, literal(value));
    }
  }
  return text;
}

}  // namespace keel
