// The command line of keelkv, made from the table of settings, and the file that it names.
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "keelkv/config/settings.hpp"

namespace keel {

namespace {

struct CommandLine {
  std::map<std::string_view, std::vector<std::string>> given;  // by setting; empty when it is not there
  std::string config;
  bool print_config = false;
};

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

EarlyExit refusal(std::string_view text) {
  return {2, fmt::format("keelkv: {} (keelkv --help shows all settings)\n", first_line(text))};
}

std::expected<CommandLine, EarlyExit> read_command_line(int argc, const char* const* argv) {
  CLI::App app("keelkv: a replicated key-value store that Redis clients can talk to", "keelkv");
  app.set_version_flag("--version", "keelkv " KEEL_VERSION);
  CommandLine line;
  app.add_option("--config", line.config, "A file of settings, as TOML: name = value; flags stand above it")
      ->type_name("FILE")
      ->expected(1);
  app.add_flag("--print-config", line.print_config, "Check all settings, print them as such a file, and end");
  const KvSettings defaults;
  for (const Setting& setting : settings_table()) {
    std::string help(setting.help);
    const bool required = setting.kind == SettingKind::required;
    if (required) help += " (required)";
    if (!required && !setting.get(defaults).empty()) help += fmt::format(" ({})", setting.get(defaults));
    CLI::Option* const option = app.add_option(fmt::format("--{}", setting.name), line.given[setting.name], help);
    option->type_name(std::string(setting.value))->expected(1);
    if (setting.name == "log-level") option->take_all();
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return std::unexpected(EarlyExit{0, app.help()});
  } catch (const CLI::CallForVersion&) {
    return std::unexpected(EarlyExit{0, app.version() + "\n"});
  } catch (const CLI::ParseError& error) {
    return std::unexpected(refusal(error.what()));
  }
  return line;
}

// Where each setting that is not left at its default was given: "--name", or the file and the line in it.
using Origins = std::map<std::string_view, std::string>;

Result<void> apply_file(const CommandLine& line, KvSettings& settings, Origins& origins) {
  if (line.config.empty()) return {};
  const auto entries = read_config(line.config);
  if (!entries) return std::unexpected(entries.error());
  settings.config_file = line.config;
  for (const auto& [setting, value, number] : *entries) {
    const std::string place = fmt::format("{}:{}: ", line.config, number);
    if (const auto set = apply_setting(*setting, settings, value); !set)
      return fail(ErrorCode::invalid, place + set.error().message);
    origins[setting->name] = place;
  }
  return {};
}

Result<void> apply_flags(const CommandLine& line, KvSettings& settings, Origins& origins) {
  for (const Setting& setting : settings_table()) {
    const auto& values = line.given.at(setting.name);
    if (values.empty()) continue;
    const std::string value = fmt::format("{}", fmt::join(values, ","));
    if (const auto set = apply_setting(setting, settings, value); !set)
      return fail(ErrorCode::invalid, "--" + set.error().message);
    origins[setting.name] = "--";
  }
  return {};
}

// Whether nothing is missing, and all fits together.
Result<void> check(const CommandLine& line, const KvSettings& settings, const Origins& origins) {
  for (const Setting& setting : settings_table()) {
    if (setting.kind != SettingKind::required || origins.contains(setting.name)) continue;
    return fail(ErrorCode::invalid,
                line.config.empty() ? fmt::format("--{} is required, or a file that has it (--config)", setting.name)
                                    : fmt::format("{}: {} is required, here or as a flag", line.config, setting.name));
  }
  if (const auto fits = validate(settings); !fits) {
    const std::string& why = fits.error().message;  // begins with the setting that does not fit
    const auto origin = origins.find(std::string_view(why).substr(0, why.find_first_of(" :")));
    return fail(ErrorCode::invalid, (origin == origins.end() ? "" : origin->second) + why);
  }
  return {};
}

}  // namespace

std::expected<KvSettings, EarlyExit> parse_flags(int argc, const char* const* argv) {
  const auto line = read_command_line(argc, argv);
  if (!line) return std::unexpected(line.error());
  KvSettings settings;
  Origins origins;
  if (const auto done = apply_file(*line, settings, origins); !done)
    return std::unexpected(refusal(done.error().message));
  if (const auto done = apply_flags(*line, settings, origins); !done)
    return std::unexpected(refusal(done.error().message));
  if (const auto good = check(*line, settings, origins); !good) return std::unexpected(refusal(good.error().message));
  if (line->print_config) return std::unexpected(EarlyExit{0, show_config(settings)});
  return settings;
}

}  // namespace keel
