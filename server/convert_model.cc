#include "server/convert_model.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "server/utf8.h"

namespace plumbline {

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp out;
  const int64_t seconds = absl::ToUnixSeconds(time);
  out.set_seconds(seconds);
  out.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return out;
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration out;
  absl::Duration rest;
  out.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &rest));
  out.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  return out;
}

v1::Numerics ToProto(const Numerics& numerics) {
  v1::Numerics out;
  out.set_device(numerics.device);
  out.set_dtype(numerics.dtype);
  out.set_mode(numerics.mode);
  return out;
}

v1::Model ToProto(const ModelInfo& info, const EngineStats& stats) {
  v1::Model out;
  out.set_name(info.options.name);
  out.set_path(ToValidUtf8(info.options.path));
  out.set_architecture(ToValidUtf8(info.architecture));
  out.set_version(info.version);
  out.set_parameters(info.parameters);
  out.set_weight_bytes(info.weight_bytes);
  out.set_kv_cache_bytes(info.kv_cache_bytes);
  out.set_kv_slots(info.options.max_batch);
  out.set_context_length(info.context_length);
  out.set_vocabulary_size(info.vocabulary);
  out.set_threads(info.threads);
  out.set_has_chat_template(info.has_chat_template);
  *out.mutable_numerics() = ToProto(info.numerics);
  *out.mutable_load_duration() = ToProto(info.load_time);
  v1::AdapterMemory* adapters = out.mutable_adapter_memory();
  adapters->set_max_bytes(info.adapters.max_bytes);
  adapters->set_max_resident(info.adapters.max_resident);
  adapters->set_resident(info.adapters.resident);
  adapters->set_pinned(info.adapters.pinned);
  adapters->set_bytes(info.adapters.bytes);
  adapters->set_evictions(info.adapters.evictions);
  adapters->set_repacks(info.adapters.repacks);
  for (const std::string& warning : info.warnings) out.add_warnings(ToValidUtf8(warning));
  out.set_kv_capacity_tokens(stats.kv_tokens_capacity);
  out.set_kv_used_tokens(stats.kv_tokens_used);
  out.set_running_sequences(stats.running);
  out.set_waiting_sequences(stats.waiting);
  return out;
}

namespace {

absl::string_view AppliedKindName(AppliedKind kind) {
  switch (kind) {
    case AppliedKind::kLinear:
      return "linear";
    case AppliedKind::kEmbedding:
      return "embedding";
    case AppliedKind::kReplacement:
      return "replacement";
    case AppliedKind::kBias:
      return "bias";
    case AppliedKind::kTokens:
      return "tokens";
  }
  return "";  // unreachable
}

v1::AdmissionReport ToProto(const AdmissionReport& report) {
  v1::AdmissionReport out;
  out.set_tensors_in_file(report.tensors_in_file);
  out.set_tensors_applied(report.tensors_applied);
  for (const AppliedModule& module : report.modules) {
    v1::AppliedModule* m = out.add_modules();
    m->set_module(ToValidUtf8(module.module));
    m->set_kind(std::string(AppliedKindName(module.kind)));
    m->set_rank(module.rank);
    m->set_alpha(module.alpha);
    m->set_scaling(module.scaling);
    m->set_in_features(module.in_features);
    m->set_out_features(module.out_features);
    m->set_delta_norm(module.delta_norm);
  }
  out.set_rslora(report.rslora);
  out.set_dora(report.dora);
  out.set_canary_max_abs_logit_change(report.canary_max_abs_logit_change);
  out.set_base_restored_bitwise(report.base_restored_bitwise);
  for (const std::string& warning : report.warnings) out.add_warnings(ToValidUtf8(warning));
  return out;
}

}  // namespace

v1::Adapter ToProto(const AdapterInfo& info) {
  v1::Adapter out;
  out.set_model(info.model);
  out.set_alias(info.alias);
  out.set_version(info.version);
  out.set_nominal_target(info.nominal_target);
  out.set_source_path(ToValidUtf8(info.source_path));
  *out.mutable_load_time() = ToProto(info.loaded_at);
  *out.mutable_load_duration() = ToProto(info.load_time);
  out.set_bytes(info.bytes);
  out.set_pins(info.pins);
  out.set_resident(info.resident);
  *out.mutable_report() = ToProto(info.report);
  return out;
}

v1::Task ToProto(const Task& task, bool uploaded) {
  v1::Task out;
  out.set_name(task.name);
  out.set_version(task.version);
  out.set_capability(task.capability);
  out.set_description(ToValidUtf8(task.description));
  out.set_output_type(task.output_type == OutputType::kMultipleChoice ? "multiple_choice"
                                                                      : "generate_until");
  if (task.checker != nullptr) out.set_checker(std::string(task.checker->version()));
  out.set_prompts(static_cast<int32_t>(task.items.size()));
  out.set_samples(task.samples);
  for (const std::string& metric : task.metrics) out.add_metrics(metric);
  out.set_uploaded(uploaded);
  return out;
}

LoadModelOptions FromProto(const v1::LoadModelRequest& request) {
  LoadModelOptions out;
  out.name = request.name();
  out.path = request.path();
  out.dtype = request.dtype();  // empty: the server's default, filled in by Hosting
  out.device = request.device();
  out.max_batch = request.max_batch();
  out.kv_cache_bytes = request.kv_cache_bytes();
  return out;
}

LoadAdapterOptions FromProto(const v1::LoadAdapterRequest& request) {
  LoadAdapterOptions out;
  out.model = request.model();
  out.alias = request.alias();
  out.path = request.path();
  out.nominal_target = request.nominal_target();
  return out;
}

Decoding FromProto(const v1::Decoding& decoding) {
  Decoding out;
  out.temperature = decoding.temperature();
  out.top_k = decoding.top_k();
  if (decoding.top_p() > 0) out.top_p = decoding.top_p();
  out.seed = decoding.seed();
  if (decoding.max_new_tokens() > 0) out.max_new_tokens = decoding.max_new_tokens();
  out.stop.assign(decoding.stop().begin(), decoding.stop().end());
  return out;
}

Prompt PromptOf(const v1::GenerateRequest& request, bool has_chat_template) {
  Prompt out;
  if (request.messages_size() > 0) {
    out.format = PromptFormat::kChat;
    for (const v1::ChatMessage& message : request.messages()) {
      out.messages.push_back({message.role(), message.content()});
    }
  } else if (request.raw_prompt() || !has_chat_template) {
    out.format = PromptFormat::kPlain;
    out.text = request.prompt();
  } else {
    out.format = PromptFormat::kChat;
    out.messages.push_back({"user", request.prompt()});
  }
  return out;
}

v1::FinishReason ToProto(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return v1::FINISH_REASON_STOP;
    case FinishReason::kLength:
      return v1::FINISH_REASON_LENGTH;
    case FinishReason::kCancelled:
      break;  // ends in a status, never in a result
  }
  return v1::FINISH_REASON_UNSPECIFIED;
}

v1::GenerateResponse::Result ToProto(const ModelIdentity& identity, const Generation& generation) {
  v1::GenerateResponse::Result out;
  out.set_adapter(identity.adapter);
  out.set_adapter_version(identity.adapter_version);
  out.set_text(ToValidUtf8(generation.text));
  out.set_finish_reason(ToProto(generation.finish_reason));
  out.set_prompt_tokens(generation.prompt_tokens);
  out.set_completion_tokens(generation.completion_tokens);
  return out;
}

v1::ScoreResponse::Result ToProto(const ModelIdentity& identity,
                                  const std::vector<TokenScore>& tokens) {
  v1::ScoreResponse::Result out;
  out.set_adapter(identity.adapter);
  out.set_adapter_version(identity.adapter_version);
  for (const TokenScore& token : tokens) {
    v1::ScoreResponse::Token* t = out.add_tokens();
    t->set_id(token.id);
    t->set_text(ToValidUtf8(token.text));
    if (!token.has_log_probability) continue;
    t->set_logprob(token.log_probability);
    for (const TokenScore::Alternative& alternative : token.top) {
      v1::ScoreResponse::Alternative* a = t->add_top();
      a->set_id(alternative.id);
      a->set_text(ToValidUtf8(alternative.text));
      a->set_logprob(alternative.log_probability);
    }
  }
  return out;
}

}  // namespace plumbline
