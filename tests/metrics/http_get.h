// One GET over plain HTTP, for tests.
#ifndef PLUMBLINE_TESTS_METRICS_HTTP_GET_H_
#define PLUMBLINE_TESTS_METRICS_HTTP_GET_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace plumbline {

// The body of http://127.0.0.1:<port of `address`>`path`; empty on any failure.
inline std::string HttpGet(const std::string& address, const std::string& path) {
  const int port = std::stoi(address.substr(address.rfind(':') + 1));
  const int file = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string reply;
  if (connect(file, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) {
    const std::string request = "GET " + path + " HTTP/1.0\r\nHost: test\r\n\r\n";
    if (write(file, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
      char buffer[4096];
      ssize_t got;
      while ((got = read(file, buffer, sizeof buffer)) > 0) {
        reply.append(buffer, static_cast<size_t>(got));
      }
    }
  }
  close(file);
  const size_t body = reply.find("\r\n\r\n");
  return body == std::string::npos ? "" : reply.substr(body + 4);
}

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_METRICS_HTTP_GET_H_
