// `plumbline model`, `generate` and `score` as a pipeline uses them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "plumbline/v1/model.grpc.pb.h"
#include "tests/client/cli_fixture.h"

namespace plumbline::client {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class FakeModelService : public v1::ModelService::Service {
 public:
  v1::LoadModelRequest loaded;
  std::string prompt, text;

  grpc::Status LoadModel(grpc::ServerContext*, const v1::LoadModelRequest* request,
                         v1::Model* response) override {
    loaded = *request;
    response->set_name(request->name());
    response->add_warnings("repetition_penalty 1.1 is not applied");
    return grpc::Status::OK;
  }
  grpc::Status Generate(grpc::ServerContext*, const v1::GenerateRequest* request,
                        v1::GenerateResponse* response) override {
    prompt = request->prompt();
    response->set_model(request->model());
    response->add_results()->set_text("the base's");
    response->add_results()->set_adapter("v7");
    return grpc::Status::OK;
  }
  grpc::Status Score(grpc::ServerContext*, const v1::ScoreRequest* request,
                     v1::ScoreResponse* response) override {
    text = request->text();
    response->set_model(request->model());
    response->add_results()->add_tokens()->set_id(7);
    response->add_results()->set_adapter("v7");
    response->mutable_results(1)->add_tokens()->set_id(7);
    return grpc::Status::OK;
  }
};

class ModelCommandTest : public CliTest {
 protected:
  Outcome Run(const std::string& arguments) { return CliTest::Run(arguments, model_server_); }

  FakeModelService models_;
  TestServer model_server_{&models_};
};

TEST_F(ModelCommandTest, SizesHaveUnits) {
  const auto bytes = [&](const std::string& size) {
    const Outcome outcome = Run("model load m /models/m --kv-cache-bytes " + size);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return models_.loaded.kv_cache_bytes();
  };
  EXPECT_EQ(bytes("1000"), 1000);
  EXPECT_EQ(bytes("512MiB"), 512 << 20);
  EXPECT_EQ(bytes("2GB"), int64_t{2} << 30) << "as plumblined reads it";
  EXPECT_EQ(Run("model load m /models/m --kv-cache-bytes 2XB").exit_code, 2);
  const Outcome negative = Run("model load m /models/m --kv-cache-bytes -5");
  EXPECT_EQ(negative.exit_code, 2);
  EXPECT_THAT(negative.err, HasSubstr("--kv-cache-bytes: -5 is less than 0\n"));
}

TEST_F(ModelCommandTest, WhatTheModelWarnsOfIsSaid) {
  const Outcome outcome = Run("model load m /models/m -o json");
  EXPECT_THAT(outcome.err, HasSubstr("warning: repetition_penalty 1.1 is not applied"));
  EXPECT_EQ(json::parse(outcome.out)["warnings"].size(), 1u);
  EXPECT_THAT(Run("-q model load m /models/m").err, IsEmpty());
}

TEST_F(ModelCommandTest, GenerateAndScorePrintAnObjectALine) {
  const auto lines = [](const std::string& out) {
    std::vector<json> objects;
    std::istringstream text(out);
    for (std::string line; std::getline(text, line);) objects.push_back(json::parse(line));
    return objects;
  };
  std::vector<json> objects = lines(Run("generate -m tiny hello -a v7 -o json").out);
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_EQ(objects[0]["model"], "tiny");
  EXPECT_EQ(objects[0]["adapter"], "");
  EXPECT_EQ(objects[0]["text"], "the base's");
  EXPECT_EQ(objects[1]["adapter"], "v7");
  objects = lines(Run("score -m tiny hello -a base,v7 -o json").out);
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_EQ(objects[0]["tokens"][0]["id"], 7);
  EXPECT_EQ(objects[1]["adapter"], "v7");
}

TEST_F(ModelCommandTest, ATextIsGivenOnceAndIsNotEmpty) {
  dir_.Write("prompt", "from a file");
  dir_.Write("nothing", "");
  const std::string file = " -m tiny --file " + dir_.Join("prompt");
  for (const auto& [command, noun] :
       {std::pair("generate", "prompt"), std::pair("score", "text")}) {
    const std::string name = command;
    EXPECT_EQ(Run(name + file).exit_code, 0);
    Outcome outcome = Run(name + " -m tiny \"\"");
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(outcome.err, HasSubstr(std::string("the ") + noun + " is empty"));
    EXPECT_THAT(Run(name + " -m tiny --file " + dir_.Join("nothing")).err, HasSubstr("is empty"));
    EXPECT_THAT(Run(name + " hello" + file).err, HasSubstr("not both"));
    outcome = Run(name + " -m tiny");
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("as an argument or with --file"));
    EXPECT_THAT(outcome.err, Not(HasSubstr("not both")));
    EXPECT_THAT(Run(name + " -m tiny --file " + dir_.path()).err, HasSubstr("is a directory"));
  }
  EXPECT_EQ(models_.prompt, "from a file");
  EXPECT_EQ(models_.text, "from a file");
}

TEST_F(ModelCommandTest, ATextThatIsNotUtf8IsRefusedHere) {
  dir_.Write("latin1", "caf\xe9");
  for (const std::string name : {"generate", "score"}) {
    Outcome outcome = Run(name + " -m tiny --file " + dir_.Join("latin1"));
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.err, StartsWith("plumbline: " + dir_.Join("latin1") +
                                        ": not UTF-8 at byte 3; convert it"));
    outcome = Run(name + " -m tiny $(printf 'caf\\351')");
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("\"caf\\xe9\": not UTF-8 at byte 3"));
  }
  EXPECT_EQ(Run("generate -m tiny hello --stop $(printf '\\351')").exit_code, 2);
  EXPECT_THAT(models_.prompt, IsEmpty()) << "nothing was sent";
  const std::string path = dir_.Write("caf\xe9", "hello");
  EXPECT_EQ(Run("generate -m tiny --file=" + path).exit_code, 0) << "a file may be named so";
}

TEST_F(CliTest, AnUnknownCommandIsNamedWithTheNearest) {
  Outcome outcome = Run("model lod x y");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err,
            "plumbline: there is no command \"model lod\"; did you mean \"load\"? There are: list, "
            "get, load, unload\n");
  outcome = Run("generat hello");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err,
              HasSubstr("there is no command \"generat\"; did you mean \"generate\"?"));
  EXPECT_THAT(Run("model").err, HasSubstr("A subcommand is required"));
  EXPECT_THAT(Run("model load").err, HasSubstr("name is required"));
}

TEST_F(CliTest, AnUnknownOutputFormatIsNamed) {
  const Outcome outcome = Run("-o yaml job list");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, StartsWith("--output: yaml is none of json, text\n"));
}

TEST_F(CliTest, ACertificateThatCannotBeReadIsNamed) {
  Outcome outcome = Run("--ca-file " + dir_.Join("gone.pem") + " job list");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("gone.pem: cannot open: No such file or directory"));
  outcome = Run("--ca-file " + dir_.path() + " job list");
  EXPECT_THAT(outcome.err, HasSubstr("is a directory"));
}

}  // namespace
}  // namespace plumbline::client
