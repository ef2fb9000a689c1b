#include "server/watch_stream.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/calls.h"
#include "server/convert_job.h"
#include "server/status_conversion.h"
#include "server/validation.h"

namespace plumbline {
namespace {

constexpr int kEventsOfAPage = 256;  // the store also bounds a page's text

}  // namespace

class WatchStream : public grpc::ServerWriteReactor<v1::JobEvent> {
 public:
  WatchStream(WatchHub& hub, const v1::WatchJobRequest& request)
      : hub_(hub), id_(request.id()), cursor_(request.after_sequence()) {}

  // Before the first read, so that no commit falls between the two. Separate from the constructor
  // because a wake may come at once.
  void Begin() {
    subscription_ = hub_.notifier_.Subscribe(
        id_, [this](absl::string_view, int64_t) { Nudge(&WatchStream::news_); });
    ScheduleRead();
  }

  void Beat() { Nudge(&WatchStream::beat_due_); }
  void Close(const absl::Status& status) {
    {
      absl::MutexLock lock(&mutex_);
      if (close_.ok()) close_ = status;
    }
    Nudge(&WatchStream::news_);
  }

 private:
  enum class Phase { kReading, kWriting, kWaiting, kFinished };

  void OnCancel() override { Close(absl::CancelledError("the client went away")); }

  void OnDone() override {
    subscription_.reset();  // after this no wake is under way
    hub_.Remove(this);      // after this no beat is
    delete this;
  }

  void OnWriteDone(bool ok) override {
    if (!ok) Close(absl::CancelledError("the client went away"));
    Advance();
  }

  // Sets a flag and, if the stream waits, makes it look around.
  void Nudge(bool WatchStream::*flag) {
    {
      absl::MutexLock lock(&mutex_);
      this->*flag = true;
      if (phase_ != Phase::kWaiting) return;  // who is at work looks at the flags before it waits
      phase_ = Phase::kReading;
    }
    ScheduleRead();
  }

  void ScheduleRead() {
    hub_.executor_.Schedule([this] { Read(); });
  }

  // The phase is kReading: nothing else is under way.
  void Read() {
    {
      absl::MutexLock lock(&mutex_);
      news_ = false;
    }
    const absl::Status status = CatchExceptions([this] { return ReadPage(); });
    if (!status.ok()) {
      absl::MutexLock lock(&mutex_);
      if (close_.ok()) close_ = status;
    }
    Advance();
  }

  absl::Status ReadPage() {
    if (!started_) {
      ABSL_RETURN_IF_ERROR(ValidateJobId(id_));
      if (cursor_ < 0) {
        return WithReason(absl::InvalidArgumentError("after_sequence: is negative"),
                          "INVALID_FIELD", {{"field", "after_sequence"}});
      }
      started_ = true;
    }
    absl::StatusOr<EventPage> page = hub_.store_.ReadEvents(id_, cursor_, kEventsOfAPage);
    if (!page.ok()) return ReadError(page.status());
    more_ = false;
    if (page->events.empty()) {
      at_end_ = IsTerminal(page->state);
      return absl::OkStatus();
    }
    // Subjects and tasks of a job never change; its state does.
    const bool state_event =
        std::any_of(page->events.begin(), page->events.end(),
                    [](const JobEvent& e) { return e.kind != JobEvent::Kind::kVerdict; });
    if (!job_.has_value() || state_event) {
      absl::StatusOr<Job> job = hub_.store_.GetJob(id_);
      if (!job.ok()) return ReadError(job.status());
      job_ = *std::move(job);
    }
    for (const JobEvent& event : page->events) {
      queue_.push_back(ToProto(event, *job_));
      if (event.kind == JobEvent::Kind::kTerminal) at_end_ = true;
    }
    cursor_ = page->events.back().sequence;
    more_ = cursor_ < page->last_sequence;
    return absl::OkStatus();
  }

  absl::Status ReadError(const absl::Status& status) const {
    if (absl::IsNotFound(status)) return WithReason(status, "JOB_NOT_FOUND", {{"job", id_}});
    if (absl::IsOutOfRange(status)) {
      return WithReason(status, "SEQUENCE_IN_FUTURE",
                        {{"job", id_}, {"after_sequence", absl::StrCat(cursor_)}});
    }
    return status;
  }

  // Decides what is next; the caller has just ended what was under way. After Finish, or with
  // something under way again, this object may be gone.
  void Advance() {
    std::optional<absl::Status> finish;
    bool read = false;
    {
      absl::MutexLock lock(&mutex_);
      if (!close_.ok()) {
        finish = close_;
      } else if (!queue_.empty()) {
        message_ = std::move(queue_.front());
        queue_.pop_front();
        sent_ = message_.sequence();
        beat_due_ = false;
      } else if (at_end_) {
        finish = absl::OkStatus();
      } else if (more_ || news_) {
        read = true;
      } else if (beat_due_) {
        beat_due_ = false;
        message_ = Heartbeat(std::max(sent_, cursor_));
      } else {
        phase_ = Phase::kWaiting;
        return;
      }
      phase_ = finish.has_value() ? Phase::kFinished : read ? Phase::kReading : Phase::kWriting;
    }
    if (finish.has_value()) {
      Finish(ToGrpcStatus(*finish));
    } else if (read) {
      ScheduleRead();
    } else {
      StartWrite(&message_);
    }
  }

  WatchHub& hub_;
  const std::string id_;
  std::unique_ptr<JobNotifier::Subscription> subscription_;

  // Touched only by whoever is at work; the phase says who that is.
  int64_t cursor_;  // the last sequence read
  int64_t sent_ = 0;
  bool started_ = false;
  bool more_ = false;    // the store had more than the page
  bool at_end_ = false;  // nothing comes after what is queued
  std::optional<Job> job_;
  std::deque<v1::JobEvent> queue_;  // what is left of one page
  v1::JobEvent message_;            // in gRPC's hands while kWriting

  absl::Mutex mutex_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kReading;
  bool news_ ABSL_GUARDED_BY(mutex_) = false;
  bool beat_due_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status close_ ABSL_GUARDED_BY(mutex_);  // not OK: end with this
};

WatchHub::WatchHub(JobStore& store, JobNotifier& notifier, Executor& executor,
                   absl::Duration heartbeat)
    : store_(store), notifier_(notifier), executor_(executor), heartbeat_(heartbeat) {
  beat_ = std::thread([this] { BeatUntilStopped(); });
}

WatchHub::~WatchHub() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  beat_.join();
}

grpc::ServerWriteReactor<v1::JobEvent>* WatchHub::Start(const v1::WatchJobRequest& request) {
  auto* stream = new WatchStream(*this, request);
  absl::Status closed;
  {
    absl::MutexLock lock(&mutex_);
    streams_.insert(stream);
    closed = closed_;
  }
  if (!closed.ok()) stream->Close(closed);
  stream->Begin();
  return stream;
}

void WatchHub::CloseAll(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  closed_ = status;
  for (WatchStream* stream : streams_) stream->Close(status);
}

int64_t WatchHub::live() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int64_t>(streams_.size());
}

void WatchHub::Remove(WatchStream* stream) {
  absl::MutexLock lock(&mutex_);
  streams_.erase(stream);
}

void WatchHub::BeatUntilStopped() {
  absl::MutexLock lock(&mutex_);
  while (true) {
    // Wakes early only to stop.
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_), heartbeat_);
    if (stopping_) return;
    for (WatchStream* stream : streams_) stream->Beat();
  }
}

}  // namespace plumbline
