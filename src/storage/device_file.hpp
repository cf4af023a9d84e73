#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "keel/port/disk.hpp"
#include "storage/posix_io.hpp"

// Files read and written past the page cache: a log is written once and seldom read, and nobody needs a copy of it there.
// Where the file system cannot do that, they go through the cache. Errors are errno values; 0 is success.
namespace keel {

inline constexpr std::size_t block_bytes = 4096;  // what is transferred lies at multiples of it, in file and memory

// An open file, for any thread.
class DeviceFile {
 public:
  explicit DeviceFile(int number);

  [[nodiscard]] int number() const { return descriptor_.number; }
  // As pread and pwrite, of whole blocks.
  [[nodiscard]] ssize_t read(std::byte* at, std::size_t size, std::uint64_t offset) const;
  [[nodiscard]] ssize_t write(const std::byte* at, std::size_t size, std::uint64_t offset) const;
  // The same, durable when it returns: a write and an fdatasync in one call.
  [[nodiscard]] ssize_t write_durably(const std::byte* at, std::size_t size, std::uint64_t offset) const;

 private:
  [[nodiscard]] bool may_try_through_cache() const;

  const Descriptor descriptor_;
};

// Memory through which bytes go to and from a device. For one thread.
class Staging {
 public:
  static constexpr std::size_t size = 1u << 20;

  Staging() : bytes_(static_cast<std::byte*>(std::aligned_alloc(block_bytes, size))) {
    if (bytes_ == nullptr) throw std::bad_alloc();
  }
  [[nodiscard]] std::byte* data() const { return bytes_.get(); }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<std::byte[], Free> bytes_;
};

// Fills `into` as far as the file goes; `got` is how far that was.
int read_bytes(const DeviceFile& file, const Staging& staging, std::span<std::byte> into, std::uint64_t offset,
               std::size_t& got);
// Zeros are really written: blocks that are only reserved cost a journal commit each when they are first written to.
// Synced piece by piece, so that a big file does not stand in the device's queue before someone's small write, and so
// that who wants to stop need not wait for all of it: then it ends with ECANCELED. `size` is whole blocks.
int write_zeros(const DeviceFile& file, std::uint64_t size, const std::atomic<bool>& stopping);

// Writes pieces of any size at any place. What stands before them in their first block stays; the rest of their last one
// becomes zeros. The block that was written last is remembered, so that nothing is read to write on where it ended.
class BlockWriter {
 public:
  int write(const std::shared_ptr<DeviceFile>& file, std::span<const DiskBuffer> buffers, std::uint64_t offset);

 private:
  [[nodiscard]] int load(const std::shared_ptr<DeviceFile>& file, std::uint64_t block);
  [[nodiscard]] int put(const DeviceFile& file, std::uint64_t at, std::size_t size);

  Staging staging_;
  std::weak_ptr<DeviceFile> last_file_;
  std::uint64_t last_block_ = 0;  // its offset
  std::array<std::byte, block_bytes> last_{};
};

}  // namespace keel
