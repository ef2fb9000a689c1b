#include "server/calls.h"

#include <exception>
#include <new>

#include "server/validation.h"

namespace plumbline {

absl::Status CatchExceptions(const std::function<absl::Status()>& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("unexpected exception: ", e.what()));
  }
}

grpc::ServerUnaryReactor* RunBlocking(grpc::CallbackServerContext* context, Executor& executor,
                                      std::function<absl::Status()> work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  executor.Schedule(
      [reactor, work = std::move(work)] { reactor->Finish(ToGrpcStatus(CatchExceptions(work))); });
  return reactor;
}

absl::Status CheckReplySize(size_t bytes, absl::string_view remedy) {
  if (bytes <= static_cast<size_t>(kLimits.reply_bytes)) return absl::OkStatus();
  return WithReason(
      absl::ResourceExhaustedError(absl::StrCat("the reply would have ", bytes, " bytes, at most ",
                                                kLimits.reply_bytes, " are sent: ", remedy)),
      "REPLY_TOO_LARGE", {{"limit", absl::StrCat(kLimits.reply_bytes)}});
}

}  // namespace plumbline
