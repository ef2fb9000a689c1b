// generation_config.json's rules of decoding that are not followed here: responses are chosen by
// the task or call alone, so that a checkpoint's file does not change a score.
#ifndef PLUMBLINE_CORE_ENGINE_GENERATION_CONFIG_H_
#define PLUMBLINE_CORE_ENGINE_GENERATION_CONFIG_H_

#include <string>
#include <vector>

namespace plumbline {

// A sentence for each value in the checkpoint's file that changes greedy texts in transformers and
// lm-eval and is not applied here: "generation_config.json: repetition_penalty 1.1 is not applied:
// ...". Empty where there is no file, or one that cannot be read (PromptEncoder::Load says so).
std::vector<std::string> UnappliedDecoding(const std::string& directory);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_GENERATION_CONFIG_H_
