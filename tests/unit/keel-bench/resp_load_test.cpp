// The load generator against a server of a few lines that says what the test wants it to say.
#include "keel-bench/resp_load.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bench {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

constexpr Load small{.clients = 1, .pipeline = 4, .value = 3, .keys = 50, .warm_up = 0.01, .seconds = 0.05};
constexpr std::string_view first_command = "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000000\r\n$3\r\nxxx\r\n";

// Serves one connection: `reply` for each command, or `error` for every fourth if there is one, and closes after as many
// as `limit`.
class Server {
 public:
  explicit Server(std::string reply, std::size_t limit = SIZE_MAX, std::string error = {})
      : reply_(std::move(reply)), error_(std::move(error)), limit_(limit) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, raw, size) != 0 || listen(listener_, 1) != 0 || getsockname(listener_, raw, &size) != 0) {
      throw std::runtime_error("no port");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    if (thread_.joinable()) thread_.join();
    close(listener_);
  }
  [[nodiscard]] int port() const { return port_; }
  // The bytes of the first command, when the connection is closed.
  [[nodiscard]] const std::string& first() {
    thread_.join();
    return first_;
  }

 private:
  void serve() {
    const int client = accept(listener_, nullptr, nullptr);
    std::size_t bytes = 0;
    std::size_t answered = 0;
    for (std::array<char, 4096> piece{}; answered < limit_;) {
      const ssize_t n = recv(client, piece.data(), piece.size(), 0);
      if (n <= 0) break;
      if (first_.size() < first_command.size()) first_.append(piece.data(), static_cast<std::size_t>(n));
      bytes += static_cast<std::size_t>(n);
      std::string replies;
      for (; answered < bytes / first_command.size() && answered < limit_; ++answered)
        replies += !error_.empty() && answered % 4 == 3 ? error_ : reply_;
      if (send(client, replies.data(), replies.size(), MSG_NOSIGNAL) < 0) break;
    }
    close(client);
  }

  std::string reply_;
  std::string error_;
  std::size_t limit_;
  int listener_ = -1;
  int port_ = 0;
  std::string first_;
  std::thread thread_;
};

TEST(RespLoad, SendsSetsAndCountsTheirAnswers) {
  Server server("+OK\r\n");
  int edges = 0;
  const auto result = run_resp_load(server.port(), small, [&] { ++edges; }, [&] { ++edges; });
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(edges, 2);
  EXPECT_GT(result->answered, 0u);
  EXPECT_EQ(result->answered, result->latency.count());
  EXPECT_EQ(result->failures, 0u);
  EXPECT_GE(result->seconds, small.seconds);
}

TEST(RespLoad, TheFirstCommandIsWellFormed) {
  std::string first;
  {
    Server server("+OK\r\n", 4);
    EXPECT_FALSE(run_resp_load(server.port(), small, [] {}, [] {}));
    first = server.first();
  }
  ASSERT_GE(first.size(), first_command.size());
  std::string command = first.substr(0, first_command.size());
  const std::size_t at = first_command.find("000000000000");
  const std::string digits = command.substr(at, key_digits);
  EXPECT_THAT(digits, MatchesRegex("0000000000[0-4][0-9]"));
  command.replace(at, key_digits, std::string(key_digits, '0'));
  EXPECT_EQ(command, first_command);
}

TEST(RespLoad, ErrorsAreNoThroughputAndTheFirstIsKept) {
  Server server("-READONLY not here\r\n");
  const auto result = run_resp_load(server.port(), small, [] {}, [] {});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GT(result->failures, 0u);
  EXPECT_EQ(result->answered, 0u);
  EXPECT_EQ(result->latency.count(), 0u);
  EXPECT_EQ(result->first_failure, "-READONLY not here");
}

TEST(RespLoad, OfABatchOnlyWhatSucceededIsCounted) {
  Server server("+OK\r\n", SIZE_MAX, "-BUSY the log is full\r\n");
  Load load = small;
  load.warm_up = 0;
  const auto result = run_resp_load(server.port(), load, [] {}, [] {});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GT(result->failures, 0u);
  // Three of each batch of four; the last one may have come only in part.
  EXPECT_GE(result->answered, 3 * result->failures);
  EXPECT_LE(result->answered, 3 * result->failures + 3);
  EXPECT_EQ(result->answered, result->latency.count());
}

TEST(RespLoad, AServerThatClosesIsAnError) {
  Server server("+OK\r\n", 8);
  const auto result = run_resp_load(server.port(), small, [] {}, [] {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, keel::ErrorCode::io);
}

TEST(RespLoad, NobodyThereIsAnError) {
  int port = 0;
  {
    Server server("", 0);
    port = server.port();
    const auto result = run_resp_load(port, small, [] {}, [] {});
    EXPECT_FALSE(result);
  }
  const auto result = run_resp_load(port, small, [] {}, [] {});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("connect"));
}

TEST(RespLoad, MoreAnswersThanCommandsIsAnError) {
  Server server("+OK\r\n+OK\r\n");
  const auto result = run_resp_load(server.port(), small, [] {}, [] {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, keel::ErrorCode::corrupt);
}

TEST(Digits, FillTheirField) {
  std::string text(key_digits, 'x');
  write_digits(text.data(), 1234);
  EXPECT_EQ(text, "000000001234");
}

}  // namespace
}  // namespace bench
