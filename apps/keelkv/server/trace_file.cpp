#include "keelkv/server/trace_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace keel {

namespace {

std::string io_error(const std::string& path, int number) {
  return fmt::format("{}: the trace cannot be written: {}", path, std::strerror(number));
}

// A process that was killed may have left half a line, which must not swallow the next.
bool ends_within_a_line(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  return file != nullptr && std::fseek(file.get(), -1, SEEK_END) == 0 && std::fgetc(file.get()) != '\n';
}

}  // namespace

Result<std::unique_ptr<TraceFile>> TraceFile::open(const std::string& path, std::string_view first,
                                                   std::function<void(const std::string&)> complain,
                                                   TraceFileOptions options) {
  const bool broken = ends_within_a_line(path);
  std::FILE* const file = std::fopen(path.c_str(), "ae");
  if (file == nullptr) return fail(ErrorCode::io, io_error(path, errno));
  std::unique_ptr<TraceFile> trace(new TraceFile(file, path, std::move(complain), std::move(options)));
  if (broken) trace->put("", true);
  trace->put(first, true);
  return trace;
}

TraceFile::TraceFile(std::FILE* file, std::string path, std::function<void(const std::string&)> complain,
                     TraceFileOptions options)
    : file_(file), path_(std::move(path)), complain_(std::move(complain)), options_(std::move(options)) {
  std::setvbuf(file_, nullptr, _IONBF, 0);  // lines come in large pieces, and should be there after a kill
  thread_ = std::thread([this] { run(); });
}

TraceFile::~TraceFile() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
  std::fclose(file_);
}

void TraceFile::run() {
  std::uint64_t written = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty() || !failure_.empty()) return;
    const std::string piece = std::exchange(waiting_, {});
    taken_ = piece.size();
    lock.unlock();
    if (options_.before_write) options_.before_write();
    errno = 0;
    const bool good = std::fwrite(piece.data(), 1, piece.size(), file_) == piece.size();
    const int error = errno;
    written += piece.size();
    lock.lock();
    taken_ = 0;
    if (!good) {
      failure_ = io_error(path_, error);
    } else if (written >= options_.max_written) {
      failure_ = fmt::format("{}: the trace has grown by {} bytes, and ends here", path_, written);
    }
    if (!failure_.empty()) return;
  }
}

bool TraceFile::put(std::string_view line, bool always) {
  {
    const std::lock_guard lock(mutex_);
    const std::size_t size = taken_ + waiting_.size() + line.size() + 1;
    if (!failure_.empty() || (!always && size > options_.max_waiting)) return false;
    waiting_.append(line).append(1, '\n');
  }
  changed_.notify_one();
  return true;
}

void TraceFile::give_up_if_failed() {
  std::string why;
  {
    const std::lock_guard lock(mutex_);
    why = failure_;
  }
  if (why.empty()) return;
  given_up_ = true;
  complain_(why);
}

void TraceFile::write(sim::SimTime at, NodeId node, std::string_view line) {
  if (given_up_) return;
  if (untold_ > 0) {
    const bool told = put(sim::json_line({.at = at,
                                          .kind = sim::TraceKind::fault,
                                          .node = node,
                                          .number = untold_,
                                          .name = "dropped",
                                          .text = "lines are missing here: the trace came faster than its disk"}),
                          false);
    if (told) untold_ = 0;
  }
  if (untold_ == 0 && put(line, false)) return;
  ++dropped_;
  ++untold_;
  give_up_if_failed();
}

void TraceFile::end(std::string_view line) {
  if (!given_up_) put(line, true);
}

}  // namespace keel
