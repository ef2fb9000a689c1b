// plumbline.v1.AdapterService: adapters with their admission reports.
#ifndef PLUMBLINE_SERVER_ADAPTER_SERVICE_H_
#define PLUMBLINE_SERVER_ADAPTER_SERVICE_H_

#include "core/jobs/executor.h"
#include "plumbline/v1/adapter.grpc.pb.h"
#include "server/hosting.h"

namespace plumbline {

// Thread-safe. Everything given must outlive the gRPC server.
class AdapterServiceImpl : public v1::AdapterService::CallbackService {
 public:
  // `calls` runs what may block shortly; `changes` has one thread, for loads and unloads.
  AdapterServiceImpl(Hosting& hosting, Executor& calls, Executor& changes)
      : hosting_(hosting), calls_(calls), changes_(changes) {}

  grpc::ServerUnaryReactor* LoadAdapter(grpc::CallbackServerContext* context,
                                        const v1::LoadAdapterRequest* request,
                                        v1::LoadAdapterResponse* response) override;
  grpc::ServerUnaryReactor* LoadAdapterFolder(grpc::CallbackServerContext* context,
                                              const v1::LoadAdapterFolderRequest* request,
                                              v1::LoadAdapterFolderResponse* response) override;
  grpc::ServerUnaryReactor* UnloadAdapter(grpc::CallbackServerContext* context,
                                          const v1::UnloadAdapterRequest* request,
                                          v1::UnloadAdapterResponse* response) override;
  grpc::ServerUnaryReactor* GetAdapter(grpc::CallbackServerContext* context,
                                       const v1::GetAdapterRequest* request,
                                       v1::Adapter* response) override;
  // A list that would be larger than a page leaves out the modules of the reports: GetAdapter has
  // them.
  grpc::ServerUnaryReactor* ListAdapters(grpc::CallbackServerContext* context,
                                         const v1::ListAdaptersRequest* request,
                                         v1::ListAdaptersResponse* response) override;

 private:
  Hosting& hosting_;
  Executor& calls_;
  Executor& changes_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_ADAPTER_SERVICE_H_
