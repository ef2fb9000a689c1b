// The engine tests' own model (tests/golden/engine, made by tests/oracle/model/make_tiny.py) and a
// small vocabulary of verbs: generate, score and wait.
#ifndef PLUMBLINE_TESTS_ENGINE_TINY_MODEL_H_
#define PLUMBLINE_TESTS_ENGINE_TINY_MODEL_H_

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/engine/engine_host.h"
#include "tests/support/status_matchers.h"

namespace plumbline {

inline constexpr char kTinyBase[] = "tests/golden/engine/base";
inline std::string TinyAdapter(const std::string& name) {
  return "tests/golden/engine/adapters/" + name;
}

inline Prompt Plain(const std::string& text) {
  Prompt prompt;
  prompt.text = text;
  return prompt;
}

inline std::future<absl::StatusOr<Generation>> StartGenerate(LanguageModel& model,
                                                             LanguageModel::GenerateCall call) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<Generation>>>();
  std::future<absl::StatusOr<Generation>> future = promise->get_future();
  model.Generate(std::move(call), [promise](absl::StatusOr<Generation> result) {
    promise->set_value(std::move(result));
  });
  return future;
}

inline LanguageModel::GenerateCall Call(const std::string& text, int max_new_tokens) {
  LanguageModel::GenerateCall call;
  call.prompt = Plain(text);
  call.decoding.max_new_tokens = max_new_tokens;
  return call;
}

inline absl::StatusOr<Generation> Generate(LanguageModel& model, LanguageModel::GenerateCall call) {
  return StartGenerate(model, std::move(call)).get();
}

inline absl::StatusOr<std::vector<LogLikelihood>> LogLikelihoods(
    LanguageModel& model, const Prompt& context, std::vector<std::string> continuations) {
  std::promise<absl::StatusOr<std::vector<LogLikelihood>>> promise;
  LanguageModel::LogLikelihoodCall call;
  call.context = context;
  call.continuations = std::move(continuations);
  model.LogLikelihoods(std::move(call), [&](absl::StatusOr<std::vector<LogLikelihood>> result) {
    promise.set_value(std::move(result));
  });
  return promise.get_future().get();
}

inline absl::StatusOr<std::vector<TokenScore>> Score(LanguageModel& model, const std::string& text,
                                                     int top) {
  std::promise<absl::StatusOr<std::vector<TokenScore>>> promise;
  LanguageModel::ScoreCall call;
  call.text = text;
  call.top = top;
  model.Score(std::move(call), [&](absl::StatusOr<std::vector<TokenScore>> result) {
    promise.set_value(std::move(result));
  });
  return promise.get_future().get();
}

// A host with the tiny model under the name "tiny".
inline std::unique_ptr<ModelHost> TinyHost(EngineHostOptions host_options = {},
                                           const std::string& dtype = "float32") {
  std::unique_ptr<ModelHost> host = CreateEngineHost(host_options);
  LoadModelOptions options;
  options.name = "tiny";
  options.path = kTinyBase;
  options.dtype = dtype;
  EXPECT_OK(host->LoadModel(options));
  return host;
}

inline absl::StatusOr<AdapterInfo> Load(ModelHost& host, const std::string& alias,
                                        const std::string& path) {
  LoadAdapterOptions options;
  options.model = "tiny";
  options.alias = alias;
  options.path = path;
  return host.LoadAdapter(options);
}

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_ENGINE_TINY_MODEL_H_
