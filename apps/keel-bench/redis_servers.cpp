// A single redis-server: what one replica-less process does on the same disk.
#include <memory>
#include <thread>

#include "keel-bench/interrupt.hpp"
#include "keel-bench/servers.hpp"
#include "keel-demo/child.hpp"

namespace bench {

using namespace std::chrono_literals;
using keel::ErrorCode;
using keel::Result;

namespace {

std::string name_of(RedisSync sync) {
  return sync == RedisSync::always ? "redis, appendfsync always" : "redis, in memory";
}

class RedisServers final : public Servers {
 public:
  RedisServers(std::string program, RedisSync sync, std::filesystem::path folder)
      : program_(std::move(program)), sync_(sync), folder_(std::move(folder)) {}

  [[nodiscard]] std::string name() const override { return name_of(sync_); }

  Result<void> start() override {
    auto ports = demo::free_ports(1);
    if (!ports) return std::unexpected(ports.error());
    port_ = ports->front();
    // No snapshot and no rewrite of its log falls into a run.
    std::vector<std::string> command{
        program_, "--port",         std::to_string(port_),           "--bind", "127.0.0.1", "--save", "",
        "--dir",  folder_.string(), "--auto-aof-rewrite-percentage", "0"};
    if (sync_ == RedisSync::always) {
      command.insert(command.end(), {"--appendonly", "yes", "--appendfsync", "always"});
    }
    const std::string log = (folder_ / "redis.log").string();
    if (auto launched = child_.launch(command, log); !launched) return launched;
    for (const auto deadline = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < deadline;) {
      if (auto on = go_on(); !on) return on;
      demo::Client client;
      if (client.connect(port_, 500ms)) {
        const auto pong = client.call({"PING"}, 500ms);
        if (pong && pong->text == "PONG") return {};
      }
      std::this_thread::sleep_for(10ms);
    }
    return keel::fail(ErrorCode::timed_out, "redis-server does not answer; see " + log);
  }

  [[nodiscard]] std::vector<pid_t> processes() const override { return {child_.pid()}; }

  Result<LoadResult> load(const Load& load, const Edge& begin, const Edge& end) override {
    return run_resp_load(port_, load, begin, end);
  }

 private:
  std::string program_;
  RedisSync sync_;
  std::filesystem::path folder_;
  demo::Child child_;
  int port_ = 0;
};

}  // namespace

Result<Contender> redis_contender(RedisSync sync) {
  auto program = find_program("redis-server", "redis-server");
  if (!program) return std::unexpected(program.error());
  return Contender{name_of(sync), [program = *program, sync](const std::filesystem::path& folder, bool) {
                     return std::make_unique<RedisServers>(program, sync, folder);
                   }};
}

}  // namespace bench
