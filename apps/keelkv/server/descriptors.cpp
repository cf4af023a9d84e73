#include "keelkv/server/descriptors.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <string>

namespace keel {

namespace {

constexpr std::uint64_t for_peers = 320;  // TcpOptions::max_connections, and those to max_members
constexpr std::uint64_t for_the_rest = 32;

struct LogFiles {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
};

LogFiles log_files(const std::string& directory) {
  LogFiles found;
  std::error_code error;  // a file may go meanwhile, and the directory may not be there yet
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!entry->path().filename().string().starts_with("log-")) continue;
    std::error_code gone;
    const std::uint64_t size = entry->file_size(gone);
    if (gone) continue;
    ++found.count;
    found.bytes += size;
  }
  return found;
}

}  // namespace

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::uint64_t descriptor_limit() {
  rlimit limit{};
  const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  return known ? limit.rlim_cur : std::numeric_limits<std::uint64_t>::max();
}

std::uint64_t reserved_descriptors(const KvSettings& settings) {
  const LogFiles there = log_files(settings.data);
  const std::uint64_t to_come = settings.max_log_bytes - std::min(settings.max_log_bytes, there.bytes);
  return there.count + to_come / settings.segment_size + for_peers + for_the_rest;
}

std::uint64_t client_capacity(const KvSettings& settings) {
  const std::uint64_t limit = descriptor_limit();
  const std::uint64_t reserved = reserved_descriptors(settings);
  return limit > reserved ? limit - reserved : 0;
}

}  // namespace keel
