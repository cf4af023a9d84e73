// A file of settings of any bytes: it is refused with a place in it, or what it sets can be shown as a file that sets the
// same.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "keelkv/config/settings.hpp"

namespace {

// The settings of such a file; none if it is refused.
std::optional<keel::KvSettings> read(std::string_view text) {
  const auto entries = keel::parse_config(text, "keelkv.toml");
  if (!entries) {
    if (!entries.error().message.starts_with("keelkv.toml:")) std::abort();
    return std::nullopt;
  }
  keel::KvSettings settings;
  for (const keel::ConfigEntry& entry : *entries) {
    if (entry.line == 0) std::abort();
    if (!keel::apply_setting(*entry.setting, settings, entry.value)) return std::nullopt;
  }
  return settings;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto settings = read({reinterpret_cast<const char*>(data), size});
  if (!settings) return 0;
  settings->password.clear();  // never shown
  const std::string shown = keel::show_config(*settings);
  auto again = read(shown);
  // What is required has no value that it may be left at.
  const bool complete = settings->id != keel::NodeId() && !settings->data.empty() && !settings->listen.host.empty();
  if (complete && (!again || keel::show_config(*again) != shown)) std::abort();
  (void)keel::validate(*settings);
  return 0;
}
