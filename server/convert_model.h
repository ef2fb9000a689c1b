// proto <-> core: models, adapters, tasks, and the two calls an engineer makes by hand. Pure
// functions; requests were validated before (validation.h).
#ifndef PLUMBLINE_SERVER_CONVERT_MODEL_H_
#define PLUMBLINE_SERVER_CONVERT_MODEL_H_

#include <vector>

#include "absl/time/time.h"
#include "core/engine/model_host.h"
#include "core/eval/language_model.h"
#include "core/eval/task.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "plumbline/v1/adapter.pb.h"
#include "plumbline/v1/model.pb.h"
#include "plumbline/v1/task.pb.h"

namespace plumbline {

google::protobuf::Timestamp ToProto(absl::Time time);
google::protobuf::Duration ToProto(absl::Duration duration);

v1::Numerics ToProto(const Numerics& numerics);
// What a model is and what it uses now.
v1::Model ToProto(const ModelInfo& info, const EngineStats& stats);
v1::Adapter ToProto(const AdapterInfo& info);
// `uploaded`: it came over the API.
v1::Task ToProto(const Task& task, bool uploaded);

LoadModelOptions FromProto(const v1::LoadModelRequest& request);
LoadAdapterOptions FromProto(const v1::LoadAdapterRequest& request);
Decoding FromProto(const v1::Decoding& decoding);
// The prompt of a call: plain text where it was asked for or where the model has no chat template.
Prompt PromptOf(const v1::GenerateRequest& request, bool has_chat_template);

v1::FinishReason ToProto(FinishReason reason);
v1::GenerateResponse::Result ToProto(const ModelIdentity& identity, const Generation& generation);
v1::ScoreResponse::Result ToProto(const ModelIdentity& identity,
                                  const std::vector<TokenScore>& tokens);

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_CONVERT_MODEL_H_
