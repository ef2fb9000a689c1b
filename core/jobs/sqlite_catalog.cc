// The catalog in SQLite, in the same file as the jobs, so that "which versions do unfinished jobs
// pin" is one query.
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/jobs/catalog.h"
#include "core/jobs/sqlite_database.h"

namespace plumbline {
namespace {

// Columns of an adapter version with one alias that points to it, if any.
constexpr char kAdapterVersion[] =
    "SELECT model, coalesce((SELECT alias FROM aliases l WHERE l.model = a.model AND l.version = "
    "a.version ORDER BY alias LIMIT 1), ''), version, nominal_target, source_path, store_path, "
    "created_us FROM adapters a WHERE model = ? AND version = ?";

AdapterRecord ReadAdapter(const Query& query) {
  return {query.String(0), query.String(1), query.String(2),           query.String(3),
          query.String(4), query.String(5), FromMicros(query.Int64(6))};
}

class SqliteCatalog : public Catalog {
 public:
  explicit SqliteCatalog(std::shared_ptr<SqliteDatabase> database)
      : database_(std::move(database)) {}

  absl::Status PutModel(const ModelRecord& model) override {
    return database_->Write("remember model", [&](SqliteConnection& db) {
      return db.Prepare("INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
          .Bind(model.name)
          .Bind(model.path)
          .Bind(model.dtype)
          .Bind(model.device)
          .Bind(model.max_batch)
          .Bind(model.kv_cache_bytes)
          .Bind(model.options_json)
          .Bind(ToMicros(database_->Now()))
          .Run();
    });
  }

  absl::Status DeleteModel(absl::string_view name) override {
    return database_->Write("forget model", [&](SqliteConnection& db) -> absl::Status {
      ABSL_RETURN_IF_ERROR(db.Prepare("DELETE FROM models WHERE name = ?").Bind(name).Run());
      if (db.changes() == 0) {
        return absl::NotFoundError(absl::StrCat("there is no model \"", name, "\""));
      }
      ABSL_RETURN_IF_ERROR(db.Prepare("DELETE FROM aliases WHERE model = ?").Bind(name).Run());
      return db.Prepare("DELETE FROM adapters WHERE model = ?").Bind(name).Run();
    });
  }

  absl::StatusOr<std::vector<ModelRecord>> ListModels() override {
    std::vector<ModelRecord> models;
    ABSL_RETURN_IF_ERROR(database_->Read("list models", [&](SqliteConnection& db) -> absl::Status {
      Query query = db.Prepare(
          "SELECT name, path, dtype, device, max_batch, kv_cache_bytes, options, created_us FROM "
          "models ORDER BY name");
      while (true) {
        ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
        if (!row) return absl::OkStatus();
        models.push_back({query.String(0), query.String(1), query.String(2), query.String(3),
                          query.Int(4), query.Int64(5), query.String(6),
                          FromMicros(query.Int64(7))});
      }
    }));
    return models;
  }

  absl::Status PutAdapter(const AdapterRecord& adapter) override {
    if (adapter.alias.empty() || adapter.version.empty()) {
      return absl::InvalidArgumentError("remember adapter: alias and version must not be empty");
    }
    return database_->Write("remember adapter", [&](SqliteConnection& db) -> absl::Status {
      const int64_t now = ToMicros(database_->Now());
      {
        Query model = db.Prepare("SELECT 1 FROM models WHERE name = ?");
        ABSL_ASSIGN_OR_RETURN(bool known, model.Bind(adapter.model).Step());
        if (!known) {
          return absl::FailedPreconditionError(
              absl::StrCat("there is no model \"", adapter.model, "\""));
        }
      }
      ABSL_RETURN_IF_ERROR(db.Prepare("INSERT OR REPLACE INTO adapters VALUES (?, ?, ?, ?, ?, ?)")
                               .Bind(adapter.model)
                               .Bind(adapter.version)
                               .Bind(adapter.nominal_target)
                               .Bind(adapter.source_path)
                               .Bind(adapter.store_path)
                               .Bind(now)
                               .Run());
      return db.Prepare("INSERT OR REPLACE INTO aliases VALUES (?, ?, ?, ?, ?, ?)")
          .Bind(adapter.model)
          .Bind(adapter.alias)
          .Bind(adapter.version)
          .Bind(adapter.nominal_target)
          .Bind(adapter.source_path)
          .Bind(now)
          .Run();
    });
  }

  absl::Status DeleteAlias(absl::string_view model, absl::string_view alias) override {
    return database_->Write("forget alias", [&](SqliteConnection& db) -> absl::Status {
      ABSL_RETURN_IF_ERROR(db.Prepare("DELETE FROM aliases WHERE model = ? AND alias = ?")
                               .Bind(model)
                               .Bind(alias)
                               .Run());
      if (db.changes() > 0) return absl::OkStatus();
      return absl::NotFoundError(
          absl::StrCat("model \"", model, "\" has no adapter \"", alias, "\""));
    });
  }

  absl::StatusOr<std::vector<AdapterRecord>> ListAdapters(absl::string_view model) override {
    std::vector<AdapterRecord> adapters;
    ABSL_RETURN_IF_ERROR(
        database_->Read("list adapters", [&](SqliteConnection& db) -> absl::Status {
          Query query = db.Prepare(
              "SELECT l.model, l.alias, l.version, l.nominal_target, l.source_path, a.store_path, "
              "l.created_us FROM aliases l JOIN adapters a USING (model, version) "
              "WHERE ?1 = '' OR model = ?1 ORDER BY l.model, l.alias");
          query.Bind(model);
          while (true) {
            ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
            if (!row) return absl::OkStatus();
            adapters.push_back(ReadAdapter(query));
          }
        }));
    return adapters;
  }

  absl::StatusOr<AdapterRecord> GetAdapterVersion(absl::string_view model,
                                                  absl::string_view version) override {
    AdapterRecord adapter;
    ABSL_RETURN_IF_ERROR(database_->Read("get adapter", [&](SqliteConnection& db) -> absl::Status {
      Query query = db.Prepare(kAdapterVersion);
      ABSL_ASSIGN_OR_RETURN(bool row, query.Bind(model).Bind(version).Step());
      if (!row) {
        return absl::NotFoundError(
            absl::StrCat("model \"", model, "\" has no adapter version \"", version, "\""));
      }
      adapter = ReadAdapter(query);
      return absl::OkStatus();
    }));
    return adapter;
  }

  absl::StatusOr<std::vector<AdapterRecord>> CollectAdapterVersions() override {
    std::vector<AdapterRecord> gone;
    absl::Status status =
        database_->Write("collect adapter versions", [&](SqliteConnection& db) -> absl::Status {
          {
            Query query = db.Prepare(
                "SELECT model, '', version, nominal_target, source_path, store_path, created_us "
                "FROM adapters a WHERE NOT EXISTS (SELECT 1 FROM aliases l WHERE l.model = a.model "
                "AND l.version = a.version) AND NOT EXISTS (SELECT 1 FROM job_subjects s JOIN jobs "
                "j ON j.no = s.job_no WHERE s.version = a.version AND j.model = a.model AND "
                "j.state IN (0, 1)) ORDER BY model, version");
            while (true) {
              ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
              if (!row) break;
              gone.push_back(ReadAdapter(query));
            }
          }
          for (const AdapterRecord& adapter : gone) {
            ABSL_RETURN_IF_ERROR(db.Prepare("DELETE FROM adapters WHERE model = ? AND version = ?")
                                     .Bind(adapter.model)
                                     .Bind(adapter.version)
                                     .Run());
          }
          return absl::OkStatus();
        });
    ABSL_RETURN_IF_ERROR(status);
    return gone;
  }

  absl::Status PutTask(const TaskRecord& task) override {
    return database_->Write("remember task", [&](SqliteConnection& db) -> absl::Status {
      ABSL_RETURN_IF_ERROR(
          db.Prepare("INSERT INTO task_versions VALUES (?, ?, ?, ?, ?) ON CONFLICT (name, version) "
                     "DO UPDATE SET uploaded = max(uploaded, excluded.uploaded)")
              .Bind(task.name)
              .Bind(task.version)
              .Bind(task.capability)
              .Bind(task.uploaded ? 1 : 0)
              .Bind(ToMicros(database_->Now()))
              .Run());
      for (size_t i = 0; i < task.files.size(); ++i) {
        // The content is part of the version: what is there already is the same.
        ABSL_RETURN_IF_ERROR(db.Prepare("INSERT OR IGNORE INTO task_files VALUES (?, ?, ?, ?, ?)")
                                 .Bind(task.name)
                                 .Bind(task.version)
                                 .Bind(static_cast<int64_t>(i))
                                 .Bind(task.files[i].path)
                                 .Bind(task.files[i].content)
                                 .Run());
      }
      if (!task.uploaded) return absl::OkStatus();
      return db.Prepare("INSERT OR REPLACE INTO tasks VALUES (?, ?)")
          .Bind(task.name)
          .Bind(task.version)
          .Run();
    });
  }

  absl::Status DeleteTask(absl::string_view name) override {
    return database_->Write("delete task", [&](SqliteConnection& db) -> absl::Status {
      ABSL_RETURN_IF_ERROR(db.Prepare("DELETE FROM tasks WHERE name = ?").Bind(name).Run());
      if (db.changes() == 0) {
        return absl::NotFoundError(absl::StrCat("there is no uploaded task \"", name, "\""));
      }
      return absl::OkStatus();
    });
  }

  absl::StatusOr<std::vector<TaskRecord>> ListTasks() override {
    std::vector<TaskRecord> tasks;
    ABSL_RETURN_IF_ERROR(database_->Read("list tasks", [&](SqliteConnection& db) -> absl::Status {
      Query query = db.Prepare(
          "SELECT name, version, capability, uploaded, created_us FROM tasks JOIN task_versions "
          "USING (name, version) ORDER BY name");
      while (true) {
        ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
        if (!row) return absl::OkStatus();
        tasks.push_back({query.String(0),
                         query.String(1),
                         query.String(2),
                         query.Int(3) != 0,
                         {},
                         FromMicros(query.Int64(4))});
      }
    }));
    return tasks;
  }

  absl::StatusOr<TaskRecord> GetTask(absl::string_view name) override {
    TaskRecord task;
    ABSL_RETURN_IF_ERROR(database_->Read("get task", [&](SqliteConnection& db) -> absl::Status {
      std::string version;
      {
        Query query = db.Prepare("SELECT version FROM tasks WHERE name = ?");
        ABSL_ASSIGN_OR_RETURN(bool row, query.Bind(name).Step());
        if (!row) {
          return absl::NotFoundError(absl::StrCat("there is no uploaded task \"", name, "\""));
        }
        version = query.String(0);
      }
      return ReadTaskVersion(db, name, version, task);
    }));
    return task;
  }

  absl::StatusOr<TaskRecord> GetTaskVersion(absl::string_view name,
                                            absl::string_view version) override {
    TaskRecord task;
    ABSL_RETURN_IF_ERROR(database_->Read("get task", [&](SqliteConnection& db) -> absl::Status {
      return ReadTaskVersion(db, name, version, task);
    }));
    return task;
  }

  absl::StatusOr<int64_t> CollectTaskVersions() override {
    int64_t forgotten = 0;
    ABSL_RETURN_IF_ERROR(
        database_->Write("collect task versions", [&](SqliteConnection& db) -> absl::Status {
          ABSL_RETURN_IF_ERROR(
              db.Prepare("DELETE FROM task_versions AS v WHERE NOT EXISTS (SELECT 1 FROM tasks t "
                         "WHERE t.name = v.name AND t.version = v.version) AND NOT EXISTS (SELECT "
                         "1 FROM job_tasks j WHERE j.name = v.name AND j.version = v.version)")
                  .Run());
          forgotten = db.changes();
          return db
              .Prepare(
                  "DELETE FROM task_files AS f WHERE NOT EXISTS (SELECT 1 FROM task_versions "
                  "v WHERE v.name = f.name AND v.version = f.version)")
              .Run();
        }));
    return forgotten;
  }

 private:
  static absl::Status ReadTaskVersion(SqliteConnection& db, absl::string_view name,
                                      absl::string_view version, TaskRecord& task) {
    Query query = db.Prepare(
        "SELECT name, version, capability, uploaded, created_us FROM task_versions WHERE name = ? "
        "AND version = ?");
    ABSL_ASSIGN_OR_RETURN(bool found, query.Bind(name).Bind(version).Step());
    if (!found) {
      return absl::NotFoundError(
          absl::StrCat("task \"", name, "\" has no version \"", version, "\""));
    }
    task = {query.String(0),           query.String(1), query.String(2), query.Int(3) != 0, {},
            FromMicros(query.Int64(4))};
    Query files = db.Prepare(
        "SELECT path, content FROM task_files WHERE name = ? AND version = ? ORDER BY no");
    files.Bind(name).Bind(version);
    while (true) {
      ABSL_ASSIGN_OR_RETURN(bool row, files.Step());
      if (!row) return absl::OkStatus();
      task.files.push_back({files.String(0), files.String(1)});
    }
  }

  const std::shared_ptr<SqliteDatabase> database_;
};

}  // namespace

std::unique_ptr<Catalog> NewSqliteCatalog(std::shared_ptr<SqliteDatabase> database) {
  return std::make_unique<SqliteCatalog>(std::move(database));
}

}  // namespace plumbline
