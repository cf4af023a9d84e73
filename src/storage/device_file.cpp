#include "storage/device_file.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "keel/base/assert.hpp"

namespace keel {
namespace {

constexpr std::size_t down(std::size_t size) { return size / block_bytes * block_bytes; }
constexpr std::size_t up(std::size_t size) { return down(size + block_bytes - 1); }

int read_blocks(const DeviceFile& file, std::span<std::byte> into, std::uint64_t offset, std::size_t& got) {
  return read_all(into, offset, got, block_bytes,
                  [&file](std::byte* at, std::size_t size, std::uint64_t where) { return file.read(at, size, where); });
}

}  // namespace

DeviceFile::DeviceFile(int number) : descriptor_(number) {
  if (const int flags = ::fcntl(number, F_GETFL); flags >= 0) (void)::fcntl(number, F_SETFL, flags | O_DIRECT);
}

// Some file systems say only when it comes to it that they cannot do without their cache.
bool DeviceFile::may_try_through_cache() const {
  if (errno != EINVAL) return false;
  const int flags = ::fcntl(number(), F_GETFL);
  const bool may = flags >= 0 && (flags & O_DIRECT) != 0 && ::fcntl(number(), F_SETFL, flags & ~O_DIRECT) == 0;
  errno = EINVAL;
  return may;
}

ssize_t DeviceFile::read(std::byte* at, std::size_t size, std::uint64_t offset) const {
  const auto call = [&] { return ::pread(number(), at, size, static_cast<off_t>(offset)); };
  const ssize_t result = call();
  return result < 0 && may_try_through_cache() ? call() : result;
}

ssize_t DeviceFile::write(const std::byte* at, std::size_t size, std::uint64_t offset) const {
  const auto call = [&] { return ::pwrite(number(), at, size, static_cast<off_t>(offset)); };
  const ssize_t result = call();
  return result < 0 && may_try_through_cache() ? call() : result;
}

ssize_t DeviceFile::write_durably(const std::byte* at, std::size_t size, std::uint64_t offset) const {
  const iovec piece{const_cast<std::byte*>(at), size};
  const auto call = [&] { return ::pwritev2(number(), &piece, 1, static_cast<off_t>(offset), RWF_DSYNC); };
  const ssize_t result = call();
  if (result < 0 && may_try_through_cache()) return call();
  if (result >= 0 || errno != EOPNOTSUPP) return result;
  const ssize_t written = write(at, size, offset);  // a kernel that does not know the flag
  return written < 0 || ::fdatasync(number()) == 0 ? written : -1;
}

int read_bytes(const DeviceFile& file, const Staging& staging, std::span<std::byte> into, std::uint64_t offset,
               std::size_t& got) {
  got = 0;
  while (got < into.size()) {
    const std::size_t skip = (offset + got) % block_bytes;
    const std::size_t wanted = std::min(Staging::size, up(skip + into.size() - got));
    std::size_t found = 0;
    if (const int reason = read_blocks(file, {staging.data(), wanted}, offset + got - skip, found); reason != 0) {
      return reason;
    }
    const std::size_t step = std::min(found - std::min(found, skip), into.size() - got);
    std::copy_n(staging.data() + skip, step, into.data() + got);
    got += step;
    if (found < wanted) return 0;
  }
  return 0;
}

int write_zeros(const DeviceFile& file, std::uint64_t size, const std::atomic<bool>& stopping) {
  KEEL_ASSERT(size % block_bytes == 0, "files are made of whole blocks");
  const auto reserve = [&] { return ::fallocate(file.number(), 0, 0, static_cast<off_t>(size)); };
  if (const int reason = until_done(reserve); reason != 0 && reason != EOPNOTSUPP) return reason;
  const Staging zeros;
  std::fill_n(zeros.data(), Staging::size, std::byte{});
  for (std::uint64_t at = 0; at < size; at += Staging::size) {
    if (stopping.load(std::memory_order_relaxed)) return ECANCELED;
    iovec left{zeros.data(), static_cast<std::size_t>(std::min<std::uint64_t>(size - at, Staging::size))};
    const auto write = [&](const iovec* one, int, std::uint64_t where) {
      return file.write(static_cast<const std::byte*>(one->iov_base), one->iov_len, where);
    };
    if (const int reason = write_all({&left, 1}, at, write); reason != 0) return reason;
    if (const int reason = until_done([&] { return ::fdatasync(file.number()); }); reason != 0) return reason;
  }
  return until_done([&] { return ::fsync(file.number()); });
}

int BlockWriter::write(const std::shared_ptr<DeviceFile>& file, std::span<const DiskBuffer> buffers,
                       std::uint64_t offset) {
  std::uint64_t at = offset / block_bytes * block_bytes;
  auto filled = static_cast<std::size_t>(offset - at);
  if (const int reason = filled == 0 ? 0 : load(file, at); reason != 0) return reason;
  last_file_.reset();  // until all is written
  for (const DiskBuffer& buffer : buffers) {
    for (ByteView rest = buffer.bytes; !rest.empty();) {
      const std::size_t step = std::min(rest.size(), Staging::size - filled);
      std::copy_n(rest.data(), step, staging_.data() + filled);
      filled += step;
      rest = rest.subspan(step);
      if (filled < Staging::size) continue;
      if (const int reason = put(*file, at, filled); reason != 0) return reason;
      at += filled;
      filled = 0;
    }
  }
  std::fill(staging_.data() + filled, staging_.data() + up(filled), std::byte{});
  if (const int reason = put(*file, at, up(filled)); reason != 0) return reason;
  if (filled == down(filled)) return 0;
  last_file_ = file;
  last_block_ = at + down(filled);
  std::copy_n(staging_.data() + down(filled), block_bytes, last_.data());
  return 0;
}

// Puts the block at this offset of the file at the beginning of the staging memory.
int BlockWriter::load(const std::shared_ptr<DeviceFile>& file, std::uint64_t block) {
  if (last_block_ == block && last_file_.lock() == file) {
    std::copy_n(last_.data(), block_bytes, staging_.data());
    return 0;
  }
  std::size_t got = 0;
  const int reason = read_blocks(*file, {staging_.data(), block_bytes}, block, got);
  if (reason == 0) std::fill(staging_.data() + got, staging_.data() + block_bytes, std::byte{});
  return reason;
}

int BlockWriter::put(const DeviceFile& file, std::uint64_t at, std::size_t size) {
  iovec piece{staging_.data(), size};
  return write_all({&piece, 1}, at, [&](const iovec* left, int, std::uint64_t where) {
    return file.write_durably(static_cast<const std::byte*>(left->iov_base), left->iov_len, where);
  });
}

}  // namespace keel
