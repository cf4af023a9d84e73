#include "keel-bench/interrupt.hpp"

#include <csignal>

namespace bench {

namespace {

volatile std::sig_atomic_t came = 0;

void note(int) { came = 1; }

}  // namespace

void end_on_signals() {
  struct sigaction action{};
  action.sa_handler = note;  // without SA_RESTART: what waits returns
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE})
    sigaction(signal, &action, nullptr);
}

keel::Result<void> go_on() {
  if (came != 0) return keel::fail(keel::ErrorCode::stopping, "interrupted");
  return {};
}

}  // namespace bench
