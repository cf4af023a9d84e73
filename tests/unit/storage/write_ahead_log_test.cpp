#include "keel/storage/write_ahead_log.hpp"

#include <gtest/gtest.h>

#include "keel/sim/sim_disk.hpp"
#include "keel/storage/posix_disk.hpp"
#include "log_store_conformance.hpp"
#include "temporary_directory.hpp"
#include "test_executor.hpp"

namespace keel {
namespace {

constexpr LogIdentity identity{conformance::cluster, conformance::group, conformance::node};

template <std::uint64_t segment_bytes>
struct OnSimDisk {
  std::unique_ptr<LogStore> make() {
    if (disk != nullptr) disk->stop();
    disk = std::make_unique<sim::SimDisk>(*executor, media);
    WriteAheadLogOptions options;
    options.segment_bytes = segment_bytes;
    return std::make_unique<WriteAheadLog>(*disk, *executor, options, identity);
  }
  void crash(std::unique_ptr<LogStore> old) {
    disk->crash();
    old.reset();
  }
  bool run_until(const std::function<bool()>& done) { return executor->run_until(done); }
  bool fail_writes() {
    media.fail_all(sim::DiskOp::sync, true);
    return true;
  }

  std::unique_ptr<test::TestExecutor> executor = std::make_unique<test::TestExecutor>();
  sim::SimMedia media{11};
  std::unique_ptr<sim::SimDisk> disk;
};

template <std::uint64_t segment_bytes>
struct OnPosixDisk {
  std::unique_ptr<LogStore> make() {
    disk.reset();
    disk = PosixDisk::open(directory->path(), *executor).value();
    WriteAheadLogOptions options;
    options.segment_bytes = segment_bytes;
    return std::make_unique<WriteAheadLog>(*disk, *executor, options, identity);
  }
  void crash(std::unique_ptr<LogStore> old) {  // only of the process: what it wrote is there
    disk.reset();
    old.reset();
  }
  bool run_until(const std::function<bool()>& done) { return executor->run_until(done); }
  bool fail_writes() { return false; }

  std::unique_ptr<test::TestExecutor> executor = std::make_unique<test::TestExecutor>();
  std::unique_ptr<test::TemporaryDirectory> directory = std::make_unique<test::TemporaryDirectory>();
  std::unique_ptr<PosixDisk> disk;
};

}  // namespace
}  // namespace keel

INSTANTIATE_TYPED_TEST_SUITE_P(SimDiskSmall, LogStoreConformance, keel::OnSimDisk<4096>);
INSTANTIATE_TYPED_TEST_SUITE_P(SimDiskMiddle, LogStoreConformance, keel::OnSimDisk<65536>);
INSTANTIATE_TYPED_TEST_SUITE_P(SimDiskLarge, LogStoreConformance, keel::OnSimDisk<(64u << 20)>);
INSTANTIATE_TYPED_TEST_SUITE_P(PosixDiskSmall, LogStoreConformance, keel::OnPosixDisk<8192>);
INSTANTIATE_TYPED_TEST_SUITE_P(PosixDiskLarge, LogStoreConformance, keel::OnPosixDisk<(1u << 20)>);
