// TaskService over the wire.
#include "tests/server/server_fixture.h"

namespace plumbline {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;
using Stub = v1::TaskService::Stub;

class TaskServiceTest : public ServerTest {
 protected:
  static v1::UploadTaskRequest Upload(const std::string& name, const std::string& rows) {
    v1::UploadTaskRequest request;
    auto* yaml = request.add_files();
    yaml->set_name(name + ".yaml");
    yaml->set_content(SumsYaml(name));
    auto* data = request.add_files();
    data->set_name("sums.jsonl");
    data->set_content(rows);
    return request;
  }
  grpc::Status Get(const std::string& name, v1::Task* task) {
    v1::GetTaskRequest request;
    request.set_name(name);
    return Call(*tasks_, &Stub::GetTask, request, task);
  }
  grpc::Status Delete(const std::string& name) {
    v1::DeleteTaskRequest request;
    request.set_name(name);
    v1::DeleteTaskResponse response;
    return Call(*tasks_, &Stub::DeleteTask, request, &response);
  }
};

TEST_F(TaskServiceTest, FolderTasksAreThere) {
  v1::ListTasksResponse list;
  ASSERT_THAT(Call(*tasks_, &Stub::ListTasks, v1::ListTasksRequest(), &list), IsRpcOk());
  ASSERT_EQ(list.tasks_size(), 1);
  EXPECT_EQ(list.tasks(0).name(), "sums");
  EXPECT_EQ(list.tasks(0).capability(), "numeric");
  EXPECT_EQ(list.tasks(0).output_type(), "generate_until");
  EXPECT_EQ(list.tasks(0).prompts(), 6);
  EXPECT_EQ(list.tasks(0).version().size(), 64u);
  EXPECT_FALSE(list.tasks(0).uploaded());
  ASSERT_GT(list.tasks(0).metrics_size(), 0);
  EXPECT_EQ(list.tasks(0).metrics(0), "numeric_match");
  v1::Task task;
  const grpc::Status status = Get("nothing", &task);
  EXPECT_THAT(status, IsRpcError(StatusCode::NOT_FOUND, "TASK_NOT_FOUND"));
  EXPECT_THAT(status.error_message(), HasSubstr("there are: sums"));
}

TEST_F(TaskServiceTest, AnUploadIsPublishedSurvivesARestartAndGoes) {
  v1::Task task, again;
  ASSERT_THAT(Call(*tasks_, &Stub::UploadTask, Upload("mine", SumsRows(3)), &task), IsRpcOk());
  EXPECT_TRUE(task.uploaded());
  EXPECT_EQ(task.prompts(), 3);
  ASSERT_THAT(Call(*tasks_, &Stub::UploadTask, Upload("mine", SumsRows(3)), &again), IsRpcOk());
  EXPECT_EQ(again.version(), task.version());
  ASSERT_THAT(Call(*tasks_, &Stub::UploadTask, Upload("mine", SumsRows(4)), &again), IsRpcOk());
  EXPECT_NE(again.version(), task.version());
  Restart();
  ASSERT_THAT(Get("mine", &task), IsRpcOk());
  EXPECT_EQ(task.version(), again.version());
  EXPECT_THAT(Delete("mine"), IsRpcOk());
  EXPECT_THAT(Delete("mine"), IsRpcError(StatusCode::NOT_FOUND, "TASK_NOT_FOUND"));
}

TEST_F(TaskServiceTest, ABadRowIsNamedByItsLine) {
  v1::Task task;
  const grpc::Status status =
      Call(*tasks_, &Stub::UploadTask,
           Upload("mine", "{\"question\": \"1+1\", \"answer\": \"2\"}\n{\"question\": \"1+2\"}\n"),
           &task);
  EXPECT_THAT(status, IsRpcError(StatusCode::INVALID_ARGUMENT, "TASK_INVALID"));
  EXPECT_THAT(status.error_message(), HasSubstr("sums.jsonl:2"));
  const grpc::Status broken =
      Call(*tasks_, &Stub::UploadTask, Upload("mine", "{\"question\": \n"), &task);
  EXPECT_THAT(broken, IsRpcError(StatusCode::INVALID_ARGUMENT, "TASK_INVALID"));
  EXPECT_THAT(Get("mine", &task), IsRpcError(StatusCode::NOT_FOUND, "TASK_NOT_FOUND"));
}

TEST_F(TaskServiceTest, MissingDataAndTooMuchDataAreRefused) {
  v1::UploadTaskRequest request = Upload("mine", SumsRows(2));
  request.mutable_files()->RemoveLast();
  v1::Task task;
  const grpc::Status missing = Call(*tasks_, &Stub::UploadTask, request, &task);
  EXPECT_THAT(missing, IsRpcError(StatusCode::INVALID_ARGUMENT, "TASK_INVALID"));
  EXPECT_THAT(missing.error_message(), HasSubstr("sums.jsonl"));
  EXPECT_THAT(
      Call(*tasks_, &Stub::UploadTask, Upload("mine", std::string((3 << 20) + 1, '\n')), &task),
      IsRpcError(StatusCode::RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED"));
  // Above what gRPC itself takes there is no ErrorInfo, but a status.
  EXPECT_EQ(Call(*tasks_, &Stub::UploadTask, Upload("mine", std::string(5 << 20, '\n')), &task)
                .error_code(),
            StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(TaskServiceTest, FolderTasksAreReadOnly) {
  v1::Task task;
  EXPECT_THAT(Call(*tasks_, &Stub::UploadTask, Upload("sums", SumsRows(2)), &task),
              IsRpcError(StatusCode::FAILED_PRECONDITION, "TASK_READ_ONLY"));
  EXPECT_THAT(Delete("sums"), IsRpcError(StatusCode::FAILED_PRECONDITION, "TASK_READ_ONLY"));
}

}  // namespace
}  // namespace plumbline
