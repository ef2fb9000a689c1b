// The two shapes of a unary call. gRPC's callback threads must never block, so both do their work
// on an executor:
//   RunBlocking  a function that may block (a load, a query), then the reply;
//   SubjectCall  several pinned subjects asked at once (so that one batch mixes them), the reply
//                when the last one has answered; a client that goes away cancels the work.
#ifndef PLUMBLINE_SERVER_CALLS_H_
#define PLUMBLINE_SERVER_CALLS_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/language_model.h"
#include "core/jobs/executor.h"
#include "server/status_conversion.h"

namespace plumbline {

// Runs `work` on `executor` (which must outlive the server) and ends the call with its status.
// Request and response stay valid while it runs. An exception becomes INTERNAL.
grpc::ServerUnaryReactor* RunBlocking(grpc::CallbackServerContext* context, Executor& executor,
                                      std::function<absl::Status()> work);

// Calls `work`; an exception becomes Internal, or ResourceExhausted when memory ran out.
absl::Status CatchExceptions(const std::function<absl::Status()>& work);

// RESOURCE_EXHAUSTED (REPLY_TOO_LARGE) when a reply of `bytes` would not get through to a client
// with default settings.
absl::Status CheckReplySize(size_t bytes, absl::string_view remedy);

// Set once, by the client's cancellation.
class CallCancelToken : public CancelToken {
 public:
  void Cancel() { cancelled_ = true; }
  bool cancelled() const override { return cancelled_; }

 private:
  std::atomic<bool> cancelled_{false};
};

// `Value` is what one subject answers: a Generation, or the scores of a text. Deletes itself when
// the call is over.
template <typename Value>
class SubjectCall : public grpc::ServerUnaryReactor {
 public:
  using Subjects = std::vector<std::shared_ptr<LanguageModel>>;
  using Done = std::function<void(absl::StatusOr<Value>)>;
  struct Steps {
    // Validates and pins; runs on the executor and may block.
    std::function<absl::StatusOr<Subjects>()> pin;
    // Starts one subject; must not block.
    std::function<void(LanguageModel&, std::shared_ptr<const CancelToken>, Done)> ask;
    // Makes the reply of all answers, in the subjects' order; runs on the executor.
    std::function<absl::Status(const Subjects&, std::vector<Value>)> reply;
  };

  // `executor` must outlive the server.
  static SubjectCall* Start(Executor& executor, Steps steps) {
    auto* call = new SubjectCall(executor, std::move(steps));
    executor.Schedule([call] { call->Begin(); });
    return call;
  }

 private:
  SubjectCall(Executor& executor, Steps steps) : executor_(executor), steps_(std::move(steps)) {}

  void OnCancel() override { cancel_->Cancel(); }
  void OnDone() override { delete this; }

  void Begin() {
    const absl::Status status = CatchExceptions([this] {
      ABSL_ASSIGN_OR_RETURN(subjects_, steps_.pin());
      return absl::OkStatus();
    });
    if (!status.ok()) return End(status);
    answers_.assign(subjects_.size(), absl::UnknownError("not answered"));
    waiting_ = subjects_.size() + 1;  // one is this loop: the call cannot end under its feet
    for (size_t i = 0; i < subjects_.size(); ++i) {
      steps_.ask(*subjects_[i], cancel_, [this, i](absl::StatusOr<Value> answer) {
        answers_[i] = std::move(answer);
        Answered();
      });
    }
    Answered();
  }

  // May be on an engine thread: hands over and returns.
  void Answered() {
    if (waiting_.fetch_sub(1) == 1) executor_.Schedule([this] { Reply(); });
  }

  void Reply() {
    End(CatchExceptions([this]() -> absl::Status {
      std::vector<Value> values;
      for (size_t i = 0; i < answers_.size(); ++i) {
        if (!answers_[i].ok()) {
          const std::string& adapter = subjects_[i]->identity().adapter;
          return Annotate(answers_[i].status(),
                          adapter.empty() ? "base" : absl::StrCat("adapter \"", adapter, "\""));
        }
        values.push_back(*std::move(answers_[i]));
      }
      return steps_.reply(subjects_, std::move(values));
    }));
  }

  void End(const absl::Status& status) {
    subjects_.clear();  // lets go before the client hears, so that an unload right after succeeds
    Finish(ToGrpcStatus(status));
  }

  Executor& executor_;
  const Steps steps_;
  const std::shared_ptr<CallCancelToken> cancel_ = std::make_shared<CallCancelToken>();
  Subjects subjects_;
  std::vector<absl::StatusOr<Value>> answers_;  // each written by one callback
  std::atomic<size_t> waiting_{0};
};

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_CALLS_H_
