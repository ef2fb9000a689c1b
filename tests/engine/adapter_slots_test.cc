// Slots of packed adapters: eviction, return, pins, and what happens to the files meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/engine/tiny_model.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::vector<std::string> kNames = {"small", "wide", "dora", "biased", "one_layer"};

class AdapterSlotsTest : public testing::Test {
 protected:
  void Make(int max_resident, int64_t max_bytes = 0) {
    EngineHostOptions options;
    options.adapter_store_dir = store_.path();
    options.max_resident_adapters = max_resident;
    options.adapter_memory_bytes = max_bytes;
    host_ = TinyHost(options);
    for (const std::string& name : kNames) {
      ASSERT_OK_AND_ASSIGN(const AdapterInfo info, Load(*host_, name, TinyAdapter(name)));
      versions_[name] = info.version;
      bytes_[name] = info.bytes;
    }
  }
  std::shared_ptr<LanguageModel> Pin(const std::string& adapter) {
    absl::StatusOr<std::shared_ptr<LanguageModel>> model = host_->Pin("tiny", adapter);
    EXPECT_OK(model);
    return *std::move(model);
  }
  std::string Text(const std::string& adapter) {
    return Generate(*Pin(adapter), Call("Hello the", 20))->text;
  }
  AdapterMemoryStats stats() { return host_->GetModel("tiny")->adapters; }
  bool Resident(const std::string& alias) {
    for (const AdapterInfo& info : host_->ListAdapters("tiny")) {
      if (info.alias == alias) return info.resident;
    }
    ADD_FAILURE() << "no adapter " << alias;
    return false;
  }

  TempDir store_;
  std::unique_ptr<ModelHost> host_;
  std::map<std::string, std::string> versions_;
  std::map<std::string, int64_t> bytes_;
};

TEST_F(AdapterSlotsTest, TheLeastRecentlyUsedGivesWayAndComesBackWithTheSameBits) {
  ASSERT_NO_FATAL_FAILURE(Make(0));
  std::map<std::string, std::string> texts;
  for (const std::string& name : kNames) texts[name] = Text(name);
  EXPECT_EQ(stats().resident, 5);
  EXPECT_EQ(stats().evictions, 0);

  ASSERT_NO_FATAL_FAILURE(Make(2));
  EXPECT_EQ(stats().resident, 2);
  EXPECT_EQ(stats().evictions, 3);
  EXPECT_TRUE(Resident("one_layer"));
  EXPECT_FALSE(Resident("small"));
  for (int round = 0; round < 3; ++round) {
    for (const std::string& name : kNames) EXPECT_EQ(Text(name), texts[name]);
  }
  EXPECT_EQ(stats().repacks, 15);
  EXPECT_LE(stats().resident, 2);
  EXPECT_EQ(Text("dora"), texts["dora"]);
  EXPECT_EQ(Text("one_layer"), texts["one_layer"]);  // used last: still there
  EXPECT_EQ(stats().repacks, 16);
}

TEST_F(AdapterSlotsTest, TheBudgetIsInBytesToo) {
  ASSERT_NO_FATAL_FAILURE(Make(0));
  const int64_t two = bytes_["wide"] + bytes_["dora"];
  ASSERT_NO_FATAL_FAILURE(Make(0, two));
  for (const std::string& name : kNames) {
    Text(name);
    EXPECT_LE(stats().bytes, two);
  }
  EXPECT_EQ(stats().max_bytes, two);
}

TEST_F(AdapterSlotsTest, AHeldAdapterIsNeverEvictedAndTheErrorSaysWhoHolds) {
  ASSERT_NO_FATAL_FAILURE(Make(2));
  std::shared_ptr<LanguageModel> small = Pin("small");
  std::shared_ptr<LanguageModel> wide = Pin("wide");
  EXPECT_THAT(host_->Pin("tiny", "dora"),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("\"dora\""), HasSubstr("small"), HasSubstr("wide"),
                             HasSubstr("max-resident-adapters"))));
  EXPECT_TRUE(Resident("small"));
  EXPECT_EQ(stats().pinned, 2);
  // What is held still works, and loading goes on: only computing needs a slot.
  EXPECT_OK(Generate(*small, Call("Hello", 5)));
  EXPECT_OK(Load(*host_, "again", TinyAdapter("saved")));
  wide.reset();
  EXPECT_OK(Generate(*Pin("dora"), Call("Hello", 5)));
  EXPECT_FALSE(Resident("wide"));
  EXPECT_TRUE(Resident("small"));
}

TEST_F(AdapterSlotsTest, NobodyIsEvictedForOneThatStillWouldNotFit) {
  ASSERT_NO_FATAL_FAILURE(Make(0));
  ASSERT_GT(bytes_["wide"], bytes_["one_layer"]);
  const int64_t budget = bytes_["wide"] + bytes_["one_layer"];
  ASSERT_NO_FATAL_FAILURE(Make(0, budget));
  std::shared_ptr<LanguageModel> held = Pin("wide");
  Text("one_layer");
  // Another of wide's size: one_layer's place would not be enough.
  EXPECT_OK(Load(*host_, "saved", TinyAdapter("saved")));
  EXPECT_THAT(host_->Pin("tiny", "saved"),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("(1 adapters"), HasSubstr("wide"), HasSubstr("wait"))));
  EXPECT_TRUE(Resident("one_layer"));
  EXPECT_TRUE(Resident("wide"));
}

TEST_F(AdapterSlotsTest, AnAdapterLargerThanTheBudgetIsRefusedWhenItIsLoaded) {
  EngineHostOptions options;
  options.adapter_memory_bytes = 1000;
  host_ = TinyHost(options);
  EXPECT_THAT(Load(*host_, "wide", TinyAdapter("wide")),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("1000"), HasSubstr("adapter-memory"))));
  EXPECT_TRUE(host_->ListAdapters("tiny").empty());
}

TEST_F(AdapterSlotsTest, AFileThatChangedInTheStoreIsNotPackedUnderTheOldName) {
  ASSERT_NO_FATAL_FAILURE(Make(1));
  const std::string file = store_.Join(versions_["small"] + "/adapter_model.safetensors");
  std::string bytes = ReadFileOrDie(file);
  bytes[bytes.size() - 3] ^= 0x10;
  store_.Write(versions_["small"] + "/adapter_model.safetensors", bytes);
  EXPECT_THAT(host_->Pin("tiny", "small"),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr(versions_["small"]), HasSubstr("load the adapter again"))));
  // Loading it again mends the store.
  EXPECT_OK(Load(*host_, "small", TinyAdapter("small")));
  Text("wide");
  EXPECT_OK(host_->Pin("tiny", "small"));
}

TEST_F(AdapterSlotsTest, AnUnloadedAdapterLeavesItsSlot) {
  ASSERT_NO_FATAL_FAILURE(Make(0));
  for (const std::string& name : kNames) ASSERT_OK(host_->UnloadAdapter("tiny", name));
  EXPECT_EQ(stats().resident, 0);
  EXPECT_EQ(stats().bytes, 0);
}

// Many threads pin, compute and swap while slots are short; every text is its version's.
TEST_F(AdapterSlotsTest, ManyThreadsPinAndSwap) {
  ASSERT_NO_FATAL_FAILURE(Make(0));
  std::map<std::string, std::string> texts;  // by version
  for (const std::string& name : kNames) texts[versions_[name]] = Text(name);
  ASSERT_NO_FATAL_FAILURE(Make(3));
  std::atomic<bool> stop{false};
  std::thread swapper([&] {
    for (int i = 0; i < 60; ++i) {
      EXPECT_OK(Load(*host_, "live", TinyAdapter(kNames[i % kNames.size()])));
    }
    stop = true;
  });
  std::vector<std::thread> users;
  for (int t = 0; t < 3; ++t) {
    users.emplace_back([&, t] {
      for (int i = t; !stop; ++i) {
        const std::string alias = i % 3 == 0 ? "live" : kNames[i % kNames.size()];
        const absl::StatusOr<std::shared_ptr<LanguageModel>> model = host_->Pin("tiny", alias);
        if (!model.ok()) continue;  // "live" is not there yet, or all slots are held
        EXPECT_EQ(Generate(**model, Call("Hello the", 20))->text,
                  texts[(*model)->identity().adapter_version]);
      }
    });
  }
  swapper.join();
  for (std::thread& user : users) user.join();
  EXPECT_LE(stats().resident, 3);
  EXPECT_GT(stats().evictions, 0);
}

}  // namespace
}  // namespace plumbline
