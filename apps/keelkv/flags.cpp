// The command line of keelkv, made from the table of settings.
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "keelkv/settings.hpp"

namespace keel {

namespace {

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

EarlyExit refusal(std::string_view text) {
  return {2, fmt::format("keelkv: {} (keelkv --help shows all settings)\n", first_line(text))};
}

}  // namespace

std::expected<KvSettings, EarlyExit> parse_flags(int argc, const char* const* argv) {
  CLI::App app("keelkv: a replicated key-value store that Redis clients can talk to", "keelkv");
  app.set_version_flag("--version", "keelkv " KEEL_VERSION);
  std::map<std::string_view, std::vector<std::string>> given;
  const KvSettings defaults;
  for (const Setting& setting : settings_table()) {
    std::string help(setting.help);
    if (!setting.required && !setting.get(defaults).empty()) help += fmt::format(" ({})", setting.get(defaults));
    CLI::Option* const option = app.add_option(fmt::format("--{}", setting.name), given[setting.name], help);
    option->type_name(std::string(setting.value))->expected(1);
    if (setting.name == "log-level") option->take_all();
    if (setting.required) option->required();
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

  KvSettings settings;
  for (const Setting& setting : settings_table()) {
    const auto& values = given[setting.name];
    if (values.empty()) continue;
    const std::string value = fmt::format("{}", fmt::join(values, ","));
    if (auto set = apply_setting(setting, settings, value); !set) {
      return std::unexpected(refusal("--" + set.error().message));
    }
  }
  if (auto fits = validate(settings); !fits) return std::unexpected(refusal("--" + fits.error().message));
  return settings;
}

}  // namespace keel
