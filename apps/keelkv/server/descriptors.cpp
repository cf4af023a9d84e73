#include "keelkv/server/descriptors.hpp"

#include <sys/resource.h>

#include <limits>

namespace keel {

namespace {

constexpr std::uint64_t for_peers = 320;  // TcpOptions::max_connections, and those to max_members
constexpr std::uint64_t for_the_rest = 32;

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
  return settings.max_log_bytes / settings.segment_size + for_peers + for_the_rest;
}

std::uint64_t client_capacity(const KvSettings& settings) {
  const std::uint64_t limit = descriptor_limit();
  const std::uint64_t reserved = reserved_descriptors(settings);
  return limit > reserved ? limit - reserved : 0;
}

}  // namespace keel
