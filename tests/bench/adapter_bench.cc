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

// The least of a few runs.
template <typename Fn>
double Best(int runs, Fn fn) {
  double best = 1e9;
  for (int i = 0; i < runs; ++i) {
    const absl::Time start = absl::Now();
    fn();
    best = std::min(best, Milliseconds(absl::Now() - start));
  }
  return best;
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
  const auto load = [&](const std::string& alias, const std::string& path) {
    LoadAdapterOptions options;
    options.model = "model";
    options.alias = alias;
    options.path = fs::absolute(path).string();
    return OrDie(host->LoadAdapter(options));
  };
  for (int i = 3; i < argc; ++i) {
    const std::string path = argv[i];
    std::string config, tensors;
    const double read = Best(3, [&] {
      config = OrDie(ReadFileBytes(absl::StrCat(path, "/", kAdapterConfigFile), 1 << 22));
      tensors = OrDie(ReadFileBytes(absl::StrCat(path, "/", kAdapterTensorFile), UINT64_MAX));
    });
    const double digest = Best(3, [&] { AdapterVersion(config, tensors); });
    const AdapterInfo cold = load("a", path);
    const LoadPhases& p = cold.phases;
    double warm = 1e9;
    for (int r = 0; r < 3; ++r) warm = std::min(warm, Milliseconds(load("b", path).load_time));
    std::string other = argv[i == 3 && argc > 4 ? 4 : 3];
    double repack = -1;
    if (other != path) {
      load("other", other);  // takes the only slot
      repack = Best(1, [&] { OrDie(host->Pin("model", "a")); });
    }
    std::printf(
        "%s: %.1f MB\n  read %.1f ms (of these bytes alone %.1f, their digest %.1f), pack %.1f, "
        "prove "
        "%.1f, copy to the store %.1f, publish %.3f; whole %.1f\n  after the bytes are read, "
        "without "
        "the copy: %.1f ms\n  known version again %.1f ms, back from an eviction %.1f ms\n",
        path.c_str(), static_cast<double>(tensors.size()) / 1e6, Milliseconds(p.read), read, digest,
        Milliseconds(p.pack), Milliseconds(p.prove), Milliseconds(p.store), Milliseconds(p.publish),
        Milliseconds(cold.load_time), Milliseconds(p.read + p.pack + p.prove + p.publish) - read,
        warm, repack);
  }
  host.reset();
  fs::remove_all(scratch);
  return 0;
}

}  // namespace
}  // namespace plumbline

int main(int argc, char** argv) { return plumbline::Main(argc, argv); }
