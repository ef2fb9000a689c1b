#include "server/validation.h"

#include <cmath>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/names.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "core/base/utf8.h"
#include "core/eval/task.h"
#include "server/status_conversion.h"
#include "server/utf8.h"

namespace plumbline {
namespace {

absl::Status InvalidField(absl::string_view field, absl::string_view what) {
  return WithReason(absl::InvalidArgumentError(absl::StrCat(field, ": ", what)), "INVALID_FIELD",
                    {{"field", std::string(field)}});
}

absl::Status CheckLimit(absl::string_view field, int64_t is, int64_t limit,
                        absl::string_view unit) {
  if (is <= limit) return absl::OkStatus();
  return WithReason(
      absl::InvalidArgumentError(absl::StrCat(field, ": ", is, " ", unit, ", at most ", limit)),
      "LIMIT_EXCEEDED", {{"field", std::string(field)}, {"limit", absl::StrCat(limit)}});
}

// What a bad name looks like in an error: short and printable.
std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", CutUtf8(ToValidUtf8(text), 80), "\"");
}

absl::Status ValidatePath(absl::string_view path) {
  if (path.empty()) return InvalidField("path", "is required");
  if (path.find('\0') != absl::string_view::npos) return InvalidField("path", "holds a NUL byte");
  if (path[0] != '/') {
    return InvalidField("path", absl::StrCat(Quoted(path),
                                             ": want an absolute path on the "
                                             "server's machine"));
  }
  return CheckLimit("path", path.size(), kLimits.path_bytes, "bytes");
}

template <typename Strings>
absl::Status ValidateAdapters(const Strings& adapters) {
  ABSL_RETURN_IF_ERROR(CheckLimit("adapters", adapters.size(), kLimits.adapters, "adapters"));
  absl::flat_hash_set<std::string> seen;
  for (const std::string& adapter : adapters) {
    ABSL_RETURN_IF_ERROR(ValidateAlias("adapters", adapter));
    if (!seen.insert(adapter).second) {
      return InvalidField("adapters", absl::StrCat(Quoted(adapter), " is given more than once"));
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateDecoding(const v1::Decoding& decoding) {
  const double temperature = decoding.temperature();
  if (!(temperature >= 0 && temperature <= 10)) {
    return InvalidField("decoding.temperature",
                        absl::StrCat(temperature, ": want 0 (greedy) to 10"));
  }
  if (decoding.top_k() < 0) {
    return InvalidField("decoding.top_k", absl::StrCat(decoding.top_k(), ": want 0 (off) or more"));
  }
  if (!(decoding.top_p() >= 0 && decoding.top_p() <= 1)) {
    return InvalidField("decoding.top_p",
                        absl::StrCat(decoding.top_p(), ": want 0 (counts as 1) to 1"));
  }
  if (decoding.max_new_tokens() < 0) {
    return InvalidField("decoding.max_new_tokens",
                        absl::StrCat(decoding.max_new_tokens(), ": want 0 (256) or more"));
  }
  ABSL_RETURN_IF_ERROR(CheckLimit("decoding.max_new_tokens", decoding.max_new_tokens(),
                                  kLimits.max_new_tokens, "tokens"));
  ABSL_RETURN_IF_ERROR(
      CheckLimit("decoding.stop", decoding.stop_size(), kLimits.stops, "stop strings"));
  for (const std::string& stop : decoding.stop()) {
    if (stop.empty()) return InvalidField("decoding.stop", "a stop string is empty");
    ABSL_RETURN_IF_ERROR(CheckLimit("decoding.stop", stop.size(), kLimits.stop_bytes, "bytes"));
  }
  return absl::OkStatus();
}

absl::Status ValidateMessages(const v1::GenerateRequest& request) {
  ABSL_RETURN_IF_ERROR(
      CheckLimit("messages", request.messages_size(), kLimits.messages, "messages"));
  int64_t bytes = 0;
  for (int i = 0; i < request.messages_size(); ++i) {
    const v1::ChatMessage& message = request.messages(i);
    if (message.role() != "system" && message.role() != "user" && message.role() != "assistant") {
      return InvalidField(absl::StrCat("messages[", i, "].role"),
                          absl::StrCat(Quoted(message.role()), ": want system, user or assistant"));
    }
    bytes += message.content().size();
  }
  return CheckLimit("messages", bytes, kLimits.prompt_bytes, "bytes");
}

int64_t Characters(absl::string_view utf8) {
  int64_t n = 0;
  for (const char c : utf8) n += !IsUtf8Continuation(c);
  return n;
}

}  // namespace

absl::Status ValidateModelName(absl::string_view field, absl::string_view name) {
  if (name.empty()) return InvalidField(field, "is required");
  if (IsLowerName(name)) return absl::OkStatus();
  return InvalidField(field,
                      absl::StrCat(Quoted(name), ": want a model name, [a-z0-9][a-z0-9_.-]{0,63}"));
}

absl::Status ValidateAlias(absl::string_view field, absl::string_view alias) {
  if (alias.empty()) return InvalidField(field, "is required");
  if (IsAlias(alias)) return absl::OkStatus();
  return InvalidField(field, absl::StrCat(Quoted(alias),
                                          ": want an adapter's alias or version, "
                                          "[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"));
}

absl::Status ValidateTaskName(absl::string_view field, absl::string_view name) {
  if (name.empty()) return InvalidField(field, "is required");
  if (IsTaskName(name)) return absl::OkStatus();
  return InvalidField(field,
                      absl::StrCat(Quoted(name), ": want a task's name, [A-Za-z0-9_.-]{1,128}"));
}

absl::Status ValidateJobId(absl::string_view id) {
  if (id.empty()) return InvalidField("id", "is required");
  if (absl::StartsWith(id, "job-") && IsLowerName(id)) return absl::OkStatus();
  return InvalidField("id", absl::StrCat(Quoted(id), ": want a job's id, \"job-...\""));
}

absl::Status Validate(const v1::LoadModelRequest& request) {
  ABSL_RETURN_IF_ERROR(ValidateModelName("name", request.name()));
  ABSL_RETURN_IF_ERROR(ValidatePath(request.path()));
  const std::string& dtype = request.dtype();
  if (!dtype.empty() && dtype != "auto" && dtype != "float32" && dtype != "bfloat16") {
    return InvalidField("dtype", absl::StrCat(Quoted(dtype), ": want auto, float32 or bfloat16"));
  }
  const std::string& device = request.device();
  if (!device.empty() && !absl::StartsWith(device, "cpu") && !absl::StartsWith(device, "cuda")) {
    return InvalidField("device",
                        absl::StrCat(Quoted(device), ": want cpu, cpu:KERNELS or cuda:N"));
  }
  if (request.max_batch() < 0) return InvalidField("max_batch", "is negative");
  ABSL_RETURN_IF_ERROR(CheckLimit("max_batch", request.max_batch(), 4096, "rows"));
  if (request.kv_cache_bytes() < 0) return InvalidField("kv_cache_bytes", "is negative");
  return absl::OkStatus();
}

absl::Status ValidateNewAlias(absl::string_view field, absl::string_view alias) {
  ABSL_RETURN_IF_ERROR(ValidateAlias(field, alias));
  if (alias == "base") {
    return InvalidField(field, "\"base\" names the model without an adapter");
  }
  if (IsSha256Hex(alias)) {
    return InvalidField(field, "64 hex digits name a version: choose another alias");
  }
  return absl::OkStatus();
}

absl::Status Validate(const v1::LoadAdapterRequest& request) {
  ABSL_RETURN_IF_ERROR(ValidateModelName("model", request.model()));
  ABSL_RETURN_IF_ERROR(ValidateNewAlias("alias", request.alias()));
  ABSL_RETURN_IF_ERROR(ValidatePath(request.path()));
  if (request.nominal_target().empty()) return absl::OkStatus();
  const absl::Status capability = ValidateCapability(request.nominal_target());
  return capability.ok() ? capability : InvalidField("nominal_target", capability.message());
}

absl::Status Validate(const v1::LoadAdapterFolderRequest& request) {
  ABSL_RETURN_IF_ERROR(ValidateModelName("model", request.model()));
  ABSL_RETURN_IF_ERROR(ValidatePath(request.path()));
  if (request.nominal_target().empty()) return absl::OkStatus();
  const absl::Status capability = ValidateCapability(request.nominal_target());
  return capability.ok() ? capability : InvalidField("nominal_target", capability.message());
}

absl::Status Validate(const v1::GenerateRequest& request) {
  ABSL_RETURN_IF_ERROR(ValidateModelName("model", request.model()));
  ABSL_RETURN_IF_ERROR(ValidateAdapters(request.adapters()));
  if (request.prompt().empty() == (request.messages_size() == 0)) {
    return InvalidField("prompt", "give exactly one of prompt and messages");
  }
  if (request.raw_prompt() && request.messages_size() > 0) {
    return InvalidField("raw_prompt", "goes with prompt, not with messages");
  }
  ABSL_RETURN_IF_ERROR(
      CheckLimit("prompt", request.prompt().size(), kLimits.prompt_bytes, "bytes"));
  ABSL_RETURN_IF_ERROR(ValidateMessages(request));
  return ValidateDecoding(request.decoding());
}

absl::Status Validate(const v1::ScoreRequest& request) {
  ABSL_RETURN_IF_ERROR(ValidateModelName("model", request.model()));
  ABSL_RETURN_IF_ERROR(ValidateAdapters(request.adapters()));
  if (request.text().empty()) return InvalidField("text", "is required");
  ABSL_RETURN_IF_ERROR(
      CheckLimit("text", request.text().size(), kLimits.score_text_bytes, "bytes"));
  if (request.top() < 0) return InvalidField("top", "is negative");
  return CheckLimit("top", request.top(), kLimits.score_top, "alternatives a position");
}

absl::Status Validate(const v1::CreateJobRequest& request) {
  if (!request.request_id().empty() && !IsName(request.request_id(), 128)) {
    return InvalidField("request_id",
                        absl::StrCat(Quoted(request.request_id()), ": want [A-Za-z0-9_.-]{1,128}"));
  }
  ABSL_RETURN_IF_ERROR(ValidateModelName("model", request.model()));
  ABSL_RETURN_IF_ERROR(ValidateAdapters(request.adapters()));
  if (request.tasks().empty()) return InvalidField("tasks", "at least one is required");
  ABSL_RETURN_IF_ERROR(CheckLimit("tasks", request.tasks_size(), kLimits.tasks, "tasks"));
  absl::flat_hash_set<std::string> seen;
  for (const std::string& task : request.tasks()) {
    ABSL_RETURN_IF_ERROR(ValidateTaskName("tasks", task));
    if (!seen.insert(task).second) {
      return InvalidField("tasks", absl::StrCat(Quoted(task), " is given more than once"));
    }
  }
  if (request.limit() < 0) return InvalidField("limit", "is negative: want 0 (all) or more");
  if (request.priority() < -100 || request.priority() > 100) {
    return InvalidField("priority", absl::StrCat(request.priority(), ": want -100 to 100"));
  }
  ABSL_RETURN_IF_ERROR(
      CheckLimit("gate_policy", request.gate_policy().size(), kLimits.gate_policy_bytes, "bytes"));
  return CheckLimit("display_name", Characters(request.display_name()),
                    kLimits.display_name_characters, "characters");
}

absl::Status Validate(const v1::UploadTaskRequest& request) {
  if (request.files().empty()) {
    return InvalidField("files", "the task file is required, then the data files it names");
  }
  ABSL_RETURN_IF_ERROR(CheckLimit("files", request.files_size(), kLimits.task_files, "files"));
  int64_t bytes = 0;
  absl::flat_hash_set<std::string> seen;
  for (const auto& file : request.files()) {
    if (file.name().empty()) return InvalidField("files.name", "is required");
    ABSL_RETURN_IF_ERROR(CheckLimit("files.name", file.name().size(), 256, "bytes"));
    if (!seen.insert(file.name()).second) {
      return InvalidField("files.name",
                          absl::StrCat(Quoted(file.name()), " is given more than once"));
    }
    bytes += file.content().size();
  }
  if (bytes > kLimits.task_bytes) {
    return WithReason(
        absl::ResourceExhaustedError(absl::StrCat(
            "files: ", bytes, " bytes, at most ", kLimits.task_bytes,
            " in one upload: put larger tasks into the server's task folder (--tasks)")),
        "LIMIT_EXCEEDED", {{"field", "files"}, {"limit", absl::StrCat(kLimits.task_bytes)}});
  }
  return absl::OkStatus();
}

absl::StatusOr<int> PageSize(int asked, int standard) {
  if (asked < 0) return InvalidField("page_size", "is negative");
  ABSL_RETURN_IF_ERROR(CheckLimit("page_size", asked, kLimits.page_size, "entries"));
  return asked == 0 ? standard : asked;
}

}  // namespace plumbline
