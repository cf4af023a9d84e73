#include "keel-bench/measure.hpp"

#include <algorithm>

#include "keel-bench/machine.hpp"

namespace bench {

namespace {

struct Snapshot {
  CpuTime servers;
  double client = 0;
  double machine = 0;

  static Snapshot take(const Servers& servers) { return {cpu_of(servers.processes()), own_cpu(), busy_cpu()}; }
};

}  // namespace

keel::Result<Sample> measure(Servers& servers, const Load& load) {
  Snapshot before;
  Snapshot after;
  const auto result =
      servers.load(load, [&] { before = Snapshot::take(servers); }, [&] { after = Snapshot::take(servers); });
  if (!result) return std::unexpected(result.error());
  if (result->answered == 0) {
    return keel::fail(keel::ErrorCode::io, "nothing was answered; the first error: " + result->first_failure);
  }
  const auto answered = static_cast<double>(result->answered);
  const auto each = [&](double seconds) { return seconds * 1e6 / answered; };
  const double all_servers = after.servers.all() - before.servers.all();
  const double client = after.client - before.client;
  const double others = after.machine - before.machine - all_servers - client;

  Sample sample;
  sample.per_second = answered / result->seconds;
  sample.p50_us = result->latency.quantile(0.5) / 1000;
  sample.p99_us = result->latency.quantile(0.99) / 1000;
  sample.cpu_us = each(all_servers);
  sample.kernel_us = each(after.servers.kernel - before.servers.kernel);
  sample.client_cpu_us = each(client);
  sample.other_load = std::max(0.0, others) / (result->seconds * cores());
  sample.add_failures(result->failures, result->first_failure);
  return sample;
}

}  // namespace bench
