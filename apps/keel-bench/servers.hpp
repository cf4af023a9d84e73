#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keel-bench/resp_load.hpp"
#include "keel-demo/client.hpp"
#include "keel/base/error.hpp"

namespace bench {

// A folder of its own under `parent`, removed with all that is in it.
class Folder {
 public:
  // Error: `io`.
  static keel::Result<Folder> make(const std::filesystem::path& parent);
  Folder(Folder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  Folder& operator=(Folder&&) = delete;
  ~Folder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  explicit Folder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

// Where data goes: what was asked for, or the system's temporary folder, or /var/tmp if that is in memory.
[[nodiscard]] std::filesystem::path data_folder(const std::string& asked);
[[nodiscard]] bool in_memory(const std::filesystem::path& folder);

// What is measured: the processes of one store, with data of their own in a folder. They end with this object.
class Servers {
 public:
  virtual ~Servers() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  // Returns when they answer and one of them leads.
  virtual keel::Result<void> start() = 0;
  [[nodiscard]] virtual std::vector<pid_t> processes() const = 0;
  // Makes load on the one that leads.
  virtual keel::Result<LoadResult> load(const Load& load, const Edge& begin, const Edge& end) = 0;
  // How often they have called operator new, if they were made to be counted and can be.
  [[nodiscard]] virtual std::optional<std::uint64_t> allocations() const { return std::nullopt; }
};

// Writes to one server, one command at a time.
class Writer {
 public:
  virtual ~Writer() = default;
  // Whether it was acknowledged in time.
  virtual bool put(const std::string& key, const std::string& value, std::chrono::milliseconds patience) = 0;
};

// Servers that outlive their leader.
class Replicas : public Servers {
 public:
  static constexpr std::size_t count = 3;
  // Errors: `timed_out`.
  virtual keel::Result<std::size_t> find_leader() = 0;
  virtual void kill(std::size_t node) = 0;  // SIGKILL; returns when it is gone
  virtual keel::Result<void> start_again(std::size_t node) = 0;
  virtual std::unique_ptr<Writer> writer_to(std::size_t node) = 0;
};

// Makes servers anew, in the folder given; `counted` makes those count their allocations that can.
struct Contender {
  std::string name;
  std::function<std::unique_ptr<Servers>(const std::filesystem::path& folder, bool counted)> make;
};

enum class RedisSync { always, none };
[[nodiscard]] Contender keelkv_contender();
// Each names the Debian package when its program is not there: `not_found`.
[[nodiscard]] keel::Result<Contender> redis_contender(RedisSync sync);
[[nodiscard]] keel::Result<Contender> etcd_contender();
[[nodiscard]] std::unique_ptr<Replicas> keelkv_replicas(const std::filesystem::path& folder);
[[nodiscard]] keel::Result<std::unique_ptr<Replicas>> etcd_replicas(const std::filesystem::path& folder);

// Where a program lies in PATH. Error: `not_found`, naming the package.
[[nodiscard]] keel::Result<std::string> find_program(const std::string& name, const std::string& package);
// The program that is built with this one.
[[nodiscard]] std::string built_program(const std::string& name);

}  // namespace bench
