// Folders of adapters: loaded in one call, and watched.
#include "server/adapter_folder.h"

#include <gmock/gmock.h>

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <sstream>

#include "core/base/ids.h"
#include "core/jobs/job_notifier.h"
#include "core/jobs/sqlite_job_store.h"
#include "tests/server/server_fixture.h"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class AdapterFolderTest : public ServerTest {
 protected:
  void WriteAdapter(const std::string& folder, const std::string& content) {
    dir_.Write(folder + "/adapter_config.json", content);
    dir_.Write(folder + "/adapter_model.safetensors", content);
  }
  grpc::Status LoadFolder(const std::string& path, v1::LoadAdapterFolderResponse* response) {
    grpc::ClientContext context;
    v1::LoadAdapterFolderRequest request;
    request.set_model("tiny");
    request.set_path(path);
    return adapters_->LoadAdapterFolder(&context, request, response);
  }
};

TEST_F(AdapterFolderTest, GoodOnesAreLoadedAndBadOnesNamed) {
  WriteAdapter("many/bad", "bad tensor");
  WriteAdapter("many/base", "a reserved name");
  WriteAdapter("many/good-1", "one");
  WriteAdapter("many/good-2", "two");
  WriteAdapter("many/no name", "spaces");
  WriteAdapter("many/.hidden", "not looked at");
  std::filesystem::create_directories(dir_.Join("many/nothing"));
  v1::LoadAdapterFolderResponse response;
  ASSERT_THAT(LoadFolder(dir_.Join("many"), &response), IsRpcOk());
  EXPECT_EQ(response.loaded(), 2);
  std::vector<std::string> loaded, failed;
  for (const auto& result : response.results()) {
    (result.has_error() ? failed : loaded).push_back(result.alias());
    EXPECT_NE(result.has_error(), result.has_adapter());
  }
  EXPECT_THAT(loaded, ElementsAre("good-1", "good-2"));
  EXPECT_THAT(failed, ElementsAre("bad", "base", "no name", "nothing"));
  EXPECT_THAT(response.results(0).error().message(), HasSubstr("q_proj.lora_A"));
  EXPECT_EQ(host_->ListAdapters("tiny").size(), 2u);
  // Again: the same versions, which the aliases had before.
  ASSERT_THAT(LoadFolder(dir_.Join("many"), &response), IsRpcOk());
  EXPECT_EQ(response.results(2).previous_version(), response.results(2).adapter().version());
}

TEST_F(AdapterFolderTest, AFolderThatHoldsNoneIsOneError) {
  v1::LoadAdapterFolderResponse response;
  EXPECT_THAT(LoadFolder(dir_.Join("nowhere"), &response),
              IsRpcError(grpc::StatusCode::NOT_FOUND, "PATH_NOT_FOUND"));
  EXPECT_THAT(LoadFolder(dir_.Join("a1"), &response),
              IsRpcError(grpc::StatusCode::NOT_FOUND, "PATH_NOT_FOUND"));
  EXPECT_THAT(LoadFolder("relative", &response),
              IsRpcError(grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD"));
}

// Without a server: every look is a call of Poll().
class AdapterWatchTest : public AdapterFolderTest {
 protected:
  void SetUp() override {
    SqliteOptions options;
    options.path = dir_.Join("catalog.db");
    options.ids = &ids_;
    options.listener = &notifier_;
    ASSERT_OK_AND_ASSIGN(database_, OpenSqliteDatabase(options));
    catalog_ = NewSqliteCatalog(database_);
    fake_ = std::make_unique<FakeModelHost>(engine_);
    hosting_ = std::make_unique<Hosting>(*fake_, *catalog_, HostingOptions());
    ASSERT_OK(hosting_->LoadModel(config_.models[0]));
    std::filesystem::create_directories(dir_.Join("watched"));
    watch_ = std::make_unique<AdapterWatch>(
        *hosting_, executor_, std::vector<WatchedFolder>{{"tiny", dir_.Join("watched")}},
        absl::Seconds(1));
  }
  std::vector<std::string> Aliases() {
    std::vector<std::string> aliases;
    for (const AdapterInfo& info : fake_->ListAdapters("tiny")) aliases.push_back(info.alias);
    return aliases;
  }
  std::string VersionOf(const std::string& alias) {
    const absl::StatusOr<AdapterInfo> info = hosting_->GetAdapter("tiny", alias);
    return info.ok() ? info->version : "";
  }

  RandomIds ids_;
  JobNotifier notifier_;
  std::shared_ptr<SqliteDatabase> database_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<FakeModelHost> fake_;
  std::unique_ptr<Hosting> hosting_;
  ManualExecutor executor_;
  std::unique_ptr<AdapterWatch> watch_;
};

TEST_F(AdapterWatchTest, WhatStaysTheSameFromOneLookToTheNextIsLoaded) {
  WriteAdapter("watched/a", "first");
  watch_->Poll();
  EXPECT_THAT(Aliases(), IsEmpty());
  dir_.Write("watched/a/adapter_model.safetensors", "still growing");
  watch_->Poll();
  EXPECT_THAT(Aliases(), IsEmpty());
  watch_->Poll();
  EXPECT_THAT(Aliases(), ElementsAre("a"));
}

// What the server logs while it lives.
class LogCapture {
 public:
  LogCapture() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)));
  }
  ~LogCapture() { spdlog::set_default_logger(before_); }
  std::string Take() {
    const std::string text = text_.str();
    text_.str("");
    return text;
  }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

TEST_F(AdapterWatchTest, AModelThatIsNotHostedIsSaidOnceAndWaitedFor) {
  LogCapture log;
  ASSERT_OK(hosting_->UnloadModel("tiny"));
  WriteAdapter("watched/a", "first");
  for (int i = 0; i < 3; ++i) watch_->Poll();
  const std::string said = log.Take();
  EXPECT_THAT(said, HasSubstr("watched is not loaded: model \"tiny\" is not hosted"));
  EXPECT_EQ(said.find("watched folder"), said.rfind("watched folder")) << said;
  for (int round = 0; round < 2; ++round) {  // also when it goes and comes back
    ASSERT_OK(hosting_->LoadModel(config_.models[0]));
    for (int i = 0; i < 2; ++i) watch_->Poll();
    EXPECT_THAT(Aliases(), ElementsAre("a"));
    ASSERT_OK(hosting_->UnloadModel("tiny"));
    watch_->Poll();
  }
}

TEST_F(AdapterWatchTest, OneFolderMayBeWatchedForTwoModels) {
  LoadModelOptions second = config_.models[0];
  second.name = "second";
  ASSERT_OK(hosting_->LoadModel(second));
  watch_ = std::make_unique<AdapterWatch>(
      *hosting_, executor_,
      std::vector<WatchedFolder>{{"tiny", dir_.Join("watched")}, {"second", dir_.Join("watched")}},
      absl::Seconds(1));
  WriteAdapter("watched/a", "first");
  for (int i = 0; i < 2; ++i) watch_->Poll();
  EXPECT_EQ(fake_->ListAdapters("tiny").size(), 1u);
  EXPECT_EQ(fake_->ListAdapters("second").size(), 1u);
}

TEST_F(AdapterWatchTest, AChangeIsLoadedAndNothingElse) {
  WriteAdapter("watched/a", "first");
  WriteAdapter("watched/b", "other");
  for (int i = 0; i < 3; ++i) watch_->Poll();
  const std::string first = VersionOf("a");
  ASSERT_OK(hosting_->UnloadAdapter("tiny", "b"));
  WriteAdapter("watched/a", "second one");
  for (int i = 0; i < 3; ++i) watch_->Poll();
  EXPECT_NE(VersionOf("a"), first);
  EXPECT_THAT(Aliases(), ElementsAre("a"));  // b was unloaded and has not changed
}

TEST_F(AdapterWatchTest, ABadOneIsTriedAgainOnlyWhenItChanges) {
  WriteAdapter("watched/a", "bad tensor");
  WriteAdapter("watched/b", "good");
  for (int i = 0; i < 4; ++i) watch_->Poll();
  EXPECT_THAT(Aliases(), ElementsAre("b"));
  EXPECT_EQ(fake_->load_calls(), 2);
  WriteAdapter("watched/a", "mended by now");
  for (int i = 0; i < 4; ++i) watch_->Poll();
  EXPECT_THAT(Aliases(), ElementsAre("a", "b"));
  EXPECT_EQ(fake_->load_calls(), 3);
}

TEST_F(AdapterWatchTest, WhatGoesStaysLoadedAndHalfAFolderIsLeftAlone) {
  WriteAdapter("watched/a", "first");
  dir_.Write("watched/half/adapter_config.json", "no weights yet");
  for (int i = 0; i < 3; ++i) watch_->Poll();
  std::filesystem::remove_all(dir_.Join("watched/a"));
  for (int i = 0; i < 3; ++i) watch_->Poll();
  EXPECT_THAT(Aliases(), ElementsAre("a"));
  std::filesystem::remove_all(dir_.Join("watched"));
  watch_->Poll();  // an error in the log
  WriteAdapter("watched/a", "back again");
  for (int i = 0; i < 3; ++i) watch_->Poll();
  EXPECT_EQ(fake_->load_calls(), 2);
}

}  // namespace
}  // namespace plumbline
