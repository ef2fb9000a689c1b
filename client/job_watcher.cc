#include "client/job_watcher.h"

#include <algorithm>

namespace plumbline::client {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

bool IsTerminal(v1::JobState state) {
  return state == v1::JOB_STATE_SUCCEEDED || state == v1::JOB_STATE_FAILED ||
         state == v1::JOB_STATE_CANCELLED;
}

bool WorthARetry(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::INTERNAL ||
         status.error_code() == grpc::StatusCode::UNKNOWN;
}

class Watch {
 public:
  Watch(Connection& connection, Interrupt& interrupt, const WatchOptions& options,
        const std::function<void(const v1::JobEvent&)>& on_event,
        const std::function<void(const std::string&)>& on_notice)
      : connection_(connection),
        interrupt_(interrupt),
        options_(options),
        on_event_(on_event),
        on_notice_(on_notice) {
    if (options.timeout) deadline_ = Clock::now() + *options.timeout;
    result_.last_sequence = options.after_sequence;
  }

  WatchResult Run() {
    milliseconds backoff(200);
    while (true) {
      const int64_t before = result_.last_sequence;
      const grpc::Status status = ReadOnce();
      if (terminal_) return End(WatchEnd::kTerminal);
      if (interrupt_.interrupted()) return End(WatchEnd::kInterrupted);
      // gRPC's own clock may reach the deadline a moment before ours.
      if (deadline_ && (Clock::now() >= *deadline_ ||
                        status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED)) {
        return End(WatchEnd::kTimedOut);
      }
      // OK without a terminal event: the server ended the stream early (it drains); the next one
      // continues.
      if (!status.ok() && !WorthARetry(status)) return Fail(status);
      if (result_.last_sequence != before) {
        backoff = milliseconds(200);
        lost_since_.reset();
      }
      const auto now = Clock::now();
      if (!lost_since_) {
        lost_since_ = now;
        on_notice_("lost the server, trying again; the job goes on without us");
      }
      if (now - *lost_since_ > options_.reconnect_for) return Fail(status);
      if (!interrupt_.Sleep(backoff)) return End(WatchEnd::kInterrupted);
      backoff = std::min(backoff * 2, milliseconds(3000));
    }
  }

 private:
  // One stream, until it ends.
  grpc::Status ReadOnce() {
    return interrupt_.Run([this](grpc::ClientContext* context) {
      if (deadline_) {
        context->set_deadline(std::chrono::system_clock::now() +
                              std::chrono::duration_cast<milliseconds>(*deadline_ - Clock::now()));
      }
      v1::WatchJobRequest request;
      request.set_id(options_.job_id);
      request.set_after_sequence(result_.last_sequence);
      auto stream = connection_.evaluations().WatchJob(context, request);
      v1::JobEvent event;
      while (stream->Read(&event)) Handle(event);
      return stream->Finish();
    });
  }

  void Handle(const v1::JobEvent& event) {
    if (lost_since_) {
      lost_since_.reset();
      on_notice_("connected again");
    }
    // A replayed event (there should be none) is not told twice.
    if (event.has_heartbeat() || event.sequence() <= result_.last_sequence) return;
    result_.last_sequence = event.sequence();
    if (event.has_state_change()) {
      result_.job = event.state_change();
      terminal_ = IsTerminal(event.state_change().state());
    }
    on_event_(event);
  }

  WatchResult End(WatchEnd end) {
    result_.end = end;
    return std::move(result_);
  }

  WatchResult Fail(const grpc::Status& status) {
    result_.error = status;
    return End(WatchEnd::kError);
  }

  Connection& connection_;
  Interrupt& interrupt_;
  const WatchOptions& options_;
  const std::function<void(const v1::JobEvent&)>& on_event_;
  const std::function<void(const std::string&)>& on_notice_;
  std::optional<Clock::time_point> deadline_;
  std::optional<Clock::time_point> lost_since_;
  bool terminal_ = false;
  WatchResult result_;
};

}  // namespace

WatchResult WatchJob(Connection& connection, Interrupt& interrupt, const WatchOptions& options,
                     const std::function<void(const v1::JobEvent&)>& on_event,
                     const std::function<void(const std::string&)>& on_notice) {
  return Watch(connection, interrupt, options, on_event, on_notice).Run();
}

}  // namespace plumbline::client
