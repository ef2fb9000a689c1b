// How far a job is: a bar redrawn in place on a terminal, a plain line now and then in a pipe.
// Always on stderr.
#ifndef PLUMBLINE_CLIENT_PROGRESS_H_
#define PLUMBLINE_CLIENT_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <string>

namespace plumbline::client {

class Progress {
 public:
  // `quiet` prints nothing at all.
  Progress(bool terminal, bool quiet);
  ~Progress();

  // `total` 0: not known yet.
  void Update(int64_t done, int64_t total, int64_t errors);
  // Wipes the bar, so that a line can be printed; the next Update draws it again.
  void Clear();
  // Prints a sentence, above the bar where there is one.
  void Notice(const std::string& sentence);

 private:
  using Clock = std::chrono::steady_clock;
  std::string Line(int64_t done, int64_t total, int64_t errors) const;

  const bool terminal_;
  const bool quiet_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_print_{};
  int64_t first_done_ = -1;
  bool drawn_ = false;
};

// Whether stderr is a terminal.
bool StderrIsTerminal();

}  // namespace plumbline::client

#endif  // PLUMBLINE_CLIENT_PROGRESS_H_
