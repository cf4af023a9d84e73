#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keel/port/executor.hpp"
#include "storage/log_state.hpp"

namespace keel {

// Makes the next segment ready while the log fills the present one, from a file that compaction freed if it can; keeps
// count of the space.
class SegmentPool : public std::enable_shared_from_this<SegmentPool> {
 public:
  // `told` runs, on the executor, whenever a segment that is needed has become ready, or cannot be made; and when the
  // disk fails. Not when there is no space for a segment that is not needed yet: that is tried again.
  using Told = std::function<void(Result<void>)>;
  SegmentPool(Disk& disk, Executor& executor, const WriteAheadLogOptions& options, const LogIdentity& identity,
              Told told);

  void adopt(std::optional<Segment> ready, std::vector<Segment> spares, std::vector<std::string> debris,
             std::uint64_t live_bytes);
  void close();

  // A segment of this number, at least so large. `needed`: the log cannot go on without it, so that bounds do not count
  // and a failure is told; else it is made when there is space.
  void prepare(std::uint64_t sequence, std::uint64_t size, bool needed);
  [[nodiscard]] bool has_ready(std::uint64_t size) const { return ready_ && ready_->header.size >= size; }
  Segment take();
  // A segment that the log no longer needs.
  void recycle(Segment segment);

  // Bytes of records that fit into what is ready and what can be made.
  [[nodiscard]] std::uint64_t room() const;
  [[nodiscard]] static std::uint64_t usable(std::uint64_t segment_size);

 private:
  struct Wanted {
    std::uint64_t sequence;
    std::uint64_t size;
    bool needed;
  };

  void work();
  bool clean_up();
  bool may_make();
  void make();
  void write_header(const std::shared_ptr<File>& file, std::uint64_t size);
  void remove(const std::string& name, std::uint64_t size);
  void fail_making(const Error& error);
  void look_again();
  void see(std::uint64_t free);
  void look_again_later();
  template <class F>
  auto guarded(F f);

  Disk& disk_;
  Executor& executor_;
  const WriteAheadLogOptions& options_;
  const LogIdentity& identity_;
  Told told_;
  std::optional<Wanted> wanted_;
  std::optional<Segment> ready_;
  std::vector<Segment> spares_;
  std::vector<std::string> debris_;
  bool working_ = false;
  bool starved_ = false;  // the last attempt found no space, or failed
  bool closed_ = false;
  TimerId retry_;
  std::uint64_t allocated_ = 0;
  std::uint64_t free_ = 0;
};

}  // namespace keel
