// How long it takes to publish an adapter, by part: reading its files, checking and packing them,
// the copy in the store, the canary's proof, the swap of the alias; and a load as the server does
// it, cold (a version it has not seen), warm, and back from an eviction.
//
//   adapter_bench CHECKPOINT [float32|bfloat16] ADAPTER_DIR...
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/file_bytes.h"
#include "core/engine/engine_host.h"
#include "core/lora/adapter_version.h"

namespace plumbline {
namespace {

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
  std::exit(1);
}

double Milliseconds(absl::Duration d) { return absl::ToDoubleMilliseconds(d); }

constexpr int kRounds = 7;

template <typename Fn>
double TimeOf(Fn fn) {
  const absl::Time start = absl::Now();
  fn();
  return Milliseconds(absl::Now() - start);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The median over the rounds of one of their figures.
template <typename Of>
double Median(const std::vector<AdapterInfo>& rounds, Of of) {
  std::vector<double> values;
  for (const AdapterInfo& round : rounds) values.push_back(Milliseconds(of(round)));
  return Median(std::move(values));
}

AdapterInfo LoadAs(ModelHost& host, const std::string& alias, const std::string& path) {
  LoadAdapterOptions options;
  options.model = "model";
  options.alias = alias;
  options.path = std::filesystem::absolute(path).string();
  return OrDie(host.LoadAdapter(options));
}

// Loads and unloads the adapter a few times. The first time the store has no copy of it yet.
void MeasureAdapter(ModelHost& host, const std::string& path) {
  std::string config, tensors;
  std::vector<double> reads, digests;
  for (int r = 0; r < kRounds; ++r) {
    reads.push_back(TimeOf([&] {
      config = OrDie(ReadFileBytes(absl::StrCat(path, "/", kAdapterConfigFile), 1 << 22));
      tensors = OrDie(ReadFileBytes(absl::StrCat(path, "/", kAdapterTensorFile), UINT64_MAX));
    }));
    digests.push_back(TimeOf([&] { AdapterVersion(config, tensors); }));
  }
  const AdapterInfo first = LoadAs(host, "cold", path);
  std::vector<AdapterInfo> rounds, known;
  for (int r = 0; r < kRounds; ++r) {
    if (!host.UnloadAdapter("model", "cold").ok()) std::exit(1);
    rounds.push_back(LoadAs(host, "cold", path));
    known.push_back(LoadAs(host, "cold", path));
  }
  if (!host.UnloadAdapter("model", "cold").ok()) std::exit(1);
  const auto whole = [](const AdapterInfo& info) { return info.load_time; };
  const auto after_read = [](const AdapterInfo& info) {
    return info.load_time - info.phases.store - info.phases.read;
  };
  std::printf("%s: %.1f MB; medians of %d loads\n", path.c_str(),
              static_cast<double>(tensors.size()) / 1e6, kRounds);
  std::printf(
      "  read %.1f ms (alone %.1f; a digest alone %.1f), check %.1f, pack %.1f, prove %.1f\n",
      Median(rounds, [](const AdapterInfo& i) { return i.phases.read; }), Median(reads),
      Median(digests), Median(rounds, [](const AdapterInfo& i) { return i.phases.check; }),
      Median(rounds, [](const AdapterInfo& i) { return i.phases.pack; }),
      Median(rounds, [](const AdapterInfo& i) { return i.phases.prove; }));
  std::printf("  to be published after the bytes are read, without the copy: %.1f ms\n",
              Median(rounds, after_read));
  std::printf(
      "  the copy: %.1f ms the first time, %.1f later; the whole: %.1f first, %.1f later, %.1f "
      "of a version that is loaded\n",
      Milliseconds(first.phases.store),
      Median(rounds, [](const AdapterInfo& i) { return i.phases.store; }),
      Milliseconds(first.load_time), Median(rounds, whole), Median(known, whole));
}

int Main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: adapter_bench CHECKPOINT float32|bfloat16 ADAPTER_DIR...\n");
    return 2;
  }
  namespace fs = std::filesystem;
  char scratch[] = "/tmp/adapter-bench-XXXXXX";
  if (mkdtemp(scratch) == nullptr) return 1;
  EngineHostOptions host_options;
  host_options.adapter_store_dir = absl::StrCat(scratch, "/store");
  host_options.max_resident_adapters = 1;
  std::unique_ptr<ModelHost> host = CreateEngineHost(host_options);
  LoadModelOptions model;
  model.name = "model";
  model.path = fs::absolute(argv[1]).string();
  model.dtype = argv[2];
  model.kv_cache_bytes = 64 << 20;
  const ModelInfo info = OrDie(host->LoadModel(model));
  std::printf("%s, %.0f M parameters, %s, %d threads\n", info.architecture.c_str(),
              static_cast<double>(info.parameters) / 1e6, argv[2], info.threads);
  for (int i = 3; i < argc; ++i) MeasureAdapter(*host, argv[i]);
  if (argc > 4) {
    const std::string back = LoadAs(*host, "a", argv[3]).alias;
    std::vector<double> repacks;
    for (int r = 0; r < kRounds; ++r) {
      LoadAs(*host, "b", argv[4]);
      OrDie(host->Pin("model", "b"));  // takes the only slot
      repacks.push_back(TimeOf([&] { OrDie(host->Pin("model", back)); }));
    }
    std::printf("back from an eviction: %.1f ms\n", Median(repacks));
  }
  host.reset();
  fs::remove_all(scratch);
  return 0;
}

}  // namespace
}  // namespace plumbline

int main(int argc, char** argv) { return plumbline::Main(argc, argv); }
