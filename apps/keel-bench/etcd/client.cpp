#ifdef KEEL_BENCH_ETCD
#include "keel-bench/etcd/client.hpp"

#include <etcd.grpc.pb.h>
#include <grpcpp/grpcpp.h>

#include <deque>
#include <optional>
#include <thread>

#include "keel-bench/interrupt.hpp"

namespace bench {

using keel::ErrorCode;
using keel::Result;
namespace rpc = etcdserverpb;

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds longest_silence{10};

std::chrono::system_clock::time_point in(Clock::duration span) {
  return std::chrono::system_clock::now() + std::chrono::duration_cast<std::chrono::system_clock::duration>(span);
}

// Each its own connection: by default gRPC shares one among channels to the same address.
std::shared_ptr<grpc::Channel> channel_to(int port) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials(), arguments);
}

class Run {
 public:
  Run(int port, const Load& load) : load_(load), keys_(load.keys) {
    const std::size_t connections = load.shared == 0 ? load.clients : load.shared;
    for (std::size_t i = 0; i < connections; ++i)
      stubs_.push_back(rpc::KV::NewStub(channel_to(port)));
    request_.set_key("key:" + std::string(key_digits, '0'));
    request_.set_value(std::string(load.value, 'x'));
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    for (Call& call : calls_)
      call.context->TryCancel();
    queue_.Shutdown();
    void* tag = nullptr;
    for (bool ok = false; queue_.Next(&tag, &ok);) {
    }
  }

  Result<LoadResult> run(const Edge& begin, const Edge& end) {
    for (std::size_t i = 0; i < load_.clients; ++i)
      put(calls_.emplace_back(), i);
    if (auto warm = serve_until(Clock::now() + span(load_.warm_up)); !warm) return std::unexpected(warm.error());
    begin();
    counting_ = true;
    const auto began = Clock::now();
    if (auto done = serve_until(began + span(load_.seconds)); !done) return std::unexpected(done.error());
    result_.seconds = std::chrono::duration<double>(Clock::now() - began).count();
    end();
    return std::move(result_);
  }

 private:
  struct Call {
    std::optional<grpc::ClientContext> context;  // good for one call
    std::unique_ptr<grpc::ClientAsyncResponseReader<rpc::PutResponse>> reader;
    rpc::PutResponse response;
    grpc::Status status;
    Clock::time_point sent;
    std::size_t stub = 0;
  };

  static Clock::duration span(double seconds) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }

  void put(Call& call, std::size_t number) {
    call.stub = number % stubs_.size();
    put(call);
  }
  void put(Call& call) {
    write_digits(request_.mutable_key()->data() + 4, keys_.next());
    call.context.emplace();
    call.sent = Clock::now();
    call.reader = stubs_[call.stub]->AsyncPut(&*call.context, request_, &queue_);
    call.reader->Finish(&call.response, &call.status, &call);
  }

  Result<void> serve_until(Clock::time_point deadline) {
    while (Clock::now() < deadline) {
      void* tag = nullptr;
      bool ok = false;
      if (queue_.AsyncNext(&tag, &ok, in(longest_silence)) != grpc::CompletionQueue::GOT_EVENT) {
        return keel::fail(ErrorCode::timed_out, "etcd: no answer for 10 s");
      }
      if (auto on = go_on(); !on) return on;
      Call& call = *static_cast<Call*>(tag);
      if (!call.status.ok()) {
        if (result_.failures++ == 0) result_.first_failure = call.status.error_message();
      } else if (counting_) {
        ++result_.answered;
        result_.latency.add(std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - call.sent).count());
      }
      put(call);
    }
    return {};
  }

  Load load_;
  Keys keys_;
  rpc::PutRequest request_;
  std::vector<std::unique_ptr<rpc::KV::Stub>> stubs_;
  grpc::CompletionQueue queue_;
  std::deque<Call> calls_;
  bool counting_ = false;
  LoadResult result_;
};

class EtcdWriter final : public Writer {
 public:
  explicit EtcdWriter(int port) : stub_(rpc::KV::NewStub(channel_to(port))) {}
  bool put(const std::string& key, const std::string& value, std::chrono::milliseconds patience) override {
    grpc::ClientContext context;
    context.set_deadline(in(patience));
    rpc::PutRequest request;
    request.set_key(key);
    request.set_value(value);
    rpc::PutResponse response;
    return stub_->Put(&context, request, &response).ok();
  }

 private:
  std::unique_ptr<rpc::KV::Stub> stub_;
};

}  // namespace

bool built_with_grpc() { return true; }

Result<LoadResult> run_etcd_load(int port, const Load& load, const Edge& begin, const Edge& end) {
  return Run(port, load).run(begin, end);
}

Result<std::size_t> find_etcd_leader(const std::vector<int>& ports, std::chrono::milliseconds patience) {
  std::vector<std::unique_ptr<rpc::Maintenance::Stub>> stubs;
  stubs.reserve(ports.size());
  for (const int port : ports)
    stubs.push_back(rpc::Maintenance::NewStub(channel_to(port)));
  for (const auto deadline = Clock::now() + patience; Clock::now() < deadline;) {
    if (auto on = go_on(); !on) return std::unexpected(on.error());
    for (std::size_t i = 0; i < stubs.size(); ++i) {
      grpc::ClientContext context;
      context.set_deadline(in(std::chrono::milliseconds(500)));
      rpc::StatusResponse status;
      if (!stubs[i]->Status(&context, {}, &status).ok()) continue;
      if (status.leader() != 0 && status.leader() == status.header().member_id()) return i;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return keel::fail(ErrorCode::timed_out, "etcd elected no leader in time");
}

std::unique_ptr<Writer> etcd_writer(int port) { return std::make_unique<EtcdWriter>(port); }

}  // namespace bench
#endif
