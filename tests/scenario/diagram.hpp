#pragma once

#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "keel/sim/world.hpp"
#include "sim/trace_writers.hpp"

namespace keel::sim::test {

// What a test's story looks like, as a sequence diagram: for docs/scenarios/, whose pages are made of the comment over a
// test and of this. Heartbeats are left out unless a script holds or drops them, and time that passes is told.
class Diagram final : public TraceSink {
 public:
  // Of the first World in the test that runs, if KEEL_SCENARIO_DIAGRAMS names a folder; else nothing.
  static std::unique_ptr<Diagram> of_this_test();
  ~Diagram() override;

  [[nodiscard]] bool wants_states() const override { return true; }
  void on_trace(const TraceEvent& event) override;
  [[nodiscard]] bool has_begun() const { return begun_; }
  // What happens meanwhile shows only in the states that the story begins with, or goes on with.
  void look_away() { looks_ = false; }
  void look() { looks_ = true; }

 private:
  static constexpr std::size_t max_lines = 100'000;  // the page shows a few from both ends
  explicit Diagram(std::FILE* file) : file_(file), writer_(file, "", max_lines) {}
  [[nodiscard]] bool is_shown(const TraceEvent& event);
  void begin(SimTime at);

  std::FILE* file_;
  MermaidTrace writer_;
  std::vector<NodeView> states_;    // before the story has begun
  std::set<std::uint64_t> chosen_;  // messages that a script has held
  SimTime last_{};
  bool begun_ = false;
  bool looks_ = true;
};

// The same World, that may be drawn.
class World : public sim::World {
 public:
  explicit World(WorldOptions options = {}) : sim::World(std::move(options)), diagram_(Diagram::of_this_test()) {
    if (diagram_) add_sink(*diagram_);
  }

  NodeId elect() {
    const Aside aside(diagram_.get());
    return sim::World::elect();
  }
  void elect(Who node) {
    const Aside aside(diagram_.get());
    sim::World::elect(node);
  }
  // What comes now is the same in each story.
  void story_ends() {
    if (diagram_) diagram_->look_away();
  }

 private:
  // The election that a story begins with is not part of it.
  struct Aside {
    explicit Aside(Diagram* diagram) : diagram(diagram == nullptr || diagram->has_begun() ? nullptr : diagram) {
      if (this->diagram != nullptr) this->diagram->look_away();
    }
    ~Aside() {
      if (diagram != nullptr) diagram->look();
    }
    Aside(const Aside&) = delete;
    Aside& operator=(const Aside&) = delete;
    Diagram* diagram;
  };

  std::unique_ptr<Diagram> diagram_;
};

}  // namespace keel::sim::test
