#include "server/task_service.h"

#include "core/base/status_macros.h"
#include "server/calls.h"
#include "server/convert_model.h"
#include "server/validation.h"

namespace plumbline {

grpc::ServerUnaryReactor* TaskServiceImpl::ListTasks(grpc::CallbackServerContext* context,
                                                     const v1::ListTasksRequest*,
                                                     v1::ListTasksResponse* response) {
  return RunBlocking(context, calls_, [=, this] {
    for (const ListedTask& listed : tasks_.List()) {
      *response->add_tasks() = ToProto(*listed.task, listed.uploaded);
    }
    return CheckReplySize(response->ByteSizeLong(), "get tasks by name");
  });
}

grpc::ServerUnaryReactor* TaskServiceImpl::GetTask(grpc::CallbackServerContext* context,
                                                   const v1::GetTaskRequest* request,
                                                   v1::Task* response) {
  return RunBlocking(context, calls_, [=, this]() -> absl::Status {
    ABSL_RETURN_IF_ERROR(ValidateTaskName("name", request->name()));
    ABSL_ASSIGN_OR_RETURN(const ListedTask listed, tasks_.Get(request->name()));
    *response = ToProto(*listed.task, listed.uploaded);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* TaskServiceImpl::UploadTask(grpc::CallbackServerContext* context,
                                                      const v1::UploadTaskRequest* request,
                                                      v1::Task* response) {
  return RunBlocking(context, changes_, [=, this]() -> absl::Status {
    ABSL_RETURN_IF_ERROR(Validate(*request));
    TaskBundle bundle;
    bundle.file = request->files(0).name();
    for (const auto& file : request->files()) bundle.files[file.name()] = file.content();
    ABSL_ASSIGN_OR_RETURN(const ListedTask listed, tasks_.Upload(bundle));
    *response = ToProto(*listed.task, listed.uploaded);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* TaskServiceImpl::DeleteTask(grpc::CallbackServerContext* context,
                                                      const v1::DeleteTaskRequest* request,
                                                      v1::DeleteTaskResponse*) {
  return RunBlocking(context, changes_, [=, this]() -> absl::Status {
    ABSL_RETURN_IF_ERROR(ValidateTaskName("name", request->name()));
    return tasks_.Delete(request->name());
  });
}

}  // namespace plumbline
