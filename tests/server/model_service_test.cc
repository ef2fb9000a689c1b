// ModelService and AdapterService over the wire.
#include <future>
#include <thread>

#include "tests/server/server_fixture.h"

namespace plumbline {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;

using ModelStub = v1::ModelService::Stub;
using AdapterStub = v1::AdapterService::Stub;

class ModelServiceTest : public ServerTest {
 protected:
  grpc::Status LoadModel(const std::string& name, const std::string& folder, v1::Model* model) {
    v1::LoadModelRequest request;
    request.set_name(name);
    request.set_path(dir_.Join(folder));
    return Call(*models_, &ModelStub::LoadModel, request, model);
  }
  grpc::Status UnloadModel(const std::string& name) {
    v1::UnloadModelRequest request;
    request.set_name(name);
    v1::UnloadModelResponse response;
    return Call(*models_, &ModelStub::UnloadModel, request, &response);
  }
  grpc::Status UnloadAdapter(const std::string& alias) {
    v1::UnloadAdapterRequest request;
    request.set_model("tiny");
    request.set_alias(alias);
    v1::UnloadAdapterResponse response;
    return Call(*adapters_, &AdapterStub::UnloadAdapter, request, &response);
  }
  grpc::Status GetAdapter(const std::string& alias, v1::Adapter* adapter) {
    v1::GetAdapterRequest request;
    request.set_model("tiny");
    request.set_alias(alias);
    return Call(*adapters_, &AdapterStub::GetAdapter, request, adapter);
  }
};

TEST_F(ModelServiceTest, ModelsAreLoadedListedAndUnloaded) {
  v1::Model model;
  ASSERT_THAT(LoadModel("second", "other-model", &model), IsRpcOk());
  EXPECT_EQ(model.name(), "second");
  EXPECT_EQ(model.architecture(), "FakeForCausalLM");
  ASSERT_THAT(LoadModel("second", "other-model", &model), IsRpcOk());  // again: the same
  v1::ListModelsResponse list;
  ASSERT_THAT(Call(*models_, &ModelStub::ListModels, v1::ListModelsRequest(), &list), IsRpcOk());
  ASSERT_EQ(list.models_size(), 2);
  EXPECT_EQ(list.models(0).name(), "second");
  EXPECT_THAT(UnloadModel("second"), IsRpcOk());
  EXPECT_THAT(UnloadModel("second"), IsRpcError(StatusCode::NOT_FOUND, "MODEL_NOT_FOUND"));
  v1::GetModelRequest get;
  get.set_name("second");
  const grpc::Status status = Call(*models_, &ModelStub::GetModel, get, &model);
  EXPECT_THAT(status, IsRpcError(StatusCode::NOT_FOUND, "MODEL_NOT_FOUND"));
  EXPECT_THAT(status.error_message(), HasSubstr("there are: tiny"));
}

TEST_F(ModelServiceTest, ABadModelIsOneClearErrorAndTheServerServesOn) {
  v1::Model model;
  EXPECT_THAT(LoadModel("x", "nowhere", &model),
              IsRpcError(StatusCode::NOT_FOUND, "PATH_NOT_FOUND"));
  EXPECT_THAT(LoadModel("x", "tasks", &model),
              IsRpcError(StatusCode::INVALID_ARGUMENT, "MODEL_REJECTED"));
  EXPECT_THAT(LoadModel("tiny", "other-model", &model),
              IsRpcError(StatusCode::ALREADY_EXISTS, "MODEL_NAME_IN_USE"));
  EXPECT_THAT(LoadModel("BIG", "model", &model),
              IsRpcError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD"));
  EXPECT_THAT(LoadModel("tiny", "model", &model), IsRpcOk());
}

TEST_F(ModelServiceTest, AdaptersAreLoadedWithTheirReportSwappedAndUnloaded) {
  v1::LoadAdapterResponse first, second;
  ASSERT_THAT(LoadAdapter("a", "a1", &first), IsRpcOk());
  EXPECT_EQ(first.adapter().version(), Sha256Hex("first"));
  ASSERT_EQ(first.adapter().report().modules_size(), 1);
  EXPECT_EQ(first.adapter().report().modules(0).kind(), "linear");
  EXPECT_TRUE(first.adapter().report().base_restored_bitwise());
  EXPECT_EQ(first.previous_version(), "");
  ASSERT_THAT(LoadAdapter("a", "a2", &second), IsRpcOk());
  EXPECT_EQ(second.previous_version(), first.adapter().version());
  v1::Adapter adapter;
  ASSERT_THAT(GetAdapter("a", &adapter), IsRpcOk());
  EXPECT_EQ(adapter.version(), second.adapter().version());
  ASSERT_THAT(GetAdapter(second.adapter().version(), &adapter), IsRpcOk());
  EXPECT_EQ(adapter.alias(), "a");
  EXPECT_THAT(UnloadAdapter("a"), IsRpcOk());
  EXPECT_THAT(UnloadAdapter("a"), IsRpcError(StatusCode::NOT_FOUND, "ADAPTER_NOT_FOUND"));
  EXPECT_THAT(GetAdapter("a", &adapter), IsRpcError(StatusCode::NOT_FOUND, "ADAPTER_NOT_FOUND"));
}

TEST_F(ModelServiceTest, ARefusedAdapterNamesTheTensorAndChangesNothing) {
  v1::LoadAdapterResponse response;
  ASSERT_THAT(LoadAdapter("a", "a1", &response), IsRpcOk());
  const grpc::Status status = LoadAdapter("a", "bad", &response);
  EXPECT_THAT(status, IsRpcError(StatusCode::INVALID_ARGUMENT, "ADAPTER_REJECTED"));
  EXPECT_THAT(status.error_message(), HasSubstr("q_proj.lora_A"));
  EXPECT_THAT(LoadAdapter("b", "nowhere", &response),
              IsRpcError(StatusCode::NOT_FOUND, "PATH_NOT_FOUND"));
  v1::ListAdaptersRequest request;
  v1::ListAdaptersResponse list;
  ASSERT_THAT(Call(*adapters_, &AdapterStub::ListAdapters, request, &list), IsRpcOk());
  ASSERT_EQ(list.adapters_size(), 1);
  EXPECT_EQ(list.adapters(0).version(), Sha256Hex("first"));
  request.set_model("none");
  EXPECT_THAT(Call(*adapters_, &AdapterStub::ListAdapters, request, &list),
              IsRpcError(StatusCode::NOT_FOUND, "MODEL_NOT_FOUND"));
}

TEST_F(ModelServiceTest, GenerateAnswersTheBaseFirstThenTheAdaptersAsAsked) {
  v1::LoadAdapterResponse loaded;
  ASSERT_THAT(LoadAdapter("a", "a1", &loaded), IsRpcOk());
  ASSERT_THAT(LoadAdapter("b", "a2", &loaded), IsRpcOk());
  v1::GenerateRequest request;
  request.set_model("tiny");
  request.add_adapters("b");
  request.add_adapters(Sha256Hex("first"));
  request.set_prompt("hello");
  v1::GenerateResponse response;
  ASSERT_THAT(Call(*models_, &ModelStub::Generate, request, &response), IsRpcOk());
  ASSERT_EQ(response.results_size(), 3);
  EXPECT_EQ(response.results(0).adapter(), "");
  EXPECT_EQ(response.results(0).text(), "base: hello");
  EXPECT_EQ(response.results(1).text(), "b: hello");
  EXPECT_EQ(response.results(1).adapter_version(), Sha256Hex("second"));
  EXPECT_EQ(response.results(2).adapter(), Sha256Hex("first"));
  EXPECT_EQ(response.numerics().mode(), "batch_invariant");
}

TEST_F(ModelServiceTest, GenerateErrorsNameTheSubject) {
  v1::GenerateRequest request;
  request.set_model("tiny");
  request.add_adapters("nobody");
  request.set_prompt("hello");
  v1::GenerateResponse response;
  EXPECT_THAT(Call(*models_, &ModelStub::Generate, request, &response),
              IsRpcError(StatusCode::NOT_FOUND, "ADAPTER_NOT_FOUND"));
  request.clear_adapters();
  request.set_model("other");
  EXPECT_THAT(Call(*models_, &ModelStub::Generate, request, &response),
              IsRpcError(StatusCode::NOT_FOUND, "MODEL_NOT_FOUND"));
  engine_->set_answer([](const ModelIdentity&, const LanguageModel::GenerateCall&) {
    return absl::OutOfRangeError("prompt of 2000 tokens + 256 exceed the context of 1024");
  });
  request.set_model("tiny");
  const grpc::Status status = Call(*models_, &ModelStub::Generate, request, &response);
  EXPECT_THAT(status, IsRpcError(StatusCode::OUT_OF_RANGE, "OUT_OF_RANGE"));
  EXPECT_THAT(status.error_message(), HasSubstr("base: prompt of 2000"));
}

TEST_F(ModelServiceTest, AReplyTooLargeIsAnErrorNotALostConnection) {
  engine_->set_answer([](const ModelIdentity&, const LanguageModel::GenerateCall&) {
    Generation generation;
    generation.text = std::string(5'000'000, 'x');
    return generation;
  });
  v1::GenerateRequest request;
  request.set_model("tiny");
  request.set_prompt("hello");
  v1::GenerateResponse response;
  EXPECT_THAT(Call(*models_, &ModelStub::Generate, request, &response),
              IsRpcError(StatusCode::RESOURCE_EXHAUSTED, "REPLY_TOO_LARGE"));
}

TEST_F(ModelServiceTest, ScoreGivesEveryTokenWithItsAlternatives) {
  v1::ScoreRequest request;
  request.set_model("tiny");
  request.set_text("a\xC3\xA4");
  request.set_top(2);
  v1::ScoreResponse response;
  ASSERT_THAT(Call(*models_, &ModelStub::Score, request, &response), IsRpcOk());
  ASSERT_EQ(response.results_size(), 1);
  ASSERT_EQ(response.results(0).tokens_size(), 3);
  EXPECT_FALSE(response.results(0).tokens(0).has_logprob());
  EXPECT_TRUE(response.results(0).tokens(1).has_logprob());
  EXPECT_EQ(response.results(0).tokens(1).text(), "\xEF\xBF\xBD");  // half a character
  EXPECT_EQ(response.results(0).tokens(1).top_size(), 2);
}

// Generate with an engine that holds its calls until told.
class HeldGenerateTest : public ModelServiceTest {
 protected:
  HeldGenerateTest() { engine_ = std::make_shared<FakeEngine>(/*held=*/true); }
  void WaitForCalls(int count) {
    while (engine_->waiting() < count) std::this_thread::yield();
  }
};

TEST_F(HeldGenerateTest, AllSubjectsAreAskedBeforeTheFirstAnswers) {
  v1::LoadAdapterResponse loaded;
  ASSERT_THAT(LoadAdapter("a", "a1", &loaded), IsRpcOk());
  v1::GenerateRequest request;
  request.set_model("tiny");
  request.add_adapters("a");
  request.set_prompt("hello");
  v1::GenerateResponse response;
  auto call = std::async(std::launch::async,
                         [&] { return Call(*models_, &ModelStub::Generate, request, &response); });
  WaitForCalls(2);
  EXPECT_THAT(UnloadModel("tiny"), IsRpcError(StatusCode::FAILED_PRECONDITION, "MODEL_IN_USE"));
  engine_->Release();
  EXPECT_THAT(call.get(), IsRpcOk());
  EXPECT_THAT(UnloadModel("tiny"), IsRpcOk());
}

TEST_F(HeldGenerateTest, AClientThatGoesAwayCancelsTheWork) {
  v1::GenerateRequest request;
  request.set_model("tiny");
  request.set_prompt("hello");
  v1::GenerateResponse response;
  engine_->set_answer([](const ModelIdentity&, const LanguageModel::GenerateCall& call) {
    while (!call.cancel->cancelled()) std::this_thread::yield();
    Generation generation;
    generation.finish_reason = FinishReason::kCancelled;
    return generation;
  });
  grpc::ClientContext context;
  auto call = std::async(std::launch::async,
                         [&] { return models_->Generate(&context, request, &response); });
  WaitForCalls(1);
  context.TryCancel();
  EXPECT_EQ(call.get().error_code(), StatusCode::CANCELLED);
  EXPECT_EQ(engine_->Release(), 1);  // returns only because the token was set
  // The call ends, and with it the pin.
  grpc::Status unloaded;
  do {
    unloaded = UnloadModel("tiny");
  } while (unloaded.error_code() == StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(unloaded, IsRpcOk());
}

}  // namespace
}  // namespace plumbline
