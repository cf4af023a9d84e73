#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "keel-bench/servers.hpp"
#include "keel/base/error.hpp"

// etcd over gRPC. In a build without gRPC these report `unsupported`.
namespace bench {

[[nodiscard]] bool built_with_grpc();

// `load.clients` puts at a time, each answered one followed by the next. One thread that takes what has completed, as
// gRPC's asynchronous interface means it. Errors: `io`, `timed_out`, `unsupported`.
[[nodiscard]] keel::Result<LoadResult> run_etcd_load(int port, const Load& load, const Edge& begin, const Edge& end);

// Which of the members on these ports leads. Errors: `timed_out`, `unsupported`.
[[nodiscard]] keel::Result<std::size_t> find_etcd_leader(const std::vector<int>& ports,
                                                         std::chrono::milliseconds patience);

[[nodiscard]] std::unique_ptr<Writer> etcd_writer(int port);

}  // namespace bench
