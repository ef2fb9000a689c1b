// How fast core/text is on real responses (PLUMBLINE_SHARED_DATA's 541 of GPT-4), to be set against
// the Python originals:
//
//   PLUMBLINE_SHARED_DATA=... build/release/bench/text_bench
//   PLUMBLINE_SHARED_DATA=... <oracle python> tests/oracle/text/time_originals.py
//
// Every iteration handles all the responses once, so times compare directly.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/text/chat_template.h"
#include "core/text/language.h"
#include "core/text/python_unicode.h"
#include "core/text/sentences.h"
#include "core/text/tokenizer.h"
#include "core/text/words.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

const std::vector<std::string>& Responses() {
  static const auto* const responses = [] {
    auto* texts = new std::vector<std::string>;
    const auto shared = SharedDataDir();
    std::ifstream file(shared ? *shared + "/ifeval/gpt4_responses.jsonl" : std::string());
    for (std::string line; std::getline(file, line);) {
      texts->push_back(nlohmann::json::parse(line)["response"].get<std::string>());
    }
    if (texts->empty()) {
      std::fprintf(stderr,
                   "text_bench: no ifeval/gpt4_responses.jsonl: set PLUMBLINE_SHARED_DATA\n");
      std::exit(2);
    }
    return texts;
  }();
  return *responses;
}

void SetBytes(benchmark::State& state) {
  size_t bytes = 0;
  for (const std::string& text : Responses()) bytes += text.size();
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
}

template <typename Work>
void OverResponses(benchmark::State& state, const Work& work) {
  for (const std::string& text : Responses())
    benchmark::DoNotOptimize(work(text));  // warm: tables are loaded
  for (auto _ : state) {
    for (const std::string& text : Responses()) benchmark::DoNotOptimize(work(text));
  }
  SetBytes(state);
}

void BM_Sentences(benchmark::State& state) {
  OverResponses(state, [](const std::string& text) { return SentenceSpans(text).size(); });
}
BENCHMARK(BM_Sentences)->Unit(benchmark::kMillisecond);

void BM_Words(benchmark::State& state) {
  OverResponses(state, [](const std::string& text) { return WordTokenize(text).size(); });
}
BENCHMARK(BM_Words)->Unit(benchmark::kMillisecond);

void BM_Language(benchmark::State& state) {
  OverResponses(state, [](const std::string& text) { return DetectLanguage(text).ok(); });
}
BENCHMARK(BM_Language)->Unit(benchmark::kMillisecond);

void BM_Lower(benchmark::State& state) {
  OverResponses(state, [](const std::string& text) { return python::Lower(text).size(); });
}
BENCHMARK(BM_Lower)->Unit(benchmark::kMillisecond);

void BM_CountWords(benchmark::State& state) {
  OverResponses(state, [](const std::string& text) { return python::CountWords(text); });
}
BENCHMARK(BM_CountWords)->Unit(benchmark::kMillisecond);

void BM_Encode(benchmark::State& state) {
  const auto tokenizer = Tokenizer::Load("deploy/demo/models/plumb-tiny").value();
  OverResponses(state,
                [&](const std::string& text) { return tokenizer->Encode(text, false)->size(); });
}
BENCHMARK(BM_Encode)->Unit(benchmark::kMillisecond);

void BM_RenderChat(benchmark::State& state) {
  const auto chat = ChatTemplate::Load("deploy/demo/models/plumb-tiny").value();
  OverResponses(state, [&](const std::string& text) {
    return chat->Render(nlohmann::ordered_json::array({{{"role", "user"}, {"content", text}}}))
        ->size();
  });
}
BENCHMARK(BM_RenderChat)->Unit(benchmark::kMillisecond);

void BM_StreamDetokenize(benchmark::State& state) {
  const auto tokenizer = Tokenizer::Load("deploy/demo/models/plumb-tiny").value();
  std::vector<std::vector<int32_t>> ids;
  for (const std::string& text : Responses()) ids.push_back(tokenizer->Encode(text, false).value());
  for (auto _ : state) {
    for (const auto& sequence : ids) {
      TokenStream stream(tokenizer, true);
      for (const int32_t id : sequence) benchmark::DoNotOptimize(stream.Push(id));
      benchmark::DoNotOptimize(stream.Finish());
    }
  }
  SetBytes(state);
}
BENCHMARK(BM_StreamDetokenize)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace plumbline

BENCHMARK_MAIN();
