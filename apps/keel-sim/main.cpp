// keel-sim: random runs of whole clusters, by seed.
#include <cstdio>

#include "commands.hpp"
#include "output.hpp"

namespace {

using namespace keel::sim;

int run(const Flags& flags) {
  if (flags.list) return list_profiles();
  if (!flags.read.empty()) return convert_traces(flags);
  if (!flags.tla_trace.empty()) return write_tla_trace(flags);
  return flags.one_run() ? one_run(flags) : campaign(flags);
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  if (const auto status = parse(argc, argv, flags)) return *status;
  const int status = run(flags);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return complain("cannot write to standard output");
  return status;
}
