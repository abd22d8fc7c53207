#include "node/schedule_work.h"

#include <algorithm>

#include "drey/check.h"
#include "node/node.h"
#include "node/set_request.h"

namespace drey {

void NodeScheduleWork::start(Node* node, StateLog* state) {
  node_ = node;
  state_ = state;
  listed_.set(&node->ready(), this, &NodeScheduleWork::listed);
}

Status NodeScheduleWork::begin_backup(size_t set, Op* done) {
  SetRoom room;
  BackupRequest request;
  fill_set_request(*config_, set, room, &request);
  return node_->backup().backup(request, done);
}

Status NodeScheduleWork::begin_retention(size_t set, Op* done) {
  ForgetRequest request;
  request.policy = Scheduler::policy_of(*config_, set);
  request.only_set = set_tag(config_->set_name(set));
  return node_->backup().forget(request, done);
}

Status NodeScheduleWork::begin_confirm(int64_t wall_ns, Op* done) {
  agreed_ = false;
  wall_ns_ = wall_ns;
  DREY_TRY(node_->backup().list_snapshots(this, &listed_));
  confirm_done_ = done;
  return Status::kOk;
}

// A told time is a device's own word, sealed by it: it cannot be of before the device told it.
bool NodeScheduleWork::row(const SnapshotInfo& info) {
  agreed_ = info.node != node_->mesh().self() && ClockGuard::agrees(info.time_ns, wall_ns_);
  return !agreed_;
}

void NodeScheduleWork::listed(Status status) {
  Op* done = confirm_done_;
  confirm_done_ = nullptr;
  done->complete(agreed_ ? Status::kOk : ok(status) ? Status::kNotFound : status);
}

Status NodeScheduleWork::SaveJob::run() {
  return state->put({key.data(), key_size}, Bytes(value).first(value_size));
}

Status NodeScheduleWork::begin_save(std::string_view key, Bytes value, Op* done) {
  DREY_CHECK(key.size() <= save_.key.size() && value.size() <= save_.value.size());
  if (save_.in_flight) return Status::kBusy;
  save_.state = state_;
  save_.key_size = key.size();
  save_.value_size = value.size();
  std::copy(key.begin(), key.end(), save_.key.begin());
  std::copy(value.begin(), value.end(), save_.value.begin());
  save_.op = done;
  node_->ports().lanes->submit(Lane::kStore, &save_);
  return Status::kOk;
}

Status NodeScheduleWork::load(std::string_view key, MutBytes to, size_t* size) {
  return state_->get(key, to, size);
}

}  // namespace drey
