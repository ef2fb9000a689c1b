// What lm-eval writes as a task's config into its results, from a task file of ours.
#include "core/eval/task_file/task_config.h"

namespace plumbline {
namespace {

using Json = nlohmann::ordered_json;

Json GenerationKwargs(const Decoding& decoding) {
  Json kwargs = {{"until", decoding.stop},
                 {"do_sample", decoding.temperature > 0},
                 {"temperature", decoding.temperature},
                 {"max_gen_toks", decoding.max_new_tokens}};
  if (decoding.top_k > 0) kwargs["top_k"] = decoding.top_k;
  if (decoding.top_p < 1) kwargs["top_p"] = decoding.top_p;
  return kwargs;
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string ConfigForExport(const ConfigNode& root, const TaskConfig& config) {
  Json json = root.Json();
  const auto add = [&json](const char* key, Json value) {
    if (!json.contains(key) || json[key].is_null()) json[key] = std::move(value);
  };
  const bool choice = config.output_type == OutputType::kMultipleChoice;
  add("task", config.name);
  add("description", "");
  add("target_delimiter", config.target_delimiter);
  add("fewshot_delimiter", config.fewshot_delimiter);
  add("num_fewshot", config.num_fewshot);
  add("output_type", choice ? "multiple_choice" : "generate_until");
  if (!choice) add("generation_kwargs", GenerationKwargs(config.decoding));
  add("repeats", config.samples);
  add("should_decontaminate", false);
  return Dump(json);
}

std::string ConfigForExport(const Task& task) {
  return Dump({{"task", task.name},
               {"num_fewshot", 0},
               {"output_type", "generate_until"},
               {"generation_kwargs", GenerationKwargs(task.decoding)},
               {"repeats", task.samples},
               {"should_decontaminate", false}});
}

}  // namespace plumbline
