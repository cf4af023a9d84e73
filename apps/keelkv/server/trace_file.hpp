#pragma once

#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "keel/base/error.hpp"
#include "keel/sim/trace.hpp"

namespace keel {

struct TraceFileOptions {
  std::size_t max_waiting = 16u << 20;      // bytes of lines that wait for the disk; past it lines are dropped
  std::uint64_t max_written = 1ull << 30;   // bytes; then the trace ends
  std::function<void()> before_write = {};  // on the writing thread: for tests
};

// Appends the lines of a trace to a file, from a thread of its own: who writes a line never waits for a disk. What finds
// no room is counted, and the number becomes a line as soon as there is room again.
//
// All calls on one thread.
class TraceFile {
 public:
  // `first` begins this run's part of the file. `complain` is told once when nothing more will be written, and why: from
  // inside `write`. Error: `io`, with the file's name.
  static Result<std::unique_ptr<TraceFile>> open(const std::string& path, std::string_view first,
                                                 std::function<void(const std::string&)> complain,
                                                 TraceFileOptions options = {});
  // Waits until what was taken is in the file.
  ~TraceFile();
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  // The line of an event that `node` has seen `at` this moment.
  void write(sim::SimTime at, NodeId node, std::string_view line);
  // The last line. Always taken.
  void end(std::string_view line);
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }  // in all

 private:
  TraceFile(std::FILE* file, std::string path, std::function<void(const std::string&)> complain,
            TraceFileOptions options);
  void run();
  bool put(std::string_view line, bool always);
  void give_up_if_failed();

  std::FILE* file_;
  std::string path_;
  std::function<void(const std::string&)> complain_;
  TraceFileOptions options_;
  std::uint64_t dropped_ = 0;
  std::uint64_t untold_ = 0;  // of them
  bool given_up_ = false;

  std::mutex mutex_;  // over what follows
  std::condition_variable changed_;
  std::string waiting_;
  std::size_t taken_ = 0;  // by the thread, and not written yet
  std::string failure_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace keel
