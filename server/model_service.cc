#include "server/model_service.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/calls.h"
#include "server/convert_model.h"
#include "server/validation.h"

namespace plumbline {
namespace {

// The base first, then the adapters in the order asked for.
template <typename Strings>
absl::StatusOr<std::vector<std::shared_ptr<LanguageModel>>> PinAll(Hosting& hosting,
                                                                   const std::string& model,
                                                                   const Strings& adapters) {
  std::vector<std::shared_ptr<LanguageModel>> subjects;
  ABSL_ASSIGN_OR_RETURN(std::shared_ptr<LanguageModel> base, hosting.Pin(model, ""));
  subjects.push_back(std::move(base));
  for (const std::string& adapter : adapters) {
    ABSL_ASSIGN_OR_RETURN(std::shared_ptr<LanguageModel> subject, hosting.Pin(model, adapter));
    subjects.push_back(std::move(subject));
  }
  return subjects;
}

// `adapter` of a result is the name that was asked for, also when that was a version.
template <typename Request, typename Result>
void SetAskedName(const Request& request, size_t subject, Result* result) {
  result->set_adapter(subject == 0 ? "" : request.adapters(static_cast<int>(subject) - 1));
}

}  // namespace

grpc::ServerUnaryReactor* ModelServiceImpl::ListModels(grpc::CallbackServerContext* context,
                                                       const v1::ListModelsRequest*,
                                                       v1::ListModelsResponse* response) {
  return RunBlocking(context, calls_, [=, this] {
    for (const ModelInfo& info : hosting_.ListModels()) {
      *response->add_models() = ToProto(info, hosting_.StatsOf(info.options.name));
    }
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* ModelServiceImpl::GetModel(grpc::CallbackServerContext* context,
                                                     const v1::GetModelRequest* request,
                                                     v1::Model* response) {
  return RunBlocking(context, calls_, [=, this]() -> absl::Status {
    ABSL_RETURN_IF_ERROR(ValidateModelName("name", request->name()));
    ABSL_ASSIGN_OR_RETURN(ModelInfo info, hosting_.GetModel(request->name()));
    *response = ToProto(info, hosting_.StatsOf(info.options.name));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* ModelServiceImpl::LoadModel(grpc::CallbackServerContext* context,
                                                      const v1::LoadModelRequest* request,
                                                      v1::Model* response) {
  return RunBlocking(context, changes_, [=, this]() -> absl::Status {
    ABSL_RETURN_IF_ERROR(Validate(*request));
    ABSL_ASSIGN_OR_RETURN(ModelInfo info, hosting_.LoadModel(FromProto(*request)));
    *response = ToProto(info, hosting_.StatsOf(info.options.name));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* ModelServiceImpl::UnloadModel(grpc::CallbackServerContext* context,
                                                        const v1::UnloadModelRequest* request,
                                                        v1::UnloadModelResponse*) {
  return RunBlocking(context, changes_, [=, this]() -> absl::Status {
    ABSL_RETURN_IF_ERROR(ValidateModelName("name", request->name()));
    return hosting_.UnloadModel(request->name());
  });
}

grpc::ServerUnaryReactor* ModelServiceImpl::Generate(grpc::CallbackServerContext*,
                                                     const v1::GenerateRequest* request,
                                                     v1::GenerateResponse* response) {
  using Call = SubjectCall<Generation>;
  const auto prompt = std::make_shared<Prompt>();
  Call::Steps steps;
  steps.pin = [=, this]() -> absl::StatusOr<Call::Subjects> {
    ABSL_RETURN_IF_ERROR(Validate(*request));
    ABSL_ASSIGN_OR_RETURN(ModelInfo info, hosting_.GetModel(request->model()));
    *prompt = PromptOf(*request, info.has_chat_template);
    return PinAll(hosting_, request->model(), request->adapters());
  };
  steps.ask = [=](LanguageModel& subject, std::shared_ptr<const CancelToken> cancel,
                  Call::Done done) {
    LanguageModel::GenerateCall call;
    call.prompt = *prompt;
    call.decoding = FromProto(request->decoding());
    call.cancel = std::move(cancel);
    call.origin = {"Generate", kInteractivePriority};
    subject.Generate(std::move(call), std::move(done));
  };
  steps.reply = [=](const Call::Subjects& subjects, std::vector<Generation> generations) {
    for (size_t i = 0; i < subjects.size(); ++i) {
      if (generations[i].finish_reason == FinishReason::kCancelled) {
        return absl::CancelledError("the call was cancelled");
      }
      auto* result = response->add_results();
      *result = ToProto(subjects[i]->identity(), generations[i]);
      SetAskedName(*request, i, result);
    }
    response->set_model(request->model());
    *response->mutable_numerics() = ToProto(subjects[0]->identity().numerics);
    return CheckReplySize(response->ByteSizeLong(), "ask for fewer adapters or tokens");
  };
  return Call::Start(calls_, std::move(steps));
}

grpc::ServerUnaryReactor* ModelServiceImpl::Score(grpc::CallbackServerContext*,
                                                  const v1::ScoreRequest* request,
                                                  v1::ScoreResponse* response) {
  using Call = SubjectCall<std::vector<TokenScore>>;
  Call::Steps steps;
  steps.pin = [=, this]() -> absl::StatusOr<Call::Subjects> {
    ABSL_RETURN_IF_ERROR(Validate(*request));
    return PinAll(hosting_, request->model(), request->adapters());
  };
  steps.ask = [=](LanguageModel& subject, std::shared_ptr<const CancelToken> cancel,
                  Call::Done done) {
    subject.Score({request->text(), request->top(), std::move(cancel),
                   CallOrigin{"Score", kInteractivePriority}},
                  std::move(done));
  };
  steps.reply = [=](const Call::Subjects& subjects, std::vector<std::vector<TokenScore>> scores) {
    for (size_t i = 0; i < subjects.size(); ++i) {
      auto* result = response->add_results();
      *result = ToProto(subjects[i]->identity(), scores[i]);
      SetAskedName(*request, i, result);
    }
    response->set_model(request->model());
    *response->mutable_numerics() = ToProto(subjects[0]->identity().numerics);
    return CheckReplySize(response->ByteSizeLong(), "lower `top`, or score a shorter text");
  };
  return Call::Start(calls_, std::move(steps));
}

}  // namespace plumbline
