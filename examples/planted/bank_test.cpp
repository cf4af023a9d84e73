// The simulator against a bank with a bug: whole clusters under power cuts, drawn from seeds. A run fails where a command
// has another reply on one node than on another, or where the replicas differ at the end. What fails replays.
#include "bank.hpp"

#include <iostream>

#include "keel/sim/random_run.hpp"

using namespace keel;

namespace {

sim::RunReport run(std::uint64_t seed, bool mended, std::size_t tail = 0) {
  std::map<NodeId, std::shared_ptr<Database>> databases;  // one a node, for all of its lives
  sim::RunOptions options;
  options.tail = tail;
  options.machine = [&databases, mended](NodeId node) {
    auto& database = databases[node];
    if (database == nullptr) database = std::make_shared<Database>();
    return std::make_unique<Bank>(database, mended);
  };
  options.command = [](sim::Random& random) {
    constexpr const char* names[] = {"alice", "bob", "carol"};
    return std::string(random.pick(names)) + (random.chance(0.5) ? "+" : "-") + std::to_string(random.between(1, 100));
  };
  return sim::run_seed(seed, *sim::find_profile("crash"), options);
}

int fail(const std::string& why) {
  std::cerr << why << "\n";
  return 1;
}

}  // namespace

int main() {
  constexpr std::uint64_t last = 8;
  std::uint64_t seed = 1;
  while (seed <= last && !run(seed, false).failed)
    ++seed;
  if (seed > last) return fail("the bug was not found");

  const sim::RunReport found = run(seed, false, 20);
  std::cout << "seed " << seed << " finds it: " << found.text << "\n";
  if (run(seed, false, 20).digest != found.digest) return fail("the seed does not replay");

  for (std::uint64_t again = 1; again <= last; ++again) {
    if (const sim::RunReport report = run(again, true); report.failed) {
      return fail("the mended bank fails with seed " + std::to_string(again) + ": " + report.text);
    }
  }
  std::cout << "mended, it passes " << last << " seeds\n";
}
