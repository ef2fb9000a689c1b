// plumbline.v1.ModelService: hosted models, Generate and Score.
#ifndef PLUMBLINE_SERVER_MODEL_SERVICE_H_
#define PLUMBLINE_SERVER_MODEL_SERVICE_H_

#include "core/jobs/executor.h"
#include "plumbline/v1/model.grpc.pb.h"
#include "server/hosting.h"

namespace plumbline {

// Thread-safe. Everything given must outlive the gRPC server.
class ModelServiceImpl : public v1::ModelService::CallbackService {
 public:
  // `calls` runs what may block shortly; `changes` has one thread, for loads and unloads.
  ModelServiceImpl(Hosting& hosting, Executor& calls, Executor& changes)
      : hosting_(hosting), calls_(calls), changes_(changes) {}

  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context,
                                       const v1::ListModelsRequest* request,
                                       v1::ListModelsResponse* response) override;
  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context,
                                     const v1::GetModelRequest* request,
                                     v1::Model* response) override;
  grpc::ServerUnaryReactor* LoadModel(grpc::CallbackServerContext* context,
                                      const v1::LoadModelRequest* request,
                                      v1::Model* response) override;
  grpc::ServerUnaryReactor* UnloadModel(grpc::CallbackServerContext* context,
                                        const v1::UnloadModelRequest* request,
                                        v1::UnloadModelResponse* response) override;
  grpc::ServerUnaryReactor* Generate(grpc::CallbackServerContext* context,
                                     const v1::GenerateRequest* request,
                                     v1::GenerateResponse* response) override;
  grpc::ServerUnaryReactor* Score(grpc::CallbackServerContext* context,
                                  const v1::ScoreRequest* request,
                                  v1::ScoreResponse* response) override;

 private:
  Hosting& hosting_;
  Executor& calls_;
  Executor& changes_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_MODEL_SERVICE_H_
