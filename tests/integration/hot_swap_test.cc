// Adapters come and go while jobs run: a folder of a hundred in one call, a watched folder, and a
// soak of swaps, loads and unloads.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/integration/demo_fixture.h"

namespace plumbline {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kAliases[] = {"instruct", "arithmetic", "format"};

class HotSwapTest : public DemoTest {
 protected:
  // A copy of a demo adapter that is a version of its own: a key more in its configuration, which
  // says nothing.
  void WriteVariant(const std::string& folder, const std::string& source, int number) {
    const std::string config = ReadFileOrDie(Demo("adapters/" + source + "/adapter_config.json"));
    const size_t brace = config.find('{');
    dir_.Write(folder + "/adapter_config.json",
               absl::StrCat(config.substr(0, brace + 1), "\"variant\": ", number, ",",
                            config.substr(brace + 1)));
    fs::copy_file(Demo("adapters/" + source + "/adapter_model.safetensors"),
                  dir_.Join(folder + "/adapter_model.safetensors"),
                  fs::copy_options::overwrite_existing);
  }
  grpc::Status Unload(const std::string& alias) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::UnloadAdapterRequest request;
    request.set_model("tiny");
    request.set_alias(alias);
    v1::UnloadAdapterResponse response;
    return adapters_->UnloadAdapter(&context, request, &response);
  }
  v1::Model Model() {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::GetModelRequest request;
    request.set_name("tiny");
    v1::Model model;
    EXPECT_TRUE(models_->GetModel(&context, request, &model).ok());
    return model;
  }
  // Exit code and everything the client printed.
  std::pair<int, std::string> Client(const std::string& arguments) {
    const std::string command = absl::StrCat(std::getenv("PLUMBLINE_BIN_DIR"), "/plumbline -s ",
                                             server_->grpc_address(), " ", arguments, " 2>&1");
    std::FILE* pipe = popen(command.c_str(), "r");
    std::string output;
    char buffer[4096];
    for (size_t n; (n = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) output.append(buffer, n);
    return {WEXITSTATUS(pclose(pipe)), output};
  }
};

TEST_F(HotSwapTest, AHundredAdaptersOfAFolderInOneCall) {
  ASSERT_NO_FATAL_FAILURE(StartServer(DataDir("folder"), {"--max-resident-adapters", "8"}));
  for (int i = 0; i < 98; ++i) {
    WriteVariant(absl::StrCat("many/adapter-", i), kAliases[i % 3], i);
  }
  fs::copy(Demo("adapters/wrong-base"), dir_.Join("many/wrong-base"));
  dir_.Write("many/cut-short/adapter_config.json", "{\"peft_type\": \"LORA\"");
  const absl::Time start = absl::Now();
  const auto [code, output] = Client("adapter load --folder " + dir_.Join("many"));
  RecordProperty("seconds", absl::StrCat(absl::ToDoubleSeconds(absl::Now() - start)));
  EXPECT_EQ(code, 1) << output;
  EXPECT_THAT(output, AllOf(HasSubstr("98 of 100 adapters loaded"), HasSubstr("wrong-base: "),
                            HasSubstr("cut-short: "), HasSubstr("adapter-97")));
  const v1::Model model = Model();
  EXPECT_LE(model.adapter_memory().resident(), 8);
  EXPECT_GE(model.adapter_memory().evictions(), 90);
  // The first of them was evicted long ago: it comes back for a call.
  EXPECT_EQ(Client("generate 'What is 3 plus 4?' -a adapter-0").first, 0);
  EXPECT_GE(Model().adapter_memory().repacks(), 1);
  EXPECT_THAT(HttpGet(server_->metrics_address(), "/metrics"),
              AllOf(HasSubstr("plumbline_adapters_known 101\n"),
                    HasSubstr("plumbline_adapter_evictions_total{model=\"tiny\"}")));
  fs::remove_all(dir_.Join("many/wrong-base"));
  fs::remove_all(dir_.Join("many/cut-short"));
  EXPECT_EQ(Client("adapter load --folder " + dir_.Join("many")).first, 0);
}

TEST_F(HotSwapTest, AWatchedFolderIsFollowed) {
  fs::create_directories(dir_.Join("watched"));
  ASSERT_NO_FATAL_FAILURE(
      StartServer(DataDir("watched-data"),
                  {"--watch-adapters", "tiny=" + dir_.Join("watched"), "--watch-interval", "0.1"}));
  WriteVariant("watched/fresh", "format", 1);
  dir_.Write("watched/broken/adapter_config.json", "{\"peft_type\": \"LORA\"");
  dir_.Write("watched/broken/adapter_model.safetensors", "nothing");
  ASSERT_TRUE(server_->LogHas("adapter tiny/fresh: version")) << server_->log();
  ASSERT_TRUE(server_->LogHas("watched folder: adapter tiny/broken: ")) << server_->log();
  EXPECT_EQ(Client("adapter get fresh").first, 0);
  EXPECT_NE(Client("adapter get broken").first, 0);
  // A retrained adapter in the same place, and the broken one mended.
  fs::remove_all(dir_.Join("watched/broken"));
  WriteVariant("watched/broken", "arithmetic", 2);
  WriteVariant("watched/fresh", "instruct", 3);
  ASSERT_TRUE(server_->LogHas("adapter tiny/broken: version")) << server_->log();
  const std::string log = server_->log();
  const size_t first = log.find("adapter tiny/fresh: version");
  const std::string version = log.substr(first, 40);
  while (server_->log().rfind("adapter tiny/fresh: version") == first) std::this_thread::yield();
  const std::string now = server_->log();
  EXPECT_NE(now.substr(now.rfind("adapter tiny/fresh: version"), 40), version);
}

// Swaps, loads and unloads as fast as they go, beside jobs whose verdicts must be those of a quiet
// server, version by version. PLUMBLINE_SOAK_SECONDS: longer (tests/bench/soak).
class Soak : public HotSwapTest {
 protected:
  // "<version>/<task>/<key>/<sample>": the alias says nothing about a result.
  static std::string WithoutAlias(const std::string& key) { return key.substr(key.find('/') + 1); }

  static v1::CreateJobRequest Request(const std::vector<std::string>& adapters) {
    v1::CreateJobRequest request;
    request.set_model("tiny");
    for (const std::string& adapter : adapters) request.add_adapters(adapter);
    request.add_tasks("demo_arithmetic");
    request.add_tasks("demo_instructions");
    request.set_limit(3);
    return request;
  }
  // `extra-0` to `extra-6` are versions of their own, so that slots run short.
  void Change(absl::Time end) {
    for (int i = 0; absl::Now() < end; ++i) {
      const std::string extra = absl::StrCat("extra-", i % 7);
      EXPECT_TRUE(LoadAdapter("live", kAliases[i % 3]).ok());
      EXPECT_TRUE(LoadAdapterFrom(extra, dir_.Join(extra)).ok());
      ++swaps_;
      loads_ += 2;
      if (i < 4) continue;
      EXPECT_TRUE(Unload(absl::StrCat("extra-", (i - 4) % 7)).ok());
      ++unloads_;
    }
  }
  void Jobs(absl::Time end, const std::string& other) {
    do {
      const std::string id = CreateJob(Request({"live", other}));
      const History history = WatchToEnd(id);
      EXPECT_EQ(history.state, v1::JOB_STATE_SUCCEEDED);
      EXPECT_EQ(history.by_prompt.size(), 3u * 2 * 3);
      for (const auto& [key, verdict] : history.by_prompt) {
        const auto quiet = quiet_.find(WithoutAlias(key));
        ASSERT_NE(quiet, quiet_.end()) << key;
        EXPECT_EQ(verdict, quiet->second) << key;
      }
      ++jobs_;
      verdicts_ += history.verdicts;
      grpc::ClientContext context;
      SetDeadline(context);
      v1::DeleteJobRequest request;
      request.set_id(id);
      v1::DeleteJobResponse response;
      EXPECT_TRUE(evaluation_->DeleteJob(&context, request, &response).ok());
    } while (absl::Now() < end);
  }

  std::map<std::string, std::string> quiet_;
  std::atomic<int64_t> swaps_{0}, loads_{0}, unloads_{0}, jobs_{0}, verdicts_{0};
};

TEST_F(Soak, NoVerdictMixesVersionsNothingIsDroppedAndMemoryIsFlat) {
  const char* asked = std::getenv("PLUMBLINE_SOAK_SECONDS");
  const int seconds = asked == nullptr ? 10 : std::atoi(asked);
  ASSERT_NO_FATAL_FAILURE(StartServer(DataDir("soak"), {"--max-resident-adapters", "4"}));
  for (const auto& [key, verdict] :
       WatchToEnd(CreateJob(Request({"instruct", "arithmetic", "format"}))).by_prompt) {
    quiet_[WithoutAlias(key)] = verdict;
  }
  ASSERT_TRUE(LoadAdapter("live", "format").ok());
  for (int i = 0; i < 7; ++i) WriteVariant(absl::StrCat("extra-", i), kAliases[i % 3], i);

  const absl::Time start = absl::Now();
  const absl::Time end = start + absl::Seconds(seconds);
  std::vector<int64_t> memory;  // of the second half
  std::thread changes([&] { Change(end); });
  std::thread first([&] { Jobs(end, "arithmetic"); });
  std::thread second([&] { Jobs(end, "instruct"); });
  for (absl::Time at = start + absl::Seconds(seconds) / 2; at < end;
       at += absl::Seconds(seconds) / 40) {
    absl::SleepFor(at - absl::Now());
    memory.push_back(server_->resident_bytes());
  }
  for (std::thread* thread : {&changes, &first, &second}) thread->join();

  const v1::AdapterMemory slots = Model().adapter_memory();
  const auto [least, most] = std::minmax_element(memory.begin(), memory.end());
  std::printf(
      "soak: %d s, %ld swaps, %ld loads, %ld unloads, %ld jobs, %ld verdicts; %ld evictions, "
      "%ld packed again; memory at half time %.1f MiB, at the end %.1f MiB, between %.1f and "
      "%.1f\n",
      seconds, swaps_.load(), loads_.load(), unloads_.load(), jobs_.load(), verdicts_.load(),
      static_cast<long>(slots.evictions()), static_cast<long>(slots.repacks()),
      memory.front() / 1048576.0, memory.back() / 1048576.0, *least / 1048576.0, *most / 1048576.0);
  EXPECT_GE(swaps_, seconds);
  EXPECT_GE(jobs_, 2);
  EXPECT_EQ(slots.pinned(), 0);
  EXPECT_LE(slots.resident(), 4);
  EXPECT_GT(slots.evictions(), 0);
  // Allocators keep what was freed, so a first half of warming up, then a bound.
  EXPECT_LT(memory.back() - memory.front(), 16 << 20);
}

}  // namespace
}  // namespace plumbline
