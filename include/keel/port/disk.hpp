#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keel/base/payload.hpp"
#include "keel/port/completion.hpp"

namespace keel {

// An open file. Destruction neither syncs nor cancels what is in flight: the disk keeps the descriptor until that has
// ended.
class File {
 public:
  virtual ~File() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
};

// One piece of a gathered write; `owner` keeps the bytes alive until the write is done.
struct DiskBuffer {
  ByteView bytes;
  Payload owner;
};

// One reference to a block.
struct ReleaseBlock {
  void operator()(Block* block) const { block->release(); }
};
using BlockPtr = std::unique_ptr<Block, ReleaseBlock>;

// One directory of files, which this process holds alone. What runs while a store serves is asynchronous: the threads
// that may block on a device live inside the Disk, none in the log above it. What runs only at open is synchronous.
// Names are plain file names without a slash.
//
// There are three lanes, so that neither reading old entries nor making a file of zeros holds up a write: in each,
// operations take effect and complete in the order of their calls, and nothing is promised across them. `write_sync` is
// one; `read` another; `create`, `rename`, `remove` and `free_bytes` the third. A read sees every write whose `done` has
// run when it is called; of one under way, or begun later, anything. All completions run on the executor, none from
// inside the call that took it, on which all calls are made too.
//
// Errors are `io` (with the operation, the file and the system's reason), `overloaded` (no space), `not_found`,
// `exists`, `locked`.
class Disk {
 public:
  virtual ~Disk() = default;

  // Synchronous: the caller's thread waits for the device. At open.
  // Exclusive, for the life of this Disk: `locked` if another Disk or process holds it. Nothing the second time.
  virtual Result<void> lock() = 0;
  virtual Result<std::vector<std::string>> list() = 0;
  virtual Result<std::unique_ptr<File>> open(std::string_view name) = 0;
  virtual Result<std::uint64_t> size(File& file) = 0;
  // Fewer bytes than asked for only at the end of the file.
  virtual Result<std::vector<std::byte>> read_now(File& file, std::uint64_t offset, std::size_t size) = 0;
  // Bytes that can still be allocated.
  virtual Result<std::uint64_t> free_bytes_now() = 0;
  // Makes durable what an earlier process wrote and may not have synced. Reads then come from the device as far as
  // the system can be told to.
  virtual Result<void> sync_now(File& file) = 0;
  // As `write_sync`. Needs no new space where files are written in place.
  virtual Result<void> write_now(File& file, std::uint64_t offset, ByteView bytes) = 0;
  // Makes a whole small file durable, atomically, replacing one of that name: temporary file, sync, rename, directory
  // sync. After a crash the old contents or the new are there. The one of these that may also be called while a store
  // serves, for what happens a few times in a node's life (a peer that was never heard before): everything waits for it.
  virtual Result<void> replace_now(std::string_view name, ByteView contents) = 0;

  // Makes a file of `size` zero bytes, a multiple of 4,096, its blocks allocated and written, synced, its directory entry
  // synced. `exists` if there is one. A crash before it is done may leave nothing, or a file of any size up to that.
  virtual void create(std::string name, std::uint64_t size, Completion<std::unique_ptr<File>> done) = 0;
  // Gives an open file another name (atomic, directory synced). Fails with `exists` rather than replace one.
  virtual void rename(File& file, std::string to, Completion<void> done) = 0;
  virtual void remove(std::string name, Completion<void> done) = 0;
  // A write and an fdatasync in one hand-over: `done` when the bytes are durable. Writes inside the size of a file that
  // `create` made. What lies behind them, up to the next multiple of 4,096, may become zeros, so that whole blocks can
  // be written; nothing else changes. Until it is done a crash may leave any part of it, and of other writes not done.
  virtual void write_sync(File& file, std::uint64_t offset, std::vector<DiskBuffer> buffers, Completion<void> done) = 0;
  // Fewer bytes than asked for only at the end of the file. What it reads may since have been written over: whoever
  // gives space away asks, when the bytes come, whether it was still theirs.
  virtual void read(File& file, std::uint64_t offset, std::size_t size, Completion<BlockPtr> done) = 0;

  // Bytes that can still be allocated.
  virtual void free_bytes(Completion<std::uint64_t> done) = 0;
  // No completion runs after this returns; what is in flight may or may not reach the disk.
  virtual void stop() = 0;
};

}  // namespace keel
