#include "server/server.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/status_macros.h"
#include "core/jobs/catalog.h"
#include "core/jobs/executor.h"
#include "core/jobs/job_notifier.h"
#include "core/jobs/job_runner.h"
#include "core/jobs/sqlite_job_store.h"
#include "grpc/health/v1/health.pb.h"
#include "server/adapter_folder.h"
#include "server/adapter_service.h"
#include "server/evaluation_service.h"
#include "server/hosting.h"
#include "server/listen_address.h"
#include "server/model_service.h"
#include "server/server_metrics.h"
#include "server/status_conversion.h"
#include "server/task_library.h"
#include "server/task_service.h"
#include "server/transport_security.h"
#include "server/watch_stream.h"

namespace plumbline {
namespace {

constexpr int kCallThreads = 8;   // they wait for the disk most of the time
constexpr int kCheckThreads = 2;  // checking a response takes microseconds to milliseconds
constexpr size_t kGrpcMemoryBytes = 512 << 20;
constexpr int kStreamsOfAConnection = 1024;

absl::Status MakeDirectory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("data directory ", path, ": ", error.message()));
  }
  return absl::OkStatus();
}

// Holds the gRPC library for the life of the process. When the last object goes it would stop its
// threads, and that can wait 10 s for a poller.
void KeepGrpc() {
  static const bool kept = (grpc_init(), true);
  (void)kept;
}

// gRPC's own lines are for people who debug gRPC.
void LogFromGrpc(gpr_log_func_args* args) {
  spdlog::debug("grpc: {}:{}: {}", args->file, args->line, args->message);
}

absl::Status WriteFileAtomically(const std::string& path, const std::string& content) {
  const std::string temporary = path + ".tmp";
  {
    std::ofstream out(temporary, std::ios::trunc);
    out << content;
    if (!out.flush()) {
      return absl::FailedPreconditionError(absl::StrCat("cannot write ", temporary));
    }
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return absl::FailedPreconditionError(absl::StrCat("cannot write ", path));
  }
  return absl::OkStatus();
}

}  // namespace

// In the order in which one needs the other; taken down in the reverse order.
class Server::Parts {
 public:
  explicit Parts(const ServerConfig& config) : config_(config) {}
  ~Parts() {
    Shutdown(absl::ZeroDuration());
    adapter_watch_.reset();
    // Work that is still queued uses what is declared before: run it first.
    calls_.reset();
    changes_.reset();
  }

  absl::Status ReadCredentials();
  absl::Status OpenStore();
  absl::Status Restore(const ModelHostFactory& make_host);
  absl::Status Serve();
  absl::Status Announce();
  void Shutdown(absl::Duration drain);

  const std::string& grpc_address() const { return grpc_address_; }
  const std::string& metrics_address() const { return metrics_address_; }

 private:
  void MakeServices();
  absl::Status StartGrpc();
  std::string AdapterStore() const { return config_.data_dir + "/adapters"; }
  void SetHealth();

  const ServerConfig config_;
  RandomIds ids_;
  JobNotifier notifier_;
  std::shared_ptr<SqliteDatabase> database_;
  std::unique_ptr<JobStore> database_store_;
  std::unique_ptr<ServerMetrics> metrics_;
  JobStore* store_ = nullptr;  // database_store_, measured
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<ModelHost> host_;
  std::unique_ptr<Hosting> hosting_;
  std::unique_ptr<TaskLibrary> tasks_;
  std::unique_ptr<Executor> checks_;
  std::unique_ptr<JobRunner> runner_;
  std::unique_ptr<Executor> calls_;
  std::unique_ptr<Executor> changes_;
  std::unique_ptr<AdapterWatch> adapter_watch_;
  std::unique_ptr<WatchHub> watches_;
  std::unique_ptr<ModelServiceImpl> model_service_;
  std::unique_ptr<AdapterServiceImpl> adapter_service_;
  std::unique_ptr<TaskServiceImpl> task_service_;
  std::unique_ptr<EvaluationServiceImpl> evaluation_service_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  std::unique_ptr<grpc::Server> grpc_;
  std::string grpc_address_;
  std::string metrics_address_;
  bool shut_down_ = false;
};

absl::Status Server::Parts::ReadCredentials() {
  ABSL_ASSIGN_OR_RETURN(credentials_, MakeServerCredentials(config_.security));
  return absl::OkStatus();
}

absl::Status Server::Parts::OpenStore() {
  ABSL_RETURN_IF_ERROR(MakeDirectory(config_.data_dir));
  ABSL_RETURN_IF_ERROR(MakeDirectory(AdapterStore()));
  chmod(config_.data_dir.c_str(), 0700);  // it holds prompts and responses
  SqliteOptions options;
  options.path = config_.data_dir + "/plumbline.db";
  options.ids = &ids_;
  options.listener = &notifier_;
  options.max_pages = config_.max_database_pages;
  absl::StatusOr<std::shared_ptr<SqliteDatabase>> database = OpenSqliteDatabase(options);
  if (!database.ok()) {
    return Annotate(database.status(), absl::StrCat("data directory ", config_.data_dir));
  }
  database_ = *std::move(database);
  database_store_ = NewSqliteJobStore(database_);
  metrics_ = std::make_unique<ServerMetrics>(*database_store_);
  store_ = &metrics_->store();
  catalog_ = NewSqliteCatalog(database_);
  return absl::OkStatus();
}

absl::Status Server::Parts::Restore(const ModelHostFactory& make_host) {
  ABSL_ASSIGN_OR_RETURN(host_, make_host(AdapterStore()));
  tasks_ = std::make_unique<TaskLibrary>(*catalog_);
  ABSL_RETURN_IF_ERROR(tasks_->Load(config_.task_dirs));
  HostingOptions options;
  options.dtype = config_.dtype;
  options.device = config_.device;
  options.max_batch = config_.max_batch;
  options.kv_cache_bytes = config_.kv_cache_bytes;
  options.adapter_store = AdapterStore();
  hosting_ = std::make_unique<Hosting>(*host_, *catalog_, options);
  ABSL_RETURN_IF_ERROR(hosting_->Restore(config_.models, config_.adapters));
  const absl::Status collected = hosting_->Collect();
  if (!collected.ok()) spdlog::warn("adapter store: {}", collected.ToString());
  return absl::OkStatus();
}

void Server::Parts::MakeServices() {
  checks_ = std::make_unique<TaskExecutor>(kCheckThreads);
  runner_ = std::make_unique<JobRunner>(*store_, *hosting_, *tasks_, *checks_, SystemClock(), ids_,
                                        JobRunnerOptions());
  calls_ = std::make_unique<TaskExecutor>(kCallThreads);
  changes_ = std::make_unique<TaskExecutor>(1);
  watches_ = std::make_unique<WatchHub>(*store_, notifier_, *calls_, config_.heartbeat_interval);
  model_service_ = std::make_unique<ModelServiceImpl>(*hosting_, *calls_, *changes_);
  adapter_service_ = std::make_unique<AdapterServiceImpl>(*hosting_, *calls_, *changes_);
  task_service_ = std::make_unique<TaskServiceImpl>(*tasks_, *calls_, *changes_);
  evaluation_service_ = std::make_unique<EvaluationServiceImpl>(*store_, *runner_, *hosting_,
                                                                *tasks_, *watches_, *calls_);
}

absl::Status Server::Parts::StartGrpc() {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  // Links the health protocol's descriptor in: gRPC's built-in service brings none for reflection.
  grpc::health::v1::HealthCheckRequest::descriptor();
  grpc::ServerBuilder builder;
  // Without this two servers share a port, and each gets half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsOfAConnection);
  builder.SetMaxReceiveMessageSize(4 << 20);
  builder.SetMaxSendMessageSize(4 << 20);
  builder.SetResourceQuota(grpc::ResourceQuota("plumblined").Resize(kGrpcMemoryBytes));
  int port = 0;
  builder.AddListeningPort(config_.listen, credentials_, &port);
  builder.RegisterService(model_service_.get());
  builder.RegisterService(adapter_service_.get());
  builder.RegisterService(task_service_.get());
  builder.RegisterService(evaluation_service_.get());
  grpc_ = builder.BuildAndStart();
  if (grpc_ == nullptr || port == 0) {
    grpc_ = nullptr;
    const absl::Status why = CheckListenAddress(config_.listen);
    return why.ok() ? absl::UnavailableError(absl::StrCat("cannot listen on ", config_.listen))
                    : why;
  }
  grpc_address_ = WithPort(config_.listen, port);
  if (absl::StartsWith(config_.listen, "unix:")) {
    chmod(config_.listen.substr(5).c_str(), 0600);
  }
  return absl::OkStatus();
}

absl::Status Server::Parts::Serve() {
  MakeServices();
  ABSL_RETURN_IF_ERROR(StartGrpc());
  if (!config_.metrics_listen.empty()) {
    ABSL_RETURN_IF_ERROR(
        metrics_->Start(config_.metrics_listen, *host_, *runner_, *watches_, *tasks_));
    metrics_address_ = metrics_->address();
  }
  runner_->Start();
  if (!config_.watched_folders.empty()) {
    adapter_watch_ = std::make_unique<AdapterWatch>(*hosting_, *changes_, config_.watched_folders,
                                                    config_.watch_interval);
    adapter_watch_->Start();
  }
  SetHealth();
  return absl::OkStatus();
}

void Server::Parts::SetHealth() {
  grpc::HealthCheckServiceInterface* health = grpc_->GetHealthCheckService();
  health->SetServingStatus(true);
  for (const char* service :
       {v1::ModelService::service_full_name(), v1::AdapterService::service_full_name(),
        v1::TaskService::service_full_name(), v1::EvaluationService::service_full_name()}) {
    health->SetServingStatus(service, true);
  }
}

absl::Status Server::Parts::Announce() {
  if (!config_.port_file.empty()) {
    ABSL_RETURN_IF_ERROR(WriteFileAtomically(
        config_.port_file,
        absl::StrCat("grpc=", grpc_address_, "\nmetrics=", metrics_address_, "\n")));
  }
  std::vector<std::string> models, adapters;
  for (const ModelInfo& model : hosting_->ListModels()) models.push_back(model.options.name);
  for (const AdapterInfo& adapter : host_->ListAdapters("")) {
    adapters.push_back(absl::StrCat(adapter.model, "/", adapter.alias));
  }
  spdlog::info("serving: plumblined {} on {}, metrics on {}; models [{}], adapters [{}], {} tasks",
               std::string(ServerVersion()), grpc_address_,
               metrics_address_.empty() ? "no port" : metrics_address_, absl::StrJoin(models, ", "),
               absl::StrJoin(adapters, ", "), tasks_->List().size());
  return absl::OkStatus();
}

void Server::Parts::Shutdown(absl::Duration drain) {
  if (shut_down_) return;
  shut_down_ = true;
  if (adapter_watch_ != nullptr) adapter_watch_->Stop();
  if (grpc_ != nullptr) grpc_->GetHealthCheckService()->Shutdown();
  if (runner_ != nullptr) runner_->Drain(drain);
  if (watches_ != nullptr) {
    watches_->CloseAll(WithReason(
        absl::UnavailableError("the server is shutting down: watch again with after_sequence"),
        "SERVER_SHUTTING_DOWN"));
  }
  if (grpc_ != nullptr) {
    grpc_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
    grpc_->Wait();
  }
  if (metrics_ != nullptr) metrics_->Stop();
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerConfig& config,
                                                      const ModelHostFactory& make_host) {
  gpr_set_log_function(LogFromGrpc);
  KeepGrpc();
  auto parts = std::make_unique<Parts>(config);
  ABSL_RETURN_IF_ERROR(parts->ReadCredentials());
  ABSL_RETURN_IF_ERROR(parts->OpenStore());
  ABSL_RETURN_IF_ERROR(CheckListenAddress(config.listen));
  if (!config.metrics_listen.empty()) {
    ABSL_RETURN_IF_ERROR(CheckListenAddress(config.metrics_listen));
  }
  ABSL_RETURN_IF_ERROR(parts->Restore(make_host));
  ABSL_RETURN_IF_ERROR(parts->Serve());
  ABSL_RETURN_IF_ERROR(parts->Announce());
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

const std::string& Server::grpc_address() const { return parts_->grpc_address(); }
const std::string& Server::metrics_address() const { return parts_->metrics_address(); }
void Server::Shutdown(absl::Duration drain) { parts_->Shutdown(drain); }

}  // namespace plumbline
