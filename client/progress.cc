#include "client/progress.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <iostream>

namespace plumbline::client {
namespace {

constexpr int kBarWidth = 30;
constexpr std::chrono::milliseconds kRedraw(100);
constexpr std::chrono::seconds kPlainLine(5);

}  // namespace

bool StderrIsTerminal() { return isatty(STDERR_FILENO) != 0; }

Progress::Progress(bool terminal, bool quiet) : terminal_(terminal), quiet_(quiet) {}

Progress::~Progress() { Clear(); }

std::string Progress::Line(int64_t done, int64_t total, int64_t errors) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done - first_done_) / seconds : 0;
  std::array<char, 96> figures;
  std::snprintf(figures.data(), figures.size(), "%lld/%lld verdicts, %.1f/s",
                static_cast<long long>(done), static_cast<long long>(total), rate);
  std::string line = figures.data();
  if (errors > 0) line += ", " + std::to_string(errors) + " errors";
  if (rate > 0 && total > done) {
    line += ", " + std::to_string(static_cast<int64_t>(static_cast<double>(total - done) / rate)) +
            " s left";
  }
  return line;
}

void Progress::Update(int64_t done, int64_t total, int64_t errors) {
  if (quiet_ || total <= 0) return;
  if (first_done_ < 0) first_done_ = done;
  const auto now = Clock::now();
  const bool last = done >= total;
  if (terminal_) {
    if (drawn_ && !last && now - last_print_ < kRedraw) return;
    const auto filled = static_cast<size_t>(kBarWidth * done / total);
    std::string bar;
    for (size_t i = 0; i < kBarWidth; ++i) bar += i < filled ? "█" : "░";
    std::cerr << "\r\033[K" << bar << " " << Line(done, total, errors) << std::flush;
    drawn_ = true;
  } else {
    if (!last && now - last_print_ < kPlainLine) return;
    std::cerr << Line(done, total, errors) << std::endl;
  }
  last_print_ = now;
}

void Progress::Clear() {
  if (!drawn_) return;
  std::cerr << "\r\033[K" << std::flush;
  drawn_ = false;
}

void Progress::Notice(const std::string& sentence) {
  if (quiet_) return;
  Clear();
  std::cerr << sentence << std::endl;
}

}  // namespace plumbline::client
