#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keel/port/disk.hpp"
#include "keel/port/executor.hpp"
#include "keel/sim/random.hpp"

namespace keel::sim {

// What can be made to go wrong, and is counted. A write and its sync are counted apart.
enum class DiskOp : std::uint8_t { open, read, write, sync, create, rename, remove, replace };
inline constexpr std::size_t disk_ops = 8;
[[nodiscard]] std::string_view to_string(DiskOp op);

struct DiskTiming {
  Duration write_min = std::chrono::microseconds(80);  // a write and its sync together
  Duration write_max = std::chrono::microseconds(250);
  Duration read_min = std::chrono::microseconds(10);
  Duration read_max = std::chrono::microseconds(80);
  Duration file_min = std::chrono::milliseconds(1);  // create, rename, remove
  Duration file_max = std::chrono::milliseconds(20);
};

// What of a simulated disk outlives a crash: the bytes, what is broken about it, and its source of chance. One SimDisk
// at a time works on it. Pages that hold only zeros take no memory.
class SimMedia {
 public:
  explicit SimMedia(std::uint64_t seed, DiskTiming timing = {});
  ~SimMedia();
  SimMedia(SimMedia&&) noexcept;
  SimMedia& operator=(SimMedia&&) noexcept;
  // The same bytes on another disk, whole and healthy.
  [[nodiscard]] SimMedia copy(std::uint64_t seed) const;

  // The files, looked at and changed from outside. Names must exist, but for `put`.
  [[nodiscard]] std::vector<std::string> files() const;
  [[nodiscard]] std::vector<std::byte> contents(std::string_view name) const;
  [[nodiscard]] std::uint64_t size(std::string_view name) const;
  void put(std::string_view name, ByteView contents);
  void erase(std::string_view name);
  void flip(std::string_view name, std::uint64_t offset, unsigned bit);

  // The nth operation of this kind from now fails, once. A failed write stored a part of its bytes, or none (a short
  // write); after a failed sync they can be read back, but a crash may lose them whatever is synced later.
  void fail(DiskOp op, std::uint64_t nth = 1);
  // While on, every operation of this kind fails.
  void fail_all(DiskOp op, bool on);
  // While on, no write and no read completes: the disk hangs. What waited completes once it is off.
  void hang(bool on);
  // Added to what each operation takes.
  void slow_down(Duration by);
  static constexpr std::uint64_t ample = std::uint64_t{1} << 40;
  void set_capacity(std::uint64_t bytes);  // `ample` at first
  // Nothing of the above any more, done or to come.
  void heal();
  // The power goes when the nth operation from now begins. 0: never.
  void crash_at(std::uint64_t nth);

  [[nodiscard]] std::uint64_t ops() const;  // begun, of all kinds
  [[nodiscard]] std::uint64_t ops(DiskOp op) const;
  [[nodiscard]] std::uint64_t used_bytes() const;
  // What went wrong because it was made to.
  struct Troubles {
    std::array<std::uint64_t, disk_ops> failed{};  // by DiskOp
    std::uint64_t full = 0;                        // refused for want of space
    std::uint64_t slowed = 0;
    std::uint64_t hung = 0;
    std::uint64_t lost = 0;          // writes of which a power cut left nothing
    std::uint64_t torn = 0;          // writes of which it left a part
    std::uint64_t reordered = 0;     // writes of which something was left without what was written before it
    std::uint64_t reverted = 0;      // sectors that could be read, were never synced, and went back
    std::uint64_t short_writes = 0;  // writes that failed with a part of them stored
  };
  [[nodiscard]] const Troubles& troubles() const;

 private:
  friend class SimDisk;
  struct State;
  std::unique_ptr<State> state_;
};

// A Disk in virtual time, for one life of a process. What was synced survives `crash`; each write that was not done
// survives wholly, in some of its 512-byte sectors, or not at all, whatever became of others; each directory operation
// that was not done happened or did not. All chance comes from the media's seed.
class SimDisk final : public Disk {
 public:
  // Time is the executor's: one whose clock is true, if the node's own is to run wild. Takes the place of any SimDisk
  // that was on this media before, which must have crashed or stopped.
  SimDisk(Executor& executor, SimMedia& media);
  ~SimDisk() override;

  // The power goes. Afterwards nothing completes and every call fails or does nothing.
  void crash();
  [[nodiscard]] bool alive() const { return alive_; }

  Result<void> lock() override;
  Result<std::vector<std::string>> list() override;
  Result<std::unique_ptr<File>> open(std::string_view name) override;
  Result<std::uint64_t> size(File& file) override;
  Result<std::vector<std::byte>> read_now(File& file, std::uint64_t offset, std::size_t size) override;
  Result<std::uint64_t> free_bytes_now() override;
  Result<void> sync_now(File& file) override;
  Result<void> write_now(File& file, std::uint64_t offset, ByteView bytes) override;
  Result<void> replace_now(std::string_view name, ByteView contents) override;

  void create(std::string name, std::uint64_t size, Completion<std::unique_ptr<File>> done) override;
  void rename(File& file, std::string to, Completion<void> done) override;
  void remove(std::string name, Completion<void> done) override;
  void write_sync(File& file, std::uint64_t offset, std::vector<DiskBuffer> buffers, Completion<void> done) override;
  void read(File& file, std::uint64_t offset, std::size_t size, Completion<BlockPtr> done) override;
  void free_bytes(Completion<std::uint64_t> done) override;

  // The process dies and the machine does not: what waits happens up to some point, whole.
  void stop() override;

 private:
  struct Operation;
  class Lane;
  friend class SimMedia;

  // Counts an operation. False when the power goes with it, or has gone.
  bool begin();
  void submit(Lane& lane, std::unique_ptr<Operation> operation);
  void start(Lane& lane);
  void finish(Lane& lane);
  void leave();
  [[nodiscard]] std::array<Lane*, 3> lanes() const { return {writes_.get(), reads_.get(), files_.get()}; }

  Executor& executor_;
  SimMedia::State* media_;
  std::unique_ptr<Lane> writes_;
  std::unique_ptr<Lane> reads_;
  std::unique_ptr<Lane> files_;
  bool alive_ = true;
};

}  // namespace keel::sim
