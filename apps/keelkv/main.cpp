// keelkv: one node of a replicated key-value store that Redis clients can talk to.
#include <csignal>
#include <cstdio>
#include <exception>

#include <fmt/core.h>

#include "keelkv/server/kv_process.hpp"

namespace {

int run(keel::KvSettings settings) {
  keel::KvProcess process(std::move(settings));
  if (const auto started = process.start(); !started) {
    fmt::print(stderr, "keelkv: {}\n", started.error().message);
    const keel::ErrorCode why = started.error().code;
    const bool disk = why == keel::ErrorCode::storage_failed || why == keel::ErrorCode::corrupt;
    return disk ? keel::exit_status::disk_error : keel::exit_status::cannot_start;
  }
  fmt::print("{}\n", process.ready_line());
  std::fflush(stdout);
  return process.run();
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader of our output that has gone is no reason to end
  auto settings = keel::parse_flags(argc, argv);
  if (!settings) {
    std::fputs(settings.error().text.c_str(), settings.error().status == 0 ? stdout : stderr);
    return settings.error().status;
  }
  try {
    return run(std::move(*settings));
  } catch (const std::exception& error) {
    fmt::print(stderr, "keelkv: {}\n", error.what());
    return keel::exit_status::broken;
  }
}
