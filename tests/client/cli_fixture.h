// The real `plumbline` binary, run as a pipeline runs it, against a scripted server.
#ifndef PLUMBLINE_TESTS_CLIENT_CLI_FIXTURE_H_
#define PLUMBLINE_TESTS_CLIENT_CLI_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "tests/client/fake_evaluation_service.h"
#include "tests/support/temp_dir.h"

namespace plumbline::client {

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

class CliTest : public testing::Test {
 protected:
  std::string Binary() const {
    const char* dir = std::getenv("PLUMBLINE_BIN_DIR");
    return std::string(dir != nullptr ? dir : "build/release/bin") + "/plumbline";
  }

  std::string Command(const std::string& arguments, const TestServer& server) const {
    return Binary() + " --address " + server.address() + " " + arguments + " >" + dir_.Join("out") +
           " 2>" + dir_.Join("err") + " </dev/null";
  }
  std::string Command(const std::string& arguments) const { return Command(arguments, server_); }

  Outcome Run(const std::string& arguments) const { return Run(arguments, server_); }
  Outcome Run(const std::string& arguments, const TestServer& server) const {
    const int status = std::system(Command(arguments, server).c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            ReadFileOrDie(dir_.Join("out")), ReadFileOrDie(dir_.Join("err"))};
  }

  FakeEvaluationService service_;
  TestServer server_{&service_};
  TempDir dir_;
};

}  // namespace plumbline::client

#endif  // PLUMBLINE_TESTS_CLIENT_CLI_FIXTURE_H_
