// Requests, checked once at the edge: what passes here is well-formed and within the limits below,
// so that the code behind it need not look again. Whether a model, adapter or task of that name
// exists is found out later.
//
// Errors are InvalidArgument with the reason INVALID_FIELD (metadata: field) or LIMIT_EXCEEDED
// (metadata: field, limit), and name the field, what it is and what it may be.
#ifndef PLUMBLINE_SERVER_VALIDATION_H_
#define PLUMBLINE_SERVER_VALIDATION_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plumbline/v1/adapter.pb.h"
#include "plumbline/v1/evaluation.pb.h"
#include "plumbline/v1/model.pb.h"
#include "plumbline/v1/task.pb.h"

namespace plumbline {

// Bounds of requests and replies. gRPC itself refuses messages above 4 MiB.
struct RequestLimits {
  int adapters = 64;  // of one call
  int tasks = 64;     // of one job
  int64_t prompt_bytes = 1 << 20;
  int messages = 256;
  int stops = 16;
  int stop_bytes = 256;
  int max_new_tokens = 32768;
  int score_text_bytes = 256 << 10;
  int score_top = 100;
  int gate_policy_bytes = 64 << 10;
  int path_bytes = 4096;
  int display_name_characters = 256;
  int64_t task_bytes = 3 << 20;  // all files of an upload
  int task_files = 16;
  int page_size = 1000;
  int64_t reply_bytes = 4'000'000;  // below the 4 MiB a client takes by default
  int64_t page_bytes = 3 << 20;
};
inline constexpr RequestLimits kLimits;

// [a-z0-9][a-z0-9_.-]{0,63}
absl::Status ValidateModelName(absl::string_view field, absl::string_view name);
// [A-Za-z0-9][A-Za-z0-9_.-]{0,63}: aliases; versions have this form as well.
absl::Status ValidateAlias(absl::string_view field, absl::string_view alias);
// The same for an alias that is to be given: neither "base" nor a version.
absl::Status ValidateNewAlias(absl::string_view field, absl::string_view alias);
// [A-Za-z0-9_.-]{1,128}
absl::Status ValidateTaskName(absl::string_view field, absl::string_view name);
// "job-" and what ids consist of.
absl::Status ValidateJobId(absl::string_view id);

absl::Status Validate(const v1::LoadModelRequest& request);
absl::Status Validate(const v1::LoadAdapterRequest& request);
absl::Status Validate(const v1::LoadAdapterFolderRequest& request);
absl::Status Validate(const v1::GenerateRequest& request);
absl::Status Validate(const v1::ScoreRequest& request);
absl::Status Validate(const v1::CreateJobRequest& request);
// Sizes only: the content is the task parser's. RESOURCE_EXHAUSTED above the size limit.
absl::Status Validate(const v1::UploadTaskRequest& request);

// The page size to use: `asked`, or `standard` for 0.
absl::StatusOr<int> PageSize(int asked, int standard);

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_VALIDATION_H_
