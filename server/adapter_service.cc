#include "server/adapter_service.h"

#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "server/adapter_folder.h"
#include "server/calls.h"
#include "server/convert_model.h"
#include "server/status_conversion.h"
#include "server/utf8.h"
#include "server/validation.h"

namespace plumbline {

grpc::ServerUnaryReactor* AdapterServiceImpl::LoadAdapter(grpc::CallbackServerContext* context,
                                                          const v1::LoadAdapterRequest* request,
                                                          v1::LoadAdapterResponse* response) {
  return RunBlocking(context, changes_, [=, this]() -> absl::Status {
    ABSL_RETURN_IF_ERROR(Validate(*request));
    ABSL_ASSIGN_OR_RETURN(LoadedAdapter loaded, hosting_.LoadAdapter(FromProto(*request)));
    *response->mutable_adapter() = ToProto(loaded.info);
    response->set_previous_version(loaded.previous_version);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AdapterServiceImpl::LoadAdapterFolder(
    grpc::CallbackServerContext* context, const v1::LoadAdapterFolderRequest* request,
    v1::LoadAdapterFolderResponse* response) {
  return RunBlocking(context, changes_, [=, this]() -> absl::Status {
    ABSL_RETURN_IF_ERROR(Validate(*request));
    LoadAdapterOptions options;
    options.model = request->model();
    options.nominal_target = request->nominal_target();
    ABSL_ASSIGN_OR_RETURN(std::vector<FolderResult> results,
                          LoadSubFolders(hosting_, request->path(), options,
                                         [context] { return !context->IsCancelled(); }));
    for (const FolderResult& result : results) {
      v1::LoadAdapterFolderResponse::Result* out = response->add_results();
      out->set_alias(ToValidUtf8(result.alias));
      if (!result.loaded.ok()) {
        *out->mutable_error() = ToRpcStatus(result.loaded.status());
        continue;
      }
      *out->mutable_adapter() = ToProto(result.loaded->info);
      out->mutable_adapter()->mutable_report()->clear_modules();
      out->set_previous_version(result.loaded->previous_version);
      response->set_loaded(response->loaded() + 1);
    }
    return CheckReplySize(response->ByteSizeLong(), "load fewer adapters at once");
  });
}

grpc::ServerUnaryReactor* AdapterServiceImpl::UnloadAdapter(grpc::CallbackServerContext* context,
                                                            const v1::UnloadAdapterRequest* request,
                                                            v1::UnloadAdapterResponse*) {
  return RunBlocking(context, changes_, [=, this]() -> absl::Status {
    ABSL_RETURN_IF_ERROR(ValidateModelName("model", request->model()));
    ABSL_RETURN_IF_ERROR(ValidateAlias("alias", request->alias()));
    return hosting_.UnloadAdapter(request->model(), request->alias());
  });
}

grpc::ServerUnaryReactor* AdapterServiceImpl::GetAdapter(grpc::CallbackServerContext* context,
                                                         const v1::GetAdapterRequest* request,
                                                         v1::Adapter* response) {
  return RunBlocking(context, calls_, [=, this]() -> absl::Status {
    ABSL_RETURN_IF_ERROR(ValidateModelName("model", request->model()));
    ABSL_RETURN_IF_ERROR(ValidateAlias("alias", request->alias()));
    ABSL_ASSIGN_OR_RETURN(AdapterInfo info,
                          hosting_.GetAdapter(request->model(), request->alias()));
    *response = ToProto(info);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AdapterServiceImpl::ListAdapters(grpc::CallbackServerContext* context,
                                                           const v1::ListAdaptersRequest* request,
                                                           v1::ListAdaptersResponse* response) {
  return RunBlocking(context, calls_, [=, this]() -> absl::Status {
    if (!request->model().empty()) {
      ABSL_RETURN_IF_ERROR(ValidateModelName("model", request->model()));
    }
    ABSL_ASSIGN_OR_RETURN(std::vector<AdapterInfo> adapters,
                          hosting_.ListAdapters(request->model()));
    for (const AdapterInfo& info : adapters) *response->add_adapters() = ToProto(info);
    if (response->ByteSizeLong() > static_cast<size_t>(kLimits.page_bytes)) {
      for (auto& adapter : *response->mutable_adapters()) {
        adapter.mutable_report()->clear_modules();
      }
    }
    return CheckReplySize(response->ByteSizeLong(), "list the adapters of one model");
  });
}

}  // namespace plumbline
