#include "keelkv/server/kv_connection.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <fmt/format.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/data/kv_view.hpp"
#include "keelkv/data/release.hpp"
#include "keelkv/resp/command_bytes.hpp"
#include "keelkv/server/kv_server.hpp"
#include "keelkv/server/outcome.hpp"

namespace keel {

namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t max_writes_in_flight = 4096;  // of one connection; the node bounds them all together
constexpr std::size_t output_pause = 1u << 20;      // replies waiting for the client before we take more requests
constexpr std::size_t usual_output = 64u << 10;     // memory for more is given back when it has been sent
constexpr std::size_t usual_scratch = 1u << 20;
constexpr std::size_t drained_at_close = 1u << 20;
constexpr Duration longest_turn = std::chrono::milliseconds(5);

std::string describe(const tcp::endpoint& endpoint) {
  return to_string(HostPort{endpoint.address().to_string(), endpoint.port()});
}

RespLimits limits_of(const KvSettings& settings) {
  return {.max_bulk_bytes = settings.max_bulk, .max_request_bytes = settings.max_request};
}

}  // namespace

KvConnection::KvConnection(KvServer& server, tcp::socket socket, std::uint64_t id)
    : server_(server),
      socket_(std::move(socket)),
      parser_(limits_of(server.settings())),
      target_(
          std::make_shared<ReplyTarget>(RespVersion::resp2, server.settings().max_client_output, server.reply_room())) {
  error_code ignored;
  session_.id = id;
  session_.peer = describe(socket_.remote_endpoint(ignored));
  session_.local = describe(socket_.local_endpoint(ignored));
  session_.authenticated = server.settings().password.empty();
  session_.since = session_.last_active = server.executor().now();
}

void KvConnection::start() {
  server_.log().debug("client {}: connected from {}", session_.id, session_.peer);
  receive();
  server_.touched(*this);
}

void KvConnection::close() {
  if (std::exchange(closed_, true)) return;
  server_.log().debug("client {}: closed", session_.id);
  server_.add_memory(-static_cast<std::int64_t>(accounted_));
  error_code ignored;
  socket_.close(ignored);
  server_.closed(*this);
}

void KvConnection::receive() {
  if (receiving_ || closed_ || ending_ || input_ended_ || waiting_ != Waiting::no) return;
  receiving_ = true;
  const auto room = input_.writable();
  socket_.async_read_some(boost::asio::buffer(room.data(), room.size()),
                          [self = boost::intrusive_ptr(this)](const error_code& error, std::size_t bytes) {
                            self->received(error, bytes);
                          });
}

void KvConnection::received(const error_code& error, std::size_t bytes) {
  receiving_ = false;
  if (closed_) return;
  session_.last_active = server_.executor().now();
  if (error == boost::asio::error::eof) {
    input_ended_ = true;  // a half-closed connection still gets its answers
  } else if (error) {
    return close();
  }
  input_.commit(bytes);
  process();
  server_.touched(*this);
}

// Goes through the requests that have come, up to one that must wait.
void KvConnection::process() {
  waiting_ = Waiting::no;
  turn_ends_ = server_.executor().now() + longest_turn;
  while (!closed_ && !ending_ && take_request()) {
  }
}

// True when there may be another request to go on with.
bool KvConnection::take_request() {
  if (output_bytes() > output_pause) {
    waiting_ = Waiting::for_output;
    return false;
  }
  parser_.restrict(!server_.gate().knows(session_));
  switch (parser_.parse(input_.readable())) {
    case RespParser::Status::incomplete: return false;
    case RespParser::Status::complete: break;
    case RespParser::Status::broken:
      if (!refuse(fmt::format("ERR {}", parser_.error()))) return false;
      ++server_.counters().protocol_errors;
      ending_ = true;
      return false;
  }
  if (!parser_.args().empty()) return dispatch();
  request_done();
  return true;
}

// What is no write waits until the writes before it are answered; then it sees them, and its own answer is in order.
bool KvConnection::dispatch() {
  const auto resolved = CommandTable::get().resolve(parser_.args());
  if (const auto* unknown = std::get_if<CommandTable::Unknown>(&resolved)) {
    if (equal_ignoring_case(parser_.args()[0], "exec")) return abort_transaction(unknown->error);
    return transaction_.is_open() ? spoil(unknown->error) : refuse(unknown->error);
  }
  const CommandSpec& command = *std::get<const CommandSpec*>(resolved);
  session_.last_command = command.name;
  if (const auto refusal = server_.gate().refusal(command, parser_.args(), session_)) {
    return transaction_.is_open() ? spoil(*refusal) : refuse(*refusal);
  }
  const auto* const step = std::get_if<TransactionStep>(&command.handler);
  if (step != nullptr && !(transaction_.is_open() && command.is_unwatch())) return run_step(*step);
  if (transaction_.is_open() && command.name != "quit" && command.name != "reset") return queue_command(command);
  if (command.is_write()) return run_write();
  if (!replies_.empty()) return wait_for_writes();
  if (turn_is_over()) return false;
  if (const auto* read = std::get_if<ReadHandler>(&command.handler)) return run_read(*read);
  RespWriter reply = bounded_reply();
  if (const auto* plain = std::get_if<PlainHandler>(&command.handler)) {
    (*plain)(parser_.args(), reply);
  } else {
    std::get<SessionHandler>(command.handler)(*this, parser_.args(), reply);
  }
  return reply_done(reply);
}

bool KvConnection::refuse(std::string_view error) {
  if (!replies_.empty()) return wait_for_writes();
  RespWriter(output_, session_.version).error(error);
  request_done();
  return true;
}

bool KvConnection::wait_for_writes() {
  waiting_ = Waiting::for_writes;
  return false;
}

bool KvConnection::has_room_for_reply() {
  if (replies_.size() < max_writes_in_flight) return true;
  waiting_ = Waiting::for_room;
  return false;
}

// In its place behind the writes in flight.
bool KvConnection::answer(std::string_view reply) {
  if (!has_room_for_reply()) return false;
  if (replies_.empty()) {
    output_.append(reply);
  } else {
    replies_.finish(replies_.open(), std::string(reply), output_);
  }
  request_done();
  return true;
}

bool KvConnection::run_write() {
  if (!has_room_for_reply()) return false;
  encode_command(parser_.args(), server_.scratch());
  return submit_scratch();
}

bool KvConnection::submit_scratch() {
  target_->update(session_.version, server_.settings().max_client_output);
  server_.replica().submit(std::as_bytes(std::span(server_.scratch())), target_, server_.deadline(),
                           [self = boost::intrusive_ptr(this), place = replies_.open()](Result<Applied> result) {
                             self->write_done(place, std::move(result));
                           });
  if (server_.scratch().capacity() > usual_scratch) release(server_.scratch());
  request_done();
  return true;
}

bool KvConnection::run_read(ReadHandler handler) {
  RespWriter reply = bounded_reply();
  return read(handler, reply) && reply_done(reply);
}

// What is answered here may take long, and other clients wait meanwhile, and the node's heartbeats; writes are only
// passed on.
bool KvConnection::turn_is_over() {
  if (server_.executor().now() < turn_ends_) return false;
  waiting_ = Waiting::for_turn;
  server_.touched(*this);
  return true;
}

// False while it has to wait: for a confirmation, or until the log knows what time it is.
bool KvConnection::read(ReadHandler handler, RespWriter& reply) {
  if (!may_read()) return false;
  if (read_failed()) {
    reply.error(read_failure(read_error_ ? *read_error_ : time_committed_->error()));
    return true;
  }
  const KvStore& store = server_.machine().store();
  const bool by_clock = store.expiring() > 0 && !time_committed_;
  KvView view(store, by_clock ? server_.read_clock().now() : store.now(), server_.counters().requests);
  const std::size_t before = output_.size();
  handler(view, parser_.args(), reply);
  if (!view.found_due()) return true;
  output_.resize(before);
  return tell_log();
}

bool KvConnection::read_failed() const { return read_error_ || (time_committed_ && !*time_committed_); }

bool KvConnection::tell_log() {
  waiting_ = Waiting::for_read;
  server_.read_clock().tell_log(server_.deadline(), [self = boost::intrusive_ptr(this)](const Result<void>& result) {
    self->time_committed(result);
  });
  return false;
}

// A confirmation holds for the requests that had begun to come when it was asked for: writes acknowledged since then
// might be missing from what a later one would see.
bool KvConnection::may_read() {
  if (consumed_ < reads_confirmed_) return true;
  waiting_ = Waiting::for_read;
  const std::uint64_t up_to = consumed_ + input_.readable().size();
  server_.replica().read(server_.deadline(), [self = boost::intrusive_ptr(this), up_to](Result<Index> result) {
    self->read_done(up_to, std::move(result));
  });
  return false;
}

// A small one always goes: if all hold too much then, the largest client is closed, not this one.
RespWriter KvConnection::bounded_reply() {
  const KvSettings& settings = server_.settings();
  const std::uint64_t left = settings.max_client_memory - std::min(settings.max_client_memory, server_.memory());
  const std::uint64_t for_all = output_bytes() + std::max<std::uint64_t>(left, usual_output);
  return {output_, session_.version, sent_ + std::min(settings.max_client_output, for_all)};
}

// What is large counts at once: others are answered in this turn too.
bool KvConnection::reply_done(const RespWriter& reply) {
  request_done();
  if (output_bytes() > usual_output) account();
  if (reply.overflowed()) close_for_output();
  return true;
}

void KvConnection::request_done() {
  time_committed_.reset();
  ++server_.counters().requests;
  consumed_ += parser_.consumed();
  input_.consume(parser_.consumed());
  parser_.next();
}

void KvConnection::write_done(ReplyQueue::Place place, Result<Applied> result) {
  KvCounters& counters = server_.counters();
  std::string reply;
  if (result) {
    reply = std::move(result->reply);
    target_->taken(reply.size());
    if (!reply.starts_with('-')) ++counters.acknowledged;
  } else {
    ++(outcome_of(result.error().code) == Outcome::unknown ? counters.unknown : counters.not_appended);
    RespWriter(reply, session_.version).error(write_failure(result.error()));
  }
  if (closed_) return;
  if (reply.empty()) return close_for_output();
  replies_.finish(place, std::move(reply), output_);
  server_.touched(*this);
}

void KvConnection::time_committed(const Result<void>& result) {
  if (closed_) return;
  time_committed_ = result;
  waiting_ = Waiting::no;
  process();
  server_.touched(*this);
}

void KvConnection::read_done(std::uint64_t up_to, Result<Index> result) {
  if (closed_) return;
  reads_confirmed_ = up_to;
  read_error_ = result ? std::nullopt : std::optional(std::move(result.error()));
  waiting_ = Waiting::no;
  process();  // now: the store must be the one that was confirmed, or a later one
  server_.touched(*this);
}

void KvConnection::settle() {
  if (closed_) return;
  const bool can_go_on = (waiting_ == Waiting::for_writes && replies_.empty()) ||
                         (waiting_ == Waiting::for_room && replies_.size() <= max_writes_in_flight / 2) ||
                         (waiting_ == Waiting::for_output && output_bytes() <= output_pause) ||
                         waiting_ == Waiting::for_turn;
  if (can_go_on && !server_.stopping()) process();
  send();
  if (closed_ || !within_bounds()) return;
  const bool nothing_left = replies_.empty() && output_bytes() == 0;
  if (nothing_left && waiting_ == Waiting::no && (ending_ || input_ended_)) return end();
  receive();
}

void KvConnection::send() {
  if (wait_writable_) return;
  while (sent_ < output_.size()) {
    error_code error;
    sent_ += socket_.write_some(boost::asio::buffer(output_.data() + sent_, output_.size() - sent_), error);
    if (!error) session_.last_active = server_.executor().now();
    if (error == boost::asio::error::would_block) return wait_until_writable();
    if (error) return close();
  }
  sent_ = 0;
  if (output_.capacity() > usual_output) release(output_);
  output_.clear();
  if (waiting_ == Waiting::for_output) server_.touched(*this);
}

void KvConnection::wait_until_writable() {
  if (sent_ > output_.size() / 2) output_.erase(0, std::exchange(sent_, 0));
  wait_writable_ = true;
  socket_.async_wait(tcp::socket::wait_write, [self = boost::intrusive_ptr(this)](const error_code& error) {
    self->wait_writable_ = false;
    if (self->closed_) return;
    if (error) return self->close();
    self->server_.touched(*self);
  });
}

// Bytes that lie unread in the socket would make the close a reset, which may cost the client our last answer.
void KvConnection::end() {
  error_code error;
  socket_.shutdown(tcp::socket::shutdown_send, error);
  char unread[4096];
  for (std::size_t drained = 0; !error && drained < drained_at_close;) {
    drained += socket_.read_some(boost::asio::buffer(unread), error);
  }
  close();
}

void KvConnection::account() {
  const std::size_t now = memory();
  server_.add_memory(static_cast<std::int64_t>(now) - static_cast<std::int64_t>(std::exchange(accounted_, now)));
}

// False, and closed, when this client waits for more output, or all hold more memory, than they may.
bool KvConnection::within_bounds() {
  account();
  const KvSettings& settings = server_.settings();
  if (output_bytes() + replies_.bytes() > settings.max_client_output) {
    close_for_output();
    return false;
  }
  server_.bound_memory();
  return !closed_;
}

void KvConnection::close_for_output() {
  ++server_.counters().closed_for_output;
  server_.log().warn(
      "client {} at {}: closed, more replies would wait for it than max-client-output ({} bytes), or for all than "
      "max-client-memory ({} bytes) allows",
      session_.id, session_.peer, server_.settings().max_client_output, server_.settings().max_client_memory);
  close();
}

}  // namespace keel
