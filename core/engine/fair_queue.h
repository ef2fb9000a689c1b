// The order in which waiting requests get their turn.
//
// Priority is strict: nothing of a lower level is offered while a higher one waits for room. Within
// a level, clients (a job, a caller) share by tokens, not by requests: each has an account of the
// tokens it was given, and the one that got least goes next; its own requests stay in order. A
// client that comes back after a pause starts level with those who are waiting, so that idling
// saves nothing up. (Start-time fair queueing; with equal requests it is round robin.)
//
// What a request will cost is known only at its end, so it is charged what it may cost and gets the
// rest back.
#ifndef PLUMBLINE_CORE_ENGINE_FAIR_QUEUE_H_
#define PLUMBLINE_CORE_ENGINE_FAIR_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"

namespace plumbline {

// Who waits, and for how much.
struct Ticket {
  int priority = 0;    // higher first
  std::string client;  // requests of one client are one queue
  int64_t tokens = 1;  // what the request may cost at most; > 0
};

// `T` is movable. Thread-compatible.
template <typename T>
class FairQueue {
 public:
  enum class Answer {
    kTaken,  // it was moved from: its client is charged
    kLater,  // it cannot go now, but the one behind it may
    kFull,   // no room: nobody may overtake it
  };

  void Push(Ticket ticket, T item) {
    Level& level = levels_[ticket.priority];
    Client& client = level.clients[ticket.client];
    if (client.waiting.empty()) client.given = std::max(client.given, level.clock);
    client.waiting.push_back({ticket.tokens, std::move(item)});
    ++size_;
  }

  // Offers what waits, in order, until `answer` is kFull or everything was offered once.
  void Serve(absl::FunctionRef<Answer(T&)> answer) {
    for (auto level = levels_.begin(); level != levels_.end();) {
      if (!ServeLevel(level->second, answer)) return;
      level = level->second.clients.empty() ? levels_.erase(level) : std::next(level);
    }
  }

  // A request that was taken has ended and cost `used` tokens instead of ticket.tokens.
  void Settle(const Ticket& ticket, int64_t used) {
    const auto level = levels_.find(ticket.priority);
    if (level == levels_.end()) return;
    const auto client = level->second.clients.find(ticket.client);
    if (client == level->second.clients.end() || client->second.open == 0) return;
    --client->second.open;
    client->second.given -= ticket.tokens - used;
    Forget(level->second, client);
    if (level->second.clients.empty()) levels_.erase(level);
  }

  // Takes out whatever `gone` says yes to, which may move from it.
  void RemoveIf(absl::FunctionRef<bool(T&)> gone) {
    for (auto level = levels_.begin(); level != levels_.end();) {
      auto& clients = level->second.clients;
      for (auto client = clients.begin(); client != clients.end();) {
        auto& waiting = client->second.waiting;
        for (auto it = waiting.begin(); it != waiting.end();) {
          const bool removed = gone(it->item);
          it = removed ? waiting.erase(it) : std::next(it);
          size_ -= removed ? 1 : 0;
        }
        client = Forget(level->second, client);
      }
      level = clients.empty() ? levels_.erase(level) : std::next(level);
    }
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  struct Waiting {
    int64_t tokens;
    T item;
  };
  struct Client {
    std::deque<Waiting> waiting;
    int64_t given = 0;  // tokens, on the level's clock
    int open = 0;       // taken and not settled
  };
  using Clients = std::map<std::string, Client>;
  struct Level {
    Clients clients;
    int64_t clock = 0;  // what the client served last had been given before
  };

  // False: kFull.
  bool ServeLevel(Level& level, absl::FunctionRef<Answer(T&)> answer) {
    std::map<typename Clients::key_type, size_t> next;  // by client: what is to be offered next
    for (;;) {
      typename Clients::iterator turn = level.clients.end();
      for (auto it = level.clients.begin(); it != level.clients.end(); ++it) {
        if (next[it->first] >= it->second.waiting.size()) continue;
        if (turn == level.clients.end() || it->second.given < turn->second.given) turn = it;
      }
      if (turn == level.clients.end()) return true;
      Client& client = turn->second;
      size_t& place = next[turn->first];
      Waiting& waiting = client.waiting[place];
      switch (answer(waiting.item)) {
        case Answer::kFull:
          return false;
        case Answer::kLater:
          ++place;
          break;
        case Answer::kTaken:
          level.clock = std::max(level.clock, client.given);
          client.given += waiting.tokens;
          ++client.open;
          client.waiting.erase(client.waiting.begin() + static_cast<std::ptrdiff_t>(place));
          --size_;
          break;
      }
    }
  }

  // Drops an account that nothing refers to.
  typename Clients::iterator Forget(Level& level, typename Clients::iterator client) {
    const bool idle = client->second.waiting.empty() && client->second.open == 0;
    return idle ? level.clients.erase(client) : std::next(client);
  }

  std::map<int, Level, std::greater<int>> levels_;
  size_t size_ = 0;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_FAIR_QUEUE_H_
