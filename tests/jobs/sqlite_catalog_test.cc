#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/jobs/catalog.h"
#include "core/jobs/sqlite_job_store.h"
#include "tests/jobs/job_fixtures.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class SqliteCatalogTest : public testing::Test {
 protected:
  SqliteCatalogTest() { Reopen(); }
  void Reopen() {
    catalog_.reset();
    store_.reset();
    SqliteOptions options;
    options.path = dir_.Join("plumbline.db");
    absl::StatusOr<std::shared_ptr<SqliteDatabase>> database = OpenSqliteDatabase(options);
    ASSERT_OK(database);
    catalog_ = NewSqliteCatalog(*database);
    store_ = NewSqliteJobStore(*database);
  }
  static ModelRecord Tiny() {
    ModelRecord model;
    model.name = "tiny";
    model.path = "/models/tiny";
    model.dtype = "float32";
    model.device = "cpu";
    model.max_batch = 16;
    model.kv_cache_bytes = int64_t{3} << 32;
    model.options_json = R"({"a":1})";
    return model;
  }
  static AdapterRecord Adapter(const std::string& alias, char version) {
    AdapterRecord adapter;
    adapter.model = "tiny";
    adapter.alias = alias;
    adapter.version = std::string(64, version);
    adapter.nominal_target = "numeric";
    adapter.source_path = "/home/me/" + alias;
    adapter.store_path = std::string("/data/adapters/") + version;
    return adapter;
  }
  static TaskRecord Sums(char version, const std::string& content) {
    TaskRecord task;
    task.name = "sums";
    task.version = std::string(64, version);
    task.capability = "numeric";
    task.files = {{"sums.yaml", "task: sums"}, {"data/sums.jsonl", content}};
    return task;
  }

  TempDir dir_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<JobStore> store_;
};

TEST_F(SqliteCatalogTest, RestoresModelsAndAdaptersAfterARestart) {
  ASSERT_OK(catalog_->PutModel(Tiny()));
  ASSERT_OK(catalog_->PutAdapter(Adapter("math", 'a')));
  ASSERT_OK(catalog_->PutAdapter(Adapter("chat", 'c')));
  Reopen();
  ASSERT_OK_AND_ASSIGN(std::vector<ModelRecord> models, catalog_->ListModels());
  ASSERT_THAT(models, SizeIs(1));
  EXPECT_EQ(models[0].path, "/models/tiny");
  EXPECT_EQ(models[0].max_batch, 16);
  EXPECT_EQ(models[0].kv_cache_bytes, int64_t{3} << 32);
  EXPECT_EQ(models[0].options_json, R"({"a":1})");
  ASSERT_OK_AND_ASSIGN(std::vector<AdapterRecord> adapters, catalog_->ListAdapters("tiny"));
  ASSERT_THAT(adapters, SizeIs(2));
  EXPECT_EQ(adapters[0].alias, "chat");
  EXPECT_EQ(adapters[1].store_path, "/data/adapters/a");
  EXPECT_EQ(adapters[1].nominal_target, "numeric");
  EXPECT_THAT(catalog_->ListAdapters("other"), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(catalog_->ListAdapters(""), IsOkAndHolds(SizeIs(2)));
}

TEST_F(SqliteCatalogTest, AnAdapterNeedsItsModel) {
  EXPECT_THAT(catalog_->PutAdapter(Adapter("math", 'a')),
              StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("tiny")));
}

TEST_F(SqliteCatalogTest, ASwapKeepsThePinnedVersionUntilItsJobHasEnded) {
  ASSERT_OK(catalog_->PutModel(Tiny()));
  ASSERT_OK(catalog_->PutAdapter(Adapter("math", 'a')));
  ASSERT_OK_AND_ASSIGN(Job job, store_->CreateJob(NewJob("r"), 4));  // pins version aaa…
  ASSERT_OK(catalog_->PutAdapter(Adapter("math", 'd')));
  ASSERT_OK_AND_ASSIGN(AdapterRecord old,
                       catalog_->GetAdapterVersion("tiny", std::string(64, 'a')));
  EXPECT_EQ(old.alias, "");
  EXPECT_EQ(old.store_path, "/data/adapters/a");
  EXPECT_THAT(catalog_->CollectAdapterVersions(), IsOkAndHolds(IsEmpty()));
  ASSERT_OK(store_->CancelJob(job.id));
  ASSERT_OK_AND_ASSIGN(std::vector<AdapterRecord> gone, catalog_->CollectAdapterVersions());
  ASSERT_THAT(gone, SizeIs(1));
  EXPECT_EQ(gone[0].version, std::string(64, 'a'));
  EXPECT_THAT(catalog_->GetAdapterVersion("tiny", std::string(64, 'a')),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_OK(catalog_->GetAdapterVersion("tiny", std::string(64, 'd')));
}

TEST_F(SqliteCatalogTest, ForgetsAliasesAndModels) {
  ASSERT_OK(catalog_->PutModel(Tiny()));
  ASSERT_OK(catalog_->PutAdapter(Adapter("math", 'a')));
  ASSERT_OK(catalog_->DeleteAlias("tiny", "math"));
  EXPECT_THAT(catalog_->DeleteAlias("tiny", "math"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(catalog_->ListAdapters(""), IsOkAndHolds(IsEmpty()));
  ASSERT_OK(catalog_->DeleteModel("tiny"));
  EXPECT_THAT(catalog_->DeleteModel("tiny"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(SqliteCatalogTest, APinnedTaskVersionSurvivesAnUploadOfItsName) {
  const std::string content("{\"q\": \"1+1\"}\n\xff\0 not UTF-8", 27);
  ASSERT_OK(catalog_->PutTask(Sums('b', content)));
  ASSERT_OK(store_->CreateJob(NewJob("r"), 4));  // pins version bbb…
  ASSERT_OK(catalog_->PutTask(Sums('e', "other")));
  ASSERT_OK(catalog_->PutTask(Sums('e', "other")));  // the same again
  ASSERT_OK(catalog_->PutTask(Sums('f', "third")));
  EXPECT_THAT(catalog_->CollectTaskVersions(), IsOkAndHolds(1));  // eee…
  Reopen();
  ASSERT_OK_AND_ASSIGN(TaskRecord current, catalog_->GetTask("sums"));
  EXPECT_EQ(current.version, std::string(64, 'f'));
  ASSERT_OK_AND_ASSIGN(TaskRecord pinned, catalog_->GetTaskVersion("sums", std::string(64, 'b')));
  ASSERT_THAT(pinned.files, SizeIs(2));
  EXPECT_EQ(pinned.files[0].path, "sums.yaml");
  EXPECT_EQ(pinned.files[1].content, content);
  ASSERT_OK_AND_ASSIGN(std::vector<TaskRecord> tasks, catalog_->ListTasks());
  ASSERT_THAT(tasks, SizeIs(1));
  EXPECT_EQ(tasks[0].version, std::string(64, 'f'));
  ASSERT_OK(catalog_->DeleteTask("sums"));
  EXPECT_THAT(catalog_->GetTask("sums"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_OK(catalog_->GetTaskVersion("sums", std::string(64, 'b')));
}

TEST_F(SqliteCatalogTest, KeptTasksAreNotListed) {
  TaskRecord task = Sums('b', "x");
  task.uploaded = false;
  ASSERT_OK(catalog_->PutTask(task));
  EXPECT_THAT(catalog_->ListTasks(), IsOkAndHolds(IsEmpty()));
  EXPECT_OK(catalog_->GetTaskVersion("sums", task.version));
}

}  // namespace
}  // namespace plumbline
