#include "keel/asio/run.hpp"

#include <chrono>
#include <thread>

namespace keel {

void run(boost::asio::io_context& context, Duration spin) {
  using Clock = std::chrono::steady_clock;
  while (!context.stopped()) {
    if (spin > Duration()) {
      for (auto until = Clock::now() + spin; !context.stopped() && Clock::now() < until;) {
        if (context.poll() > 0) {
          until = Clock::now() + spin;
        } else {
          std::this_thread::yield();
        }
      }
    }
    context.run_one();
  }
}

}  // namespace keel
