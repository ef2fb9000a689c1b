// Starting, restarting and refusing to start; health and reflection.
#include "server/server.h"

#include <arpa/inet.h>
#include <grpcpp/generic/generic_stub.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "server/listen_address.h"
#include "tests/server/server_fixture.h"

namespace plumbline {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

class ServerStartTest : public ServerTest {
 protected:
  void SetUp() override {}  // each test starts the server itself

  static std::string Frame(const std::string& field) {
    return std::string(1, static_cast<char>(field.size())) + field;
  }
};

TEST_F(ServerStartTest, APortInUseIsOneClearError) {
  ASSERT_OK(StartServer());
  const std::string address = server_->grpc_address();
  ServerConfig second = config_;
  second.listen = address;
  second.data_dir = dir_.Join("data2");
  const auto refused = Server::Start(second, [this](const std::string& store) {
    return std::make_unique<FakeModelHost>(engine_, store);
  });
  EXPECT_THAT(refused, StatusIs(StatusCode::kUnavailable, HasSubstr(address)));
  EXPECT_THAT(refused, StatusIs(StatusCode::kUnavailable, HasSubstr("Address already in use")));
}

TEST_F(ServerStartTest, ADataDirectoryInUseIsOneClearError) {
  ASSERT_OK(StartServer());
  const auto refused = Server::Start(config_, [this](const std::string& store) {
    return std::make_unique<FakeModelHost>(engine_, store);
  });
  EXPECT_THAT(refused, StatusIs(StatusCode::kFailedPrecondition, HasSubstr(config_.data_dir)));
}

TEST_F(ServerStartTest, ABadModelAdapterOrFolderOfTheCommandLineIsOneClearError) {
  config_.models[0].path = dir_.Join("nowhere");
  EXPECT_THAT(StartServer(), StatusIs(StatusCode::kNotFound, HasSubstr("model tiny: ")));
  config_.models[0].path = dir_.Join("model");
  LoadAdapterOptions adapter;
  adapter.model = "tiny";
  adapter.alias = "a";
  adapter.path = dir_.Join("bad");
  config_.adapters = {adapter};
  EXPECT_THAT(StartServer(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("tiny/a: ")));
  config_.adapters.clear();
  config_.task_dirs = {dir_.Join("nowhere")};
  EXPECT_THAT(StartServer(), StatusIs(StatusCode::kNotFound, HasSubstr("nowhere")));
  config_.task_dirs.clear();
  EXPECT_OK(StartServer());
}

TEST_F(ServerStartTest, ABadTaskFileIsLeftOut) {
  dir_.Write("tasks/broken.yaml", "task: broken\nfoo: 1\n");
  ASSERT_OK(StartServer());
  v1::ListTasksResponse list;
  ASSERT_THAT(Call(*tasks_, &v1::TaskService::Stub::ListTasks, v1::ListTasksRequest(), &list),
              IsRpcOk());
  EXPECT_EQ(list.tasks_size(), 1);
}

TEST_F(ServerStartTest, ThePortFileHasTheRealAddresses) {
  config_.port_file = dir_.Join("ports");
  ASSERT_OK(StartServer());
  EXPECT_THAT(ReadFileOrDie(config_.port_file), HasSubstr("grpc=" + server_->grpc_address()));
  EXPECT_THAT(server_->grpc_address(), testing::Not(HasSubstr(":0")));
}

// GET / of a "host:port"; the body with its headers.
std::string HttpGet(const std::string& address, const std::string& path) {
  const size_t colon = address.rfind(':');
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &name.sin_addr);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
  const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
  EXPECT_EQ(send(fd, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string reply;
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof(buffer))) > 0;) reply.append(buffer, n);
  close(fd);
  return reply;
}

TEST_F(ServerStartTest, MetricsAreCompleteRightAfterARestart) {
  config_.metrics_listen = "127.0.0.1:0";
  ASSERT_OK(StartServer());
  v1::Job job;
  ASSERT_THAT(CreateJob(JobRequest({}), &job), IsRpcOk());
  grpc::Status status;
  WatchToEnd(job.id(), 0, &status);
  Restart();
  const std::string reply = HttpGet(server_->metrics_address(), "/metrics");
  EXPECT_THAT(reply, HasSubstr("plumbline_score_ratio{"));
  EXPECT_THAT(reply, HasSubstr("metric=\"numeric_match\""));
  EXPECT_THAT(reply, HasSubstr("plumbline_last_success_timestamp_seconds{"));
  EXPECT_THAT(reply, HasSubstr("plumbline_build_info"));
  ServerConfig second = config_;
  second.data_dir = dir_.Join("data2");
  second.metrics_listen = server_->metrics_address();
  EXPECT_THAT(Server::Start(second,
                            [this](const std::string& store) {
                              return std::make_unique<FakeModelHost>(engine_, store);
                            }),
              StatusIs(StatusCode::kUnavailable, HasSubstr(server_->metrics_address())));
}

TEST_F(ServerStartTest, UnixSocketsServeTheirOwnerOnly) {
  const std::string path = dir_.Join("p.sock");
  config_.listen = "unix:" + path;
  ASSERT_OK(StartServer());
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  v1::ListModelsResponse list;
  EXPECT_THAT(Call(*models_, &v1::ModelService::Stub::ListModels, v1::ListModelsRequest(), &list),
              IsRpcOk());
  ServerConfig second = config_;
  second.data_dir = dir_.Join("data2");
  EXPECT_THAT(Server::Start(second,
                            [this](const std::string& store) {
                              return std::make_unique<FakeModelHost>(engine_, store);
                            }),
              StatusIs(StatusCode::kUnavailable, HasSubstr("another server")));
}

TEST_F(ServerStartTest, ARestartBringsBackModelsAndAdapters) {
  ASSERT_OK(StartServer());
  v1::LoadAdapterResponse loaded;
  ASSERT_THAT(LoadAdapter("a", "a1", &loaded), IsRpcOk());
  v1::LoadModelRequest load;
  load.set_name("second");
  load.set_path(dir_.Join("other-model"));
  v1::Model model;
  ASSERT_THAT(Call(*models_, &v1::ModelService::Stub::LoadModel, load, &model), IsRpcOk());
  // The adapter's folder may go: the server has its copy.
  std::filesystem::remove_all(dir_.Join("a1"));
  config_.models.clear();
  Restart();
  v1::ListModelsResponse models;
  ASSERT_THAT(Call(*models_, &v1::ModelService::Stub::ListModels, v1::ListModelsRequest(), &models),
              IsRpcOk());
  EXPECT_EQ(models.models_size(), 2);
  v1::ListAdaptersResponse adapters;
  ASSERT_THAT(Call(*adapters_, &v1::AdapterService::Stub::ListAdapters, v1::ListAdaptersRequest(),
                   &adapters),
              IsRpcOk());
  ASSERT_EQ(adapters.adapters_size(), 1);
  EXPECT_EQ(adapters.adapters(0).version(), Sha256Hex("first"));
  EXPECT_EQ(adapters.adapters(0).nominal_target(), "numeric");
  EXPECT_EQ(adapters.adapters(0).source_path(), dir_.Join("a1"));
}

TEST_F(ServerStartTest, AModelOfTheCatalogThatIsGoneIsLeftOutAndSaidWhenAsked) {
  ASSERT_OK(StartServer());
  v1::Job job;
  config_.models.clear();
  std::filesystem::remove_all(dir_.Join("model"));
  Restart();
  const grpc::Status status = CreateJob(JobRequest({}), &job);
  EXPECT_THAT(status, IsRpcError(grpc::StatusCode::UNAVAILABLE, "MODEL_NOT_LOADED"));
  v1::UnloadModelRequest unload;
  unload.set_name("tiny");
  v1::UnloadModelResponse response;
  EXPECT_THAT(Call(*models_, &v1::ModelService::Stub::UnloadModel, unload, &response), IsRpcOk());
  EXPECT_THAT(CreateJob(JobRequest({}), &job),
              IsRpcError(grpc::StatusCode::NOT_FOUND, "MODEL_NOT_FOUND"));
}

TEST_F(ServerStartTest, AModelLoadedAgainComesBackWithItsAdapters) {
  ASSERT_OK(StartServer());
  v1::LoadAdapterResponse loaded;
  ASSERT_THAT(LoadAdapter("f", "a1", &loaded), IsRpcOk());
  ASSERT_THAT(LoadAdapter("g", "a2", &loaded), IsRpcOk());
  config_.models.clear();
  std::filesystem::rename(dir_.Join("model"), dir_.Join("away"));
  Restart();
  std::filesystem::rename(dir_.Join("away"), dir_.Join("model"));
  std::filesystem::remove_all(config_.data_dir + "/adapters/" + Sha256Hex("second"));
  v1::LoadModelRequest load;
  load.set_name("tiny");
  load.set_path(dir_.Join("model"));
  v1::Model model;
  ASSERT_THAT(Call(*models_, &v1::ModelService::Stub::LoadModel, load, &model), IsRpcOk());
  ASSERT_EQ(model.warnings_size(), 1);
  EXPECT_THAT(model.warnings(0), HasSubstr("adapter \"g\" could not be restored"));
  v1::ListAdaptersResponse adapters;
  ASSERT_THAT(Call(*adapters_, &v1::AdapterService::Stub::ListAdapters, v1::ListAdaptersRequest(),
                   &adapters),
              IsRpcOk());
  ASSERT_EQ(adapters.adapters_size(), 1);
  EXPECT_EQ(adapters.adapters(0).alias(), "f");
  EXPECT_EQ(adapters.adapters(0).version(), Sha256Hex("first"));
  EXPECT_EQ(adapters.adapters(0).nominal_target(), "numeric");
  EXPECT_EQ(adapters.adapters(0).source_path(), dir_.Join("a1"));
  // What was unloaded since does not come back with the next load.
  v1::UnloadAdapterRequest unload;
  unload.set_model("tiny");
  unload.set_alias("f");
  v1::UnloadAdapterResponse unloaded;
  ASSERT_THAT(Call(*adapters_, &v1::AdapterService::Stub::UnloadAdapter, unload, &unloaded),
              IsRpcOk());
  ASSERT_THAT(Call(*models_, &v1::ModelService::Stub::LoadModel, load, &model), IsRpcOk());
  ASSERT_THAT(Call(*adapters_, &v1::AdapterService::Stub::ListAdapters, v1::ListAdaptersRequest(),
                   &adapters),
              IsRpcOk());
  EXPECT_EQ(adapters.adapters_size(), 0);
}

TEST_F(ServerStartTest, TheCommandLineWinsOverTheCatalog) {
  ASSERT_OK(StartServer());
  config_.models[0].path = dir_.Join("other-model");
  Restart();
  v1::GetModelRequest request;
  request.set_name("tiny");
  v1::Model model;
  ASSERT_THAT(Call(*models_, &v1::ModelService::Stub::GetModel, request, &model), IsRpcOk());
  EXPECT_EQ(model.path(), dir_.Join("other-model"));
}

TEST_F(ServerStartTest, CopiesNobodyNeedsAreRemovedAtTheNextStart) {
  ASSERT_OK(StartServer());
  v1::LoadAdapterResponse loaded;
  ASSERT_THAT(LoadAdapter("a", "a1", &loaded), IsRpcOk());
  ASSERT_THAT(LoadAdapter("a", "a2", &loaded), IsRpcOk());
  const std::string store = config_.data_dir + "/adapters/";
  EXPECT_TRUE(std::filesystem::exists(store + Sha256Hex("first")));
  Restart();
  EXPECT_FALSE(std::filesystem::exists(store + Sha256Hex("first")));
  EXPECT_TRUE(std::filesystem::exists(store + Sha256Hex("second")));
}

// A full disk: the call that cannot be stored fails with its code; everything else goes on.
TEST_F(ServerStartTest, AFullDiskLeavesTheServerServing) {
  config_.max_database_pages = 64;
  ASSERT_OK(StartServer());
  grpc::Status status;
  v1::Job job;
  for (int i = 0; i < 1000 && status.ok(); ++i) {
    v1::CreateJobRequest request = JobRequest({});
    request.set_display_name(std::string(200, 'x'));
    status = CreateJob(request, &job);
  }
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  v1::ListJobsResponse jobs;
  EXPECT_THAT(
      Call(*evaluation_, &v1::EvaluationService::Stub::ListJobs, v1::ListJobsRequest(), &jobs),
      IsRpcOk());
  EXPECT_GT(jobs.jobs_size(), 0);
  // What cannot be recorded is not published either. (Small rows may still fit for a while.)
  v1::LoadAdapterResponse loaded;
  std::string alias;
  status = grpc::Status::OK;
  for (int i = 0; i < 2000 && status.ok(); ++i) {
    alias = absl::StrCat("a", i);
    status = LoadAdapter(alias, "a1", &loaded);
  }
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  for (const AdapterInfo& adapter : host_->ListAdapters("tiny")) EXPECT_NE(adapter.alias, alias);
  v1::GenerateRequest generate;
  generate.set_model("tiny");
  generate.set_prompt("hello");
  v1::GenerateResponse answer;
  EXPECT_THAT(Call(*models_, &v1::ModelService::Stub::Generate, generate, &answer), IsRpcOk());
}

// A unary call without generated code: the raw bytes of a message in and out.
std::string RawCall(grpc::Channel& channel, const std::string& method, const std::string& request) {
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  const grpc::Slice slice(request);
  const grpc::ByteBuffer message(&slice, 1);
  grpc::GenericStub stub(
      std::shared_ptr<grpc::ChannelInterface>(&channel, [](grpc::ChannelInterface*) {}));
  auto call = stub.PrepareCall(&context, method, &queue);
  void* tag = nullptr;
  bool ok = false;
  call->StartCall(nullptr);
  queue.Next(&tag, &ok);
  call->Write(message, nullptr);
  queue.Next(&tag, &ok);
  grpc::ByteBuffer reply;
  call->Read(&reply, nullptr);
  queue.Next(&tag, &ok);
  EXPECT_TRUE(ok) << method;
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (ok && reply.Dump(&slices).ok()) {
    for (const grpc::Slice& s : slices)
      bytes.append(reinterpret_cast<const char*>(s.begin()), s.size());
  }
  context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  return bytes;
}

TEST_F(ServerStartTest, HealthIsServingByNameAndWithoutOne) {
  ASSERT_OK(StartServer());
  for (const std::string service : {"", "plumbline.v1.ModelService", "plumbline.v1.AdapterService",
                                    "plumbline.v1.TaskService", "plumbline.v1.EvaluationService"}) {
    const std::string request = service.empty() ? "" : "\x0A" + Frame(service);
    EXPECT_EQ(RawCall(*channel_, "/grpc.health.v1.Health/Check", request), "\x08\x01") << service;
  }
}

TEST_F(ServerStartTest, ReflectionListsTheServices) {
  ASSERT_OK(StartServer());
  // ServerReflectionRequest{list_services: "*"}
  const std::string reply = RawCall(
      *channel_, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "\x3A\x01*");
  for (const char* service :
       {"plumbline.v1.ModelService", "plumbline.v1.AdapterService", "plumbline.v1.TaskService",
        "plumbline.v1.EvaluationService", "grpc.health.v1.Health"}) {
    EXPECT_THAT(reply, HasSubstr(service));
  }
}

TEST(ListenAddress, SaysWhyNot) {
  EXPECT_OK(CheckListenAddress("127.0.0.1:0"));
  EXPECT_THAT(CheckListenAddress("203.0.113.1:7878"),
              StatusIs(StatusCode::kUnavailable, HasSubstr("Cannot assign")));
  EXPECT_THAT(CheckListenAddress("unix:" + std::string(200, 'x')),
              StatusIs(StatusCode::kUnavailable, HasSubstr("too long")));
  EXPECT_EQ(WithPort("[::1]:0", 5), "[::1]:5");
  EXPECT_EQ(WithPort("unix:/x", 1), "unix:/x");
}

}  // namespace
}  // namespace plumbline
