// How the files task_config*.cc share the work of reading a task's YAML.
#ifndef PLUMBLINE_CORE_EVAL_TASK_FILE_TASK_CONFIG_INTERNAL_H_
#define PLUMBLINE_CORE_EVAL_TASK_FILE_TASK_CONFIG_INTERNAL_H_

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"
#include "core/eval/task_file/task_config.h"

namespace plumbline {

// Reads one file; thread-compatible, used once.
class ConfigParser {
 public:
  explicit ConfigParser(const ConfigNode& root) : root_(root) {}

  absl::StatusOr<TaskConfig> Run() {
    ABSL_RETURN_IF_ERROR(CheckRootKeys());
    ABSL_RETURN_IF_ERROR(ReadNames());
    ABSL_RETURN_IF_ERROR(ReadKind());
    ABSL_RETURN_IF_ERROR(ReadData());
    ABSL_RETURN_IF_ERROR(ReadDocs());
    ABSL_RETURN_IF_ERROR(ReadFewshot());
    ABSL_RETURN_IF_ERROR(ReadGeneration());
    ABSL_RETURN_IF_ERROR(ReadFilters());
    ABSL_RETURN_IF_ERROR(ReadMetrics());
    ABSL_RETURN_IF_ERROR(ReadTolerances());
    for (const char* key : {"checker", "output_type", "prompt_format", "filter_list", "metric_list",
                            "tolerance", "relative_tolerance"}) {
      const ConfigNode* node = root_.Find(key);
      if (node != nullptr) config_.fingerprint[key] = nlohmann::json(node->Json());
    }
    return std::move(config_);
  }

 private:
  // task_config.cc: names and kinds.
  absl::Status CheckRootKeys();
  // Find() takes null for absent. InvalidArgument for the first of these keys that is null.
  static absl::Status RefuseNulls(const ConfigNode& map, const std::set<std::string>& keys);
  absl::Status ReadNames();
  absl::Status ReadKind();
  // task_config_data.cc
  absl::Status ReadData();
  absl::Status ReadDataFiles(const ConfigNode& files);
  // task_config_docs.cc
  absl::Status ReadDocs();
  absl::Status ReadFewshot();
  // A string, a list of strings, a map (its values) or an integer.
  static absl::StatusOr<DocExpression> ReadExpression(const ConfigNode& parent,
                                                      absl::string_view key);
  // task_config_decoding.cc
  absl::Status ReadGeneration();
  absl::Status ReadDecoding(const ConfigNode& kwargs);
  absl::Status ReadStops(const ConfigNode& kwargs);
  // task_config_scoring.cc
  absl::Status ReadFilters();
  absl::StatusOr<FilterStep> ReadFilterStep(const ConfigNode& node);
  absl::Status ReadMetrics();
  // ignore_case, ignore_punctuation, ignore_numbers and regexes_to_ignore, where they are given.
  static absl::Status ReadIgnored(const ConfigNode& node, ExactMatchOptions& options);
  absl::Status ReadTolerances();

  absl::StatusOr<std::string> StringOr(absl::string_view key, absl::string_view fallback) const {
    const ConfigNode* node = root_.Find(key);
    if (node == nullptr) return std::string(fallback);
    return node->String();
  }

  const ConfigNode& root_;
  TaskConfig config_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_FILE_TASK_CONFIG_INTERNAL_H_
