// Lanes on threads of our own. Owned by the composition, in static storage. submit() and the
// completions are on the loop thread; run() of a job is on its lane's thread. Queues are lists
// through the jobs themselves, so nothing is allocated and none is ever full.
#pragma once

#include <pthread.h>
#include <uv.h>

#include <array>

#include "drey/ports.h"

namespace drey {

class UvLanes final : public Lanes {
 public:
  static constexpr size_t kWorkThreadsMax = 16;
  UvLanes() = default;
  ~UvLanes() override;
  // Starts 1 + 1 + work_threads threads with stacks of `stack_bytes`. kBusy when the system gives
  // no thread, kInvalid for 0 or more than kWorkThreadsMax.
  Status open(uv_loop_t* loop, size_t work_threads, size_t stack_bytes);
  // Runs what is queued to its end, joins the threads, closes the wake-up handle. Completions that
  // the loop has not seen yet are delivered to no one.
  void close();
  void submit(Lane lane, Job* job) override;
  size_t in_flight() const { return in_flight_; }  // loop thread; for the page

 private:
  static constexpr size_t kLanes = 3;
  struct Queue {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
    Job* head = nullptr;
    Job* tail = nullptr;
    bool stopping = false;
    UvLanes* lanes = nullptr;
  };
  static void* thread_main(void* queue);
  static Job* take(Queue* queue);
  void finished(Job* job);
  void deliver();

  std::array<Queue, kLanes> queues_;
  Queue done_;  // finished jobs on their way to the loop; its `wake` is the loop's async handle
  uv_async_t async_;
  std::array<pthread_t, kWorkThreadsMax + 2> threads_;
  size_t thread_count_ = 0;
  size_t in_flight_ = 0;
  bool is_open_ = false;
};

}  // namespace drey
