#pragma once

#include <filesystem>
#include <memory>

#include "keel/port/disk.hpp"
#include "keel/port/executor.hpp"

namespace keel {

// A directory of a real file system. Three threads of its own, one a lane, do what may block; the lock is held on the
// file LOCK, which `list` leaves out. Destruction stops the disk, which waits for the system calls that are running: a
// file of zeros that is being made is given up.
class PosixDisk final : public Disk {
 public:
  // Makes the directory, and those above it, if there is none; their entries are synced. Errors: `io`.
  static Result<std::unique_ptr<PosixDisk>> open(const std::filesystem::path& directory, Executor& executor);
  ~PosixDisk() override;

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

  void stop() override;

 private:
  class Lane;
  struct Directory;
  explicit PosixDisk(std::shared_ptr<Directory> directory, Executor& executor);

  std::shared_ptr<Directory> directory_;
  std::unique_ptr<Lane> writes_;
  std::unique_ptr<Lane> reads_;
  std::unique_ptr<Lane> files_;
};

}  // namespace keel
