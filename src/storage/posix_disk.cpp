#include "keel/storage/posix_disk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

#include <fmt/core.h>

#include "keel/base/assert.hpp"
#include "storage/device_file.hpp"
#include "storage/posix_io.hpp"

namespace keel {
namespace {

constexpr std::string_view lock_name = "LOCK";
constexpr std::string_view temporary_suffix = ".tmp";

class PosixFile final : public File {
 public:
  PosixFile(int number, std::string name)
      : device_(std::make_shared<DeviceFile>(number)), name_(std::make_shared<std::string>(std::move(name))) {}

  [[nodiscard]] const std::string& name() const override { return *name_; }
  [[nodiscard]] const std::shared_ptr<DeviceFile>& device() const { return device_; }
  // Shared, so that a rename can be told to a file that is closed by then. Used on the executor only.
  [[nodiscard]] const std::shared_ptr<std::string>& shared_name() const { return name_; }

 private:
  std::shared_ptr<DeviceFile> device_;
  std::shared_ptr<std::string> name_;
};

const PosixFile& mine(const File& file) { return static_cast<const PosixFile&>(file); }

std::unexpected<Error> failed(std::string_view operation, std::string_view file, int reason) {
  ErrorCode code = ErrorCode::io;
  if (reason == ENOENT) code = ErrorCode::not_found;
  if (reason == EEXIST) code = ErrorCode::exists;
  if (reason == ENOSPC || reason == EDQUOT) code = ErrorCode::overloaded;
  return fail(code, fmt::format("{} {}: {}", operation, file, std::generic_category().message(reason)));
}

Result<void> result_of(std::string_view operation, std::string_view file, int reason) {
  if (reason != 0) return failed(operation, file, reason);
  return {};
}

int write_bytes(int descriptor, ByteView bytes, std::uint64_t offset) {
  iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
  return write_all({&piece, 1}, offset, [descriptor](const iovec* pieces, int count, std::uint64_t at) {
    return ::pwritev(descriptor, pieces, count, static_cast<off_t>(at));
  });
}

int sync_directory(const std::filesystem::path& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.number < 0) return errno;
  return until_done([&] { return ::fsync(directory.number); });
}

}  // namespace

struct PosixDisk::Directory {
  Directory(int number, std::string path) : descriptor(number), path(std::move(path)) {}

  [[nodiscard]] int open(const std::string& name, int flags) const {
    return ::openat(descriptor.number, name.c_str(), flags | O_CLOEXEC, 0644);
  }
  [[nodiscard]] int sync() const {
    return until_done([&] { return ::fsync(descriptor.number); });
  }
  [[nodiscard]] int unlink(const std::string& name) const {
    return ::unlinkat(descriptor.number, name.c_str(), 0) < 0 ? errno : 0;
  }
  [[nodiscard]] int rename(const std::string& from, const std::string& to) const {
    return ::renameat(descriptor.number, from.c_str(), descriptor.number, to.c_str()) < 0 ? errno : 0;
  }
  [[nodiscard]] int rename_to_new(const std::string& from, const std::string& to) const {
    if (::renameat2(descriptor.number, from.c_str(), descriptor.number, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    // A file system that cannot be asked; the directory is ours alone, so looking first is as good.
    if (::faccessat(descriptor.number, to.c_str(), F_OK, 0) == 0) return EEXIST;
    return rename(from, to);
  }
  [[nodiscard]] Result<std::uint64_t> free_bytes() const {
    struct statvfs status{};
    if (::fstatvfs(descriptor.number, &status) < 0) return failed("ask for the free space of", path, errno);
    return static_cast<std::uint64_t>(status.f_bavail) * static_cast<std::uint64_t>(status.f_frsize);
  }
  [[nodiscard]] int replace(const std::string& name, ByteView contents) const {
    const std::string temporary = name + std::string(temporary_suffix);
    {
      const Descriptor file(open(temporary, O_RDWR | O_CREAT | O_TRUNC));
      if (file.number < 0) return errno;
      if (const int reason = write_bytes(file.number, contents, 0); reason != 0) return reason;
      if (const int reason = until_done([&] { return ::fsync(file.number); }); reason != 0) return reason;
    }
    if (const int reason = rename(temporary, name); reason != 0) return reason;
    return sync();
  }

  Descriptor descriptor;
  std::string path;
  std::unique_ptr<Descriptor> lock;
  BlockWriter writer;                 // of the lane of writes
  Staging staging;                    // of the lane of reads
  bool stopped = false;               // on the executor only: completions that are still posted do nothing
  std::atomic<bool> stopping{false};  // for the lanes
};

// One thread, which does one thing after another and posts what came of it.
class PosixDisk::Lane {
 public:
  // Runs on the lane's thread; what it returns runs on the executor.
  using Work = std::move_only_function<Task()>;

  Lane(Executor& executor, std::shared_ptr<Directory> directory)
      : executor_(executor), directory_(std::move(directory)), thread_([this] { run(); }) {}

  // `act` runs on the lane's thread, `done` gets what it returned, on the executor.
  template <class T, class Act>
  void submit(Completion<T> done, Act act) {
    push([this, done = std::move(done), act = std::move(act)]() mutable -> Task {
      auto result = act();
      return [directory = directory_, done = std::move(done), result = std::move(result)]() mutable {
        if (!directory->stopped) done(std::move(result));
      };
    });
  }

  void stop() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    arrived_.notify_one();
    if (thread_.joinable()) thread_.join();
    queue_.clear();
  }

 private:
  void push(Work work) {
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) return;
      queue_.push_back(std::move(work));
    }
    arrived_.notify_one();
  }

  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      Work work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      executor_.post(work());
      work = nullptr;
      lock.lock();
    }
  }

  Executor& executor_;
  std::shared_ptr<Directory> directory_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Work> queue_;  // guarded by mutex_, as is stopping_
  bool stopping_ = false;
  std::thread thread_;
};

PosixDisk::PosixDisk(std::shared_ptr<Directory> directory, Executor& executor)
    : directory_(std::move(directory)),
      writes_(std::make_unique<Lane>(executor, directory_)),
      reads_(std::make_unique<Lane>(executor, directory_)),
      files_(std::make_unique<Lane>(executor, directory_)) {}

PosixDisk::~PosixDisk() { stop(); }

Result<std::unique_ptr<PosixDisk>> PosixDisk::open(const std::filesystem::path& directory, Executor& executor) {
  const std::string path = directory.string();
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(directory, error);
  if (error) return failed("make directory", path, error.value());
  const auto make = [](const std::filesystem::path& level) { return ::mkdir(level.c_str(), 0777) < 0 ? errno : 0; };
  if (const int reason = make_directory(whole, make, sync_directory); reason != 0) {
    return failed("make directory", path, reason);
  }
  const int number = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (number < 0) return failed("open directory", path, errno);
  return std::unique_ptr<PosixDisk>(new PosixDisk(std::make_shared<Directory>(number, path), executor));
}

Result<void> PosixDisk::lock() {
  if (directory_->lock != nullptr) return {};
  auto file = std::make_unique<Descriptor>(directory_->open(std::string(lock_name), O_RDWR | O_CREAT));
  if (file->number < 0) return failed("open", lock_name, errno);
  const int reason = until_done([&] { return ::flock(file->number, LOCK_EX | LOCK_NB); });
  if (reason == EWOULDBLOCK) {
    return fail(ErrorCode::locked, fmt::format("directory {} is in use by another process; stop that one first, or "
                                               "use another directory",
                                               directory_->path));
  }
  if (reason != 0) return failed("lock", lock_name, reason);
  directory_->lock = std::move(file);
  return {};
}

Result<std::vector<std::string>> PosixDisk::list() {
  const int copy = directory_->open(".", O_RDONLY | O_DIRECTORY);
  if (copy < 0) return failed("list directory", directory_->path, errno);
  DIR* stream = ::fdopendir(copy);
  if (stream == nullptr) {
    const int reason = errno;
    ::close(copy);
    return failed("list directory", directory_->path, reason);
  }
  std::vector<std::string> names;
  for (errno = 0; const dirent* entry = ::readdir(stream); errno = 0) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && name != lock_name && !name.ends_with(temporary_suffix)) names.emplace_back(name);
  }
  const int reason = errno;
  ::closedir(stream);
  if (reason != 0) return failed("list directory", directory_->path, reason);
  std::ranges::sort(names);
  return names;
}

Result<std::unique_ptr<File>> PosixDisk::open(std::string_view name) {
  const int number = directory_->open(std::string(name), O_RDWR);
  if (number < 0) return failed("open", name, errno);
  return std::make_unique<PosixFile>(number, std::string(name));
}

Result<std::uint64_t> PosixDisk::size(File& file) {
  struct stat status{};
  if (::fstat(mine(file).device()->number(), &status) < 0) return failed("stat", file.name(), errno);
  return static_cast<std::uint64_t>(status.st_size);
}

Result<std::vector<std::byte>> PosixDisk::read_now(File& file, std::uint64_t offset, std::size_t size) {
  std::vector<std::byte> bytes(size);
  std::size_t got = 0;
  const int reason = read_bytes(*mine(file).device(), Staging(), bytes, offset, got);
  if (reason != 0) return failed("read", file.name(), reason);
  bytes.resize(got);
  return bytes;
}

Result<std::uint64_t> PosixDisk::free_bytes_now() { return directory_->free_bytes(); }

Result<void> PosixDisk::sync_now(File& file) {
  const int number = mine(file).device()->number();
  const int reason = until_done([&] { return ::fsync(number); });
  if (reason == 0) (void)::posix_fadvise(number, 0, 0, POSIX_FADV_DONTNEED);
  return result_of("sync", file.name(), reason);
}

Result<void> PosixDisk::write_now(File& file, std::uint64_t offset, ByteView bytes) {
  const DiskBuffer whole{bytes, {}};
  return result_of("write and sync", file.name(), BlockWriter().write(mine(file).device(), {&whole, 1}, offset));
}

Result<void> PosixDisk::replace_now(std::string_view name, ByteView contents) {
  return result_of("replace", name, directory_->replace(std::string(name), contents));
}

void PosixDisk::create(std::string name, std::uint64_t size, Completion<std::unique_ptr<File>> done) {
  files_->submit(std::move(done),
                 [directory = directory_, name = std::move(name), size]() -> Result<std::unique_ptr<File>> {
                   const int number = directory->open(name, O_RDWR | O_CREAT | O_EXCL);
                   if (number < 0) return failed("create", name, errno);
                   auto file = std::make_unique<PosixFile>(number, name);
                   int reason = write_zeros(*file->device(), size, directory->stopping);
                   if (reason == 0) reason = directory->sync();
                   if (reason == 0) return file;
                   (void)directory->unlink(name);
                   return failed("create", name, reason);
                 });
}

void PosixDisk::rename(File& file, std::string to, Completion<void> done) {
  auto renamed = [shared = mine(file).shared_name(), to, done = std::move(done)](Result<void> result) mutable {
    if (result) *shared = std::move(to);
    done(std::move(result));
  };
  files_->submit(Completion<void>(std::move(renamed)), [directory = directory_, from = file.name(), to]() {
    int reason = directory->rename_to_new(from, to);
    if (reason == 0) reason = directory->sync();
    return result_of("rename", from, reason);
  });
}

void PosixDisk::remove(std::string name, Completion<void> done) {
  files_->submit(std::move(done), [directory = directory_, name = std::move(name)]() {
    int reason = directory->unlink(name);
    if (reason == 0) reason = directory->sync();
    return result_of("remove", name, reason);
  });
}

void PosixDisk::write_sync(File& file, std::uint64_t offset, std::vector<DiskBuffer> buffers, Completion<void> done) {
  writes_->submit(std::move(done), [directory = directory_, device = mine(file).device(), name = file.name(), offset,
                                    buffers = std::move(buffers)]() {
    return result_of("write and sync", name, directory->writer.write(device, buffers, offset));
  });
}

void PosixDisk::read(File& file, std::uint64_t offset, std::size_t size, Completion<BlockPtr> done) {
  reads_->submit(
      std::move(done),
      [directory = directory_, device = mine(file).device(), name = file.name(), offset, size]() -> Result<BlockPtr> {
        BlockPtr block(Block::make(size));
        std::size_t got = 0;
        if (const int reason = read_bytes(*device, directory->staging, {block->data(), size}, offset, got);
            reason != 0) {
          return failed("read", name, reason);
        }
        if (got == size) return block;
        BlockPtr shorter(Block::make(got));
        std::copy_n(block->data(), got, shorter->data());
        return shorter;
      });
}

void PosixDisk::free_bytes(Completion<std::uint64_t> done) {
  files_->submit(std::move(done), [directory = directory_]() { return directory->free_bytes(); });
}

void PosixDisk::stop() {
  directory_->stopped = true;
  directory_->stopping = true;
  writes_->stop();
  reads_->stop();
  files_->stop();
  directory_->lock.reset();  // not with the last completion that is still posted
}

}  // namespace keel
