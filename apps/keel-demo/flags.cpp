#include "keel-demo/flags.hpp"

#include <CLI/CLI.hpp>

namespace demo {

std::expected<Options, int> parse_flags(int argc, const char* const* argv) {
  CLI::App app{"Three keelkv processes under load; their leader is killed; nothing acknowledged is lost."};
  Options options;
  app.add_flag("!--no-wait", options.wait, "end by itself; status 0 only if nothing was lost");
  app.add_option("--seconds", options.seconds, "of load in each act")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_option("--writers", options.writers, "connections that write")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_subcommand("stop", "end every demo that runs")->callback([&] { options.stop = true; });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return std::unexpected(app.exit(error));
  }
  return options;
}

}  // namespace demo
