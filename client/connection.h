// One channel to a server and the four services' stubs, and how an error of theirs is told to a
// person.
#ifndef PLUMBLINE_CLIENT_CONNECTION_H_
#define PLUMBLINE_CLIENT_CONNECTION_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

#include "plumbline/v1/adapter.grpc.pb.h"
#include "plumbline/v1/evaluation.grpc.pb.h"
#include "plumbline/v1/model.grpc.pb.h"
#include "plumbline/v1/task.grpc.pb.h"

namespace plumbline::client {

// $PLUMBLINE_ADDRESS, or 127.0.0.1:7878.
std::string DefaultAddress();

struct ConnectionOptions {
  std::string address = DefaultAddress();  // host:port or unix:/path
  std::string ca_file;                     // PEM; TLS when set
  std::string cert_file;  // PEM of our own certificate, for mutual TLS; needs key_file
  std::string key_file;
  std::string token_file;  // bearer token; needs ca_file: it is never sent in the clear
};

// Thread-safe. Connects lazily; a server that is not there shows in the first call as UNAVAILABLE.
class Connection {
 public:
  explicit Connection(const ConnectionOptions& options);

  const std::string& address() const { return address_; }
  v1::ModelService::Stub& models() { return *models_; }
  v1::AdapterService::Stub& adapters() { return *adapters_; }
  v1::TaskService::Stub& tasks() { return *tasks_; }
  v1::EvaluationService::Stub& evaluations() { return *evaluations_; }

 private:
  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ModelService::Stub> models_;
  std::unique_ptr<v1::AdapterService::Stub> adapters_;
  std::unique_ptr<v1::TaskService::Stub> tasks_;
  std::unique_ptr<v1::EvaluationService::Stub> evaluations_;
};

// "<message> (REASON)", with a remedy where nobody listens at the address; never empty.
std::string DescribeError(const grpc::Status& status, const std::string& address);

// The ErrorInfo reason of an error; empty when it carries none.
std::string ErrorReason(const grpc::Status& status);

}  // namespace plumbline::client

#endif  // PLUMBLINE_CLIENT_CONNECTION_H_
