// plumbline.v1.TaskService: what is measured.
#ifndef PLUMBLINE_SERVER_TASK_SERVICE_H_
#define PLUMBLINE_SERVER_TASK_SERVICE_H_

#include "core/jobs/executor.h"
#include "plumbline/v1/task.grpc.pb.h"
#include "server/task_library.h"

namespace plumbline {

// Thread-safe. Everything given must outlive the gRPC server.
class TaskServiceImpl : public v1::TaskService::CallbackService {
 public:
  // `changes` has one thread: uploads and deletions come one after the other.
  TaskServiceImpl(TaskLibrary& tasks, Executor& calls, Executor& changes)
      : tasks_(tasks), calls_(calls), changes_(changes) {}

  grpc::ServerUnaryReactor* ListTasks(grpc::CallbackServerContext* context,
                                      const v1::ListTasksRequest* request,
                                      v1::ListTasksResponse* response) override;
  grpc::ServerUnaryReactor* GetTask(grpc::CallbackServerContext* context,
                                    const v1::GetTaskRequest* request, v1::Task* response) override;
  grpc::ServerUnaryReactor* UploadTask(grpc::CallbackServerContext* context,
                                       const v1::UploadTaskRequest* request,
                                       v1::Task* response) override;
  grpc::ServerUnaryReactor* DeleteTask(grpc::CallbackServerContext* context,
                                       const v1::DeleteTaskRequest* request,
                                       v1::DeleteTaskResponse* response) override;

 private:
  TaskLibrary& tasks_;
  Executor& calls_;
  Executor& changes_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_TASK_SERVICE_H_
