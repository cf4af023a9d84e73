#include "keel-demo/load.hpp"

#include <string>

#include "keel-demo/client.hpp"

namespace demo {

namespace {

constexpr std::chrono::milliseconds patience{2000};

// The first word of an error tells whether the command may still take effect; see docs/keelkv.md.
bool surely_not_written(const std::string& error) {
  for (const char* word : {"MOVED", "CLUSTERDOWN", "TRYAGAIN", "LOADING", "BUSY"}) {
    if (error.starts_with(word)) return true;
  }
  return false;
}

}  // namespace

Load::Load(std::vector<int> ports, std::size_t writers) : ports_(std::move(ports)), acknowledged_(writers) {
  for (std::size_t writer = 0; writer < writers; ++writer) {
    threads_.emplace_back([this, writer] { write(writer); });
  }
}

void Load::stop() {
  stopping_ = true;
  stopped_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

std::string Load::key(std::size_t writer, std::uint64_t number) {
  return "demo:" + std::to_string(writer) + ":" + std::to_string(number);
}

void Load::write(std::size_t writer) {
  Client client;
  std::size_t node = writer;
  for (std::uint64_t number = 0; !stopping_; ++number) {
    while (!client.connected() && !stopping_) {
      // A node that is down refuses at once; the next one is tried, and nothing was sent yet.
      if (!client.connect(ports_[++node % ports_.size()], patience)) back_off();
    }
    if (stopping_) return;
    const auto sent = Clock::now();
    const auto answer = client.call({"SET", key(writer, number), std::to_string(number)}, patience);
    if (answer && answer->kind == Answer::Kind::text) {
      acknowledged_[writer].push_back(number);
      note_acknowledged(sent);
      continue;
    }
    const bool refused = answer && surely_not_written(answer->text);
    {
      const std::lock_guard lock(mutex_);
      ++(refused ? totals_.refused : totals_.unknown);
    }
    client.close();  // another node may do better
    back_off();
  }
}

// While nobody leads there is no use in asking as fast as the processor can.
void Load::back_off() {
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, std::chrono::milliseconds(10), [this] { return stopping_.load(); });
}

void Load::note_acknowledged(Clock::time_point sent) {
  const auto now = Clock::now();
  const std::lock_guard lock(mutex_);
  ++totals_.acknowledged;
  if (last_ != Clock::time_point{}) totals_.longest_pause = std::max(totals_.longest_pause, now - last_);
  last_ = now;
  if (sent > watch_since_ && watch_hit_ == Clock::time_point{}) watch_hit_ = now;
}

Load::Totals Load::totals() const {
  const std::lock_guard lock(mutex_);
  return totals_;
}

void Load::watch(Clock::time_point since) {
  const std::lock_guard lock(mutex_);
  watch_since_ = since;
  watch_hit_ = {};
}

Load::Clock::time_point Load::seen() const {
  const std::lock_guard lock(mutex_);
  return watch_hit_;
}

}  // namespace demo
