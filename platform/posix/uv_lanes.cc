#include "posix/uv_lanes.h"

#include <signal.h>

#include "drey/check.h"

namespace drey {

UvLanes::~UvLanes() { close(); }

Status UvLanes::open(uv_loop_t* loop, size_t work_threads, size_t stack_bytes) {
  DREY_CHECK(!is_open_);
  if (work_threads == 0 || work_threads > kWorkThreadsMax) return Status::kInvalid;
  auto on_wake = [](uv_async_t* handle) { static_cast<UvLanes*>(handle->data)->deliver(); };
  if (uv_async_init(loop, &async_, on_wake) != 0) return Status::kBusy;
  async_.data = this;
  is_open_ = true;
  for (Queue& queue : queues_) {
    queue.lanes = this;
    queue.stopping = false;
  }
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  // Signals are the loop's: threads inherit a mask that blocks them all.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  Status status = Status::kOk;
  for (size_t i = 0; i < work_threads + 2 && ok(status); ++i) {
    Queue* queue = &queues_[i < 2 ? i : static_cast<size_t>(Lane::kWork)];
    if (pthread_create(&threads_[i], &attributes, &thread_main, queue) != 0)
      status = Status::kBusy;
    else
      thread_count_ = i + 1;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (!ok(status)) close();
  return status;
}

void UvLanes::close() {
  if (!is_open_) return;
  for (Queue& queue : queues_) {
    pthread_mutex_lock(&queue.mutex);
    queue.stopping = true;
    pthread_cond_broadcast(&queue.wake);
    pthread_mutex_unlock(&queue.mutex);
  }
  for (size_t i = 0; i < thread_count_; ++i) pthread_join(threads_[i], nullptr);
  thread_count_ = 0;
  done_.head = done_.tail = nullptr;
  in_flight_ = 0;
  uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
  is_open_ = false;
}

void UvLanes::submit(Lane lane, Job* job) {
  DREY_CHECK(is_open_ && !job->in_flight);
  job->in_flight = true;
  job->next = nullptr;
  ++in_flight_;
  Queue& queue = queues_[static_cast<size_t>(lane)];
  pthread_mutex_lock(&queue.mutex);
  (queue.tail != nullptr ? queue.tail->next : queue.head) = job;
  queue.tail = job;
  pthread_cond_signal(&queue.wake);
  pthread_mutex_unlock(&queue.mutex);
}

// Null when the lane stops and its queue is empty.
Job* UvLanes::take(Queue* queue) {
  pthread_mutex_lock(&queue->mutex);
  while (queue->head == nullptr && !queue->stopping) pthread_cond_wait(&queue->wake, &queue->mutex);
  Job* job = queue->head;
  if (job != nullptr) {
    queue->head = job->next;
    if (queue->head == nullptr) queue->tail = nullptr;
    job->next = nullptr;
  }
  pthread_mutex_unlock(&queue->mutex);
  return job;
}

void* UvLanes::thread_main(void* argument) {
  auto* queue = static_cast<Queue*>(argument);
  while (Job* job = take(queue)) {
    job->result = job->run();
    queue->lanes->finished(job);
  }
  return nullptr;
}

void UvLanes::finished(Job* job) {
  pthread_mutex_lock(&done_.mutex);
  (done_.tail != nullptr ? done_.tail->next : done_.head) = job;
  done_.tail = job;
  pthread_mutex_unlock(&done_.mutex);
  uv_async_send(&async_);
}

void UvLanes::deliver() {
  pthread_mutex_lock(&done_.mutex);
  Job* job = done_.head;
  done_.head = done_.tail = nullptr;
  pthread_mutex_unlock(&done_.mutex);
  while (job != nullptr) {
    Job* next = job->next;
    job->next = nullptr;
    job->in_flight = false;
    --in_flight_;
    if (job->op != nullptr) job->op->complete(job->result);
    job = next;
  }
}

}  // namespace drey
