#include "core/engine/adapter_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/lora/adapter_version.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A store and verbs on it.
class AdapterStoreTest : public testing::Test {
 protected:
  AdapterStoreTest() { Open(); }

  void Open() {
    auto store = AdapterStore::Open(dir_.Join("store"));
    ASSERT_OK(store);
    store_ = *std::move(store);
  }
  absl::StatusOr<StoredAdapter> TryImport(const std::string& config, const std::string& tensors) {
    return store_->Import(AdapterVersion(config, tensors), config, tensors);
  }
  StoredAdapter Import(const std::string& config, const std::string& tensors) {
    const auto stored = TryImport(config, tensors);
    EXPECT_OK(stored);
    return stored.ok() ? *stored : StoredAdapter{};
  }
  // Everything in the store's directory, hidden folders included.
  std::vector<std::string> Entries() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.Join("store"))) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  TempDir dir_;
  std::unique_ptr<AdapterStore> store_;
};

TEST_F(AdapterStoreTest, KeepsAVersionUnderItsDigest) {
  const StoredAdapter stored = Import("{}", "weights");
  EXPECT_EQ(stored.version, AdapterVersion("{}", "weights"));
  EXPECT_EQ(stored.path, absl::StrCat(dir_.Join("store"), "/", stored.version));
  EXPECT_EQ(stored.bytes, 9);
  EXPECT_EQ(ReadFileOrDie(stored.path + "/adapter_config.json"), "{}");
  EXPECT_EQ(ReadFileOrDie(stored.path + "/adapter_model.safetensors"), "weights");
  EXPECT_THAT(Entries(), ElementsAre(stored.version));
}

TEST_F(AdapterStoreTest, SurvivesAChangeOfTheSource) {
  const StoredAdapter first = Import("{}", "old");
  const StoredAdapter second = Import("{}", "new");
  EXPECT_NE(first.version, second.version);
  EXPECT_EQ(ReadFileOrDie(first.path + "/adapter_model.safetensors"), "old");
  EXPECT_OK(store_->Verify(first.version));
  EXPECT_THAT(*store_->List(), SizeIs(2));
}

TEST_F(AdapterStoreTest, SurvivesARestart) {
  const StoredAdapter stored = Import("{}", "weights");
  Open();
  ASSERT_OK_AND_ASSIGN(const StoredAdapter again, store_->Verify(stored.version));
  EXPECT_EQ(again.path, stored.path);
}

TEST_F(AdapterStoreTest, TheSameContentTwiceIsOneVersion) {
  const StoredAdapter first = Import("{}", "weights");
  const StoredAdapter second = Import("{}", "weights");
  EXPECT_EQ(first.version, second.version);
  EXPECT_THAT(Entries(), SizeIs(1));
}

TEST_F(AdapterStoreTest, ManyImportsAtOnceAgree) {
  const std::string weights(100'000, 'w');
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { EXPECT_OK(TryImport("{}", weights)); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(Entries(), SizeIs(1));
}

TEST_F(AdapterStoreTest, DamageIsFoundAndHealedByTheNextImport) {
  const StoredAdapter stored = Import("{}", "weights");
  dir_.Write(absl::StrCat("store/", stored.version, "/adapter_model.safetensors"), "wEights");
  EXPECT_THAT(store_->Verify(stored.version),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr(stored.path), HasSubstr("the files have changed"))));
  Import("{}", "weights");
  EXPECT_OK(store_->Verify(stored.version));
  EXPECT_THAT(Entries(), SizeIs(1));
}

TEST_F(AdapterStoreTest, AMissingFileIsDataLoss) {
  const StoredAdapter stored = Import("{}", "weights");
  unlink((stored.path + "/adapter_config.json").c_str());
  EXPECT_THAT(store_->Verify(stored.version),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("adapter_config.json")));
}

TEST_F(AdapterStoreTest, RemoveTakesAVersionAway) {
  const StoredAdapter stored = Import("{}", "weights");
  EXPECT_OK(store_->Remove(stored.version));
  EXPECT_OK(store_->Remove(stored.version));
  EXPECT_THAT(store_->Verify(stored.version), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Entries(), IsEmpty());
}

TEST_F(AdapterStoreTest, RefusesWhatIsNotAVersion) {
  for (const std::string& name : {std::string("../source"), std::string(), std::string(64, 'A'),
                                  std::string(63, 'a'), std::string(64, '.')}) {
    EXPECT_THAT(store_->Verify(name), StatusIs(absl::StatusCode::kInvalidArgument)) << name;
    EXPECT_THAT(store_->Remove(name), StatusIs(absl::StatusCode::kInvalidArgument)) << name;
  }
}

// A limit on file sizes makes write() fail in the middle, as a full disk does.
TEST_F(AdapterStoreTest, AFullDiskIsAClearErrorAndLeavesNothing) {
  const std::string weights(300'000, 'w');
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {100'000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto stored = TryImport("{}", weights);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, old_handler);
  EXPECT_THAT(stored, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("free some space")));
  EXPECT_THAT(Entries(), IsEmpty());
  EXPECT_OK(TryImport("{}", weights));  // with room again
}

TEST_F(AdapterStoreTest, OpenRemovesAbandonedImportsOnly) {
  dir_.Write("store/.import-aaaaaa/adapter_config.json", "{}");
  dir_.Write("store/.import-bbbbbb/adapter_config.json", "{}");
  const utimbuf long_ago = {1, 1};
  ASSERT_EQ(utime(dir_.Join("store/.import-aaaaaa").c_str(), &long_ago), 0);
  Open();
  EXPECT_THAT(Entries(), ElementsAre(".import-bbbbbb"));
  EXPECT_THAT(*store_->List(), IsEmpty());
}

TEST_F(AdapterStoreTest, OpenNamesADirectoryItCannotUse) {
  dir_.Write("file", "x");
  EXPECT_THAT(AdapterStore::Open(dir_.Join("file/store")).status().message(),
              HasSubstr(dir_.Join("file/store")));
}

}  // namespace
}  // namespace plumbline
