#include "keel-demo/demo.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include <fmt/core.h>

#include "keel-demo/interrupt.hpp"
#include "keel-demo/load.hpp"
#include "keel-demo/nodes.hpp"
#include "keel-demo/registry.hpp"

namespace demo {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = Load::Clock;

namespace {

constexpr std::chrono::milliseconds election_timeout = 500ms;

double ms(Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

class Demo {
 public:
  explicit Demo(Options options) : options_(options) {}
  ~Demo() { clean_up(); }
  Demo(const Demo&) = delete;
  Demo& operator=(const Demo&) = delete;

  int run() {
    if (auto ready = start(); !ready) {
      fmt::print(stderr, "demo: {}\n", ready.error().message);
      return 1;
    }
    if (!wait_for_leader()) return interrupted();
    load_.emplace(nodes_->client_ports(), options_.writers);
    if (!show_for("load")) return interrupted();
    if (!kill_leader()) return interrupted();
    if (!show_for("without it")) return interrupted();
    if (!bring_back()) return interrupted();
    load_->stop();
    check_everything();
    if (options_.wait) stay_up();
    return failed_ ? 1 : 0;
  }

 private:
  keel::Result<void> start() {
    std::error_code failed;
    const fs::path self = fs::read_symlink("/proc/self/exe", failed);
    std::string pattern = data_pattern();
    if (mkdtemp(pattern.data()) == nullptr) return keel::fail(keel::ErrorCode::io, "no temporary folder");
    folder_ = pattern;
    fs::create_directories(note_of(getpid()).parent_path(), failed);
    note_ = note_of(getpid());
    std::ofstream(note_) << folder_.string() << "\n";
    auto ports = free_ports(2 * Nodes::count);
    if (!ports) return std::unexpected(ports.error());
    nodes_.emplace(std::vector{(self.parent_path() / "keelkv").string()}, folder_.string(), *ports, election_timeout);
    for (std::size_t node = 0; node < Nodes::count; ++node) {
      if (auto started = nodes_->start(node); !started) return started;
      fmt::print("node {}: process {}, clients on 127.0.0.1:{}\n", node + 1, nodes_->pid(node), (*ports)[node]);
    }
    return {};
  }

  bool wait_for_leader() {
    const auto deadline = Clock::now() + 30s;
    while (Clock::now() < deadline && !interrupt_.within(20ms)) {
      const auto views = nodes_->look();
      if (const auto leader = Nodes::leader_of(views)) {
        fmt::print("leader: node {}, term {}\n\n", *leader + 1, views[*leader].term);
        std::fflush(stdout);
        return true;
      }
    }
    return false;
  }

  // One frame of the live view. On a terminal each overwrites the one before.
  void show(const std::string& what) {
    const auto views = nodes_->look();
    std::uint64_t highest = 0;
    for (const NodeView& view : views)
      highest = std::max(highest, view.commit);
    const auto totals = load_->totals();
    const auto now = Clock::now();
    const double span = std::max(0.001, ms(now - shown_at_) / 1000);
    const double rate = static_cast<double>(totals.acknowledged - shown_) / span;
    shown_ = totals.acknowledged;
    shown_at_ = now;
    const bool over = isatty(STDOUT_FILENO) != 0;
    if (over && drawn_) fmt::print("\x1b[{}A", Nodes::count + 1);
    drawn_ = true;
    const char* clear = over ? "\x1b[K" : "";
    fmt::print("{}{:>12}  {:>10} acknowledged  {:>8.0f}/s\n", clear, what, totals.acknowledged, rate);
    for (std::size_t node = 0; node < views.size(); ++node) {
      const NodeView& v = views[node];
      if (v.role == "down") {
        fmt::print("{}  node {}  down\n", clear, node + 1);
      } else {
        fmt::print("{}  node {}  {:<9}  term {:<3}  commit {:<9}  lag {}\n", clear, node + 1, v.role, v.term, v.commit,
                   highest - std::min(highest, v.applied));
      }
    }
    std::fflush(stdout);
  }

  bool show_for(const std::string& what) {
    const auto end = Clock::now() + std::chrono::milliseconds(static_cast<long>(options_.seconds * 1000));
    while (Clock::now() < end) {
      if (interrupt_.within(500ms)) return false;
      show(what);
    }
    return true;
  }

  void say(const std::string& line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
    drawn_ = false;
  }

  // The demo goes on, to show what it can, but does not end well.
  void wrong(const std::string& what) {
    say("wrong: " + what);
    failed_ = true;
  }

  bool kill_leader() {
    const auto leader = Nodes::leader_of(nodes_->look());
    if (!leader) return wait_for_leader() && kill_leader();
    killed_ = *leader;
    const auto at = Clock::now();
    nodes_->kill(killed_);
    load_->watch(Clock::now());  // what is sent before it is gone may still be acknowledged by it
    say(fmt::format("\nkilled node {} (the leader) with SIGKILL", killed_ + 1));
    for (const auto deadline = at + 30s; Clock::now() < deadline;) {
      if (interrupt_.within(1ms)) return false;
      const auto first = load_->seen();
      if (first == Clock::time_point{}) continue;
      failover_ = first - at;
      say(fmt::format("writes are acknowledged again after {:.0f} ms (election timeout: {} to {} ms)\n", ms(*failover_),
                      election_timeout.count(), 2 * election_timeout.count()));
      return true;
    }
    wrong("no write was acknowledged within 30 s of the kill");
    return true;
  }

  bool bring_back() {
    const auto at = Clock::now();
    if (auto started = nodes_->start(killed_); !started) {
      wrong(started.error().message);
      return true;
    }
    say(fmt::format("\nstarted node {} again", killed_ + 1));
    const std::uint64_t goal = highest(&NodeView::commit);
    while (nodes_->look()[killed_].applied < goal) {
      if (interrupt_.within(20ms)) return false;
      if (Clock::now() < at + 60s) continue;
      wrong(fmt::format("it has not caught up to index {} within 60 s", goal));
      return true;
    }
    say(fmt::format("it has caught up to index {} after {:.0f} ms\n", goal, ms(Clock::now() - at)));
    return show_for("three again");
  }

  std::uint64_t highest(std::uint64_t NodeView::* field) {
    std::uint64_t most = 0;
    for (const NodeView& view : nodes_->look())
      most = std::max(most, view.*field);
    return most;
  }

  // With the load stopped all nodes come to rest at one applied index; then each is asked, by itself, for every
  // acknowledged write.
  void check_everything() {
    std::vector<NodeView> views;
    const auto still = [&] {
      views = nodes_->look();
      for (const NodeView& view : views) {
        if (view.role == "down" || view.applied != views[0].applied || view.applied != view.commit) return false;
      }
      return true;
    };
    for (const auto deadline = Clock::now() + 60s; !still() && Clock::now() < deadline;) {
      if (interrupt_.within(20ms)) break;
    }
    say("");
    std::uint64_t lost = 0;
    for (std::size_t node = 0; node < Nodes::count; ++node) {
      const std::uint64_t missing = missing_on(node, views[0].applied);
      say(fmt::format("node {}: {} acknowledged writes read locally at index {}: {}", node + 1,
                      load_->totals().acknowledged, views[0].applied,
                      missing == 0 ? "all there" : fmt::format("{} missing", missing)));
      lost += missing;
    }
    const auto totals = load_->totals();
    say(
        fmt::format("\n  acknowledged   {:>10}\n  unknown        {:>10}   (no answer: may or may not be there)\n"
                    "  refused        {:>10}   (surely not there)\n  lost           {:>10}\n"
                    "  failover       {:>10}\n  longest pause  {:>10.0f} ms\n",
                    totals.acknowledged, totals.unknown, totals.refused, lost,
                    failover_ ? fmt::format("{:.0f} ms", ms(*failover_)) : "none", ms(totals.longest_pause)));
    if (lost > 0) wrong("acknowledged writes are not there");
    if (totals.acknowledged == 0) wrong("nothing was acknowledged");
  }

  std::uint64_t missing_on(std::size_t node, std::uint64_t index) {
    Client client;
    std::uint64_t missing = 0;
    if (!client.connect(nodes_->client_ports()[node], 2s)) return load_->totals().acknowledged;
    std::vector<std::vector<std::string>> asks;
    std::vector<std::string> expected;
    const auto ask = [&] {
      const auto answers =
          asks.empty() ? std::vector<Answer>{} : client.call_all(asks, 30s).value_or(std::vector<Answer>());
      for (std::size_t i = 0; i < asks.size(); ++i) {
        const bool there = i < answers.size() && answers[i].items.size() == 2 &&
                           answers[i].items[0].text == std::to_string(index) && answers[i].items[1].text == expected[i];
        missing += there ? 0 : 1;
      }
      asks.clear();
      expected.clear();
    };
    for (std::size_t writer = 0; writer < load_->acknowledged().size(); ++writer) {
      for (const std::uint64_t number : load_->acknowledged()[writer]) {
        asks.push_back({"KEEL", "GET", Load::key(writer, number)});
        expected.push_back(std::to_string(number));
        if (asks.size() == 1000) ask();
      }
    }
    ask();
    return missing;
  }

  void stay_up() {
    const int port = nodes_->client_ports()[0];
    say(
        fmt::format("The cluster stays up. Try it, at any node:\n  redis-cli -p {} set hello world\n"
                    "Kill a node yourself (it is started again):\n  kill -9 {}\n"
                    "Ctrl-C here or `./dev demo stop` elsewhere ends it.\n",
                    port, nodes_->pid(0)));
    while (!interrupt_.within(500ms)) {
      for (const std::size_t node : nodes_->revive()) {
        say(fmt::format("node {} had ended; it runs again as process {}", node + 1, nodes_->pid(node)));
      }
    }
  }

  int interrupted() {
    if (interrupt_.within(0ms)) {
      say("\ninterrupted");
      return 1;
    }
    say("\nno leader within 30 s; what the nodes said:");
    for (std::size_t node = 0; node < Nodes::count; ++node) {
      std::ifstream log(nodes_->log(node));
      say(std::string(std::istreambuf_iterator<char>(log), {}));
    }
    return 1;
  }

  void clean_up() {
    if (load_) load_->stop();
    if (nodes_) nodes_->end();
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
    if (!note_.empty()) fs::remove(note_, ignored);
  }

  Options options_;
  Interrupt interrupt_;
  fs::path folder_;
  fs::path note_;
  std::optional<Nodes> nodes_;
  std::optional<Load> load_;
  std::size_t killed_ = 0;
  std::optional<Clock::duration> failover_;
  bool failed_ = false;
  std::uint64_t shown_ = 0;
  Clock::time_point shown_at_ = Clock::now();
  bool drawn_ = false;
};

}  // namespace

int run(const Options& options) { return Demo(options).run(); }

}  // namespace demo
