// What the backup asks of the mesh, as one narrow interface: tests put a map behind it. Loop
// thread; requests as in mesh/requests.h: each op is completed exactly once, never inside the
// call's stack frame of the op's own step.
#pragma once

#include <span>

#include "drey/ids.h"
#include "mesh/data/data_types.h"
#include "mesh/requests.h"

namespace drey {

class RecordSpace {
 public:
  virtual ~RecordSpace() = default;
  virtual void push(PushRequest* request) = 0;
  virtual void fetch(FetchRequest* request) = 0;
  virtual void flush(FlushRequest* request) = 0;
  virtual void publish(StatementRequest* request) = 0;
  // Sequence and hash of the highest head known of this owner; false when there is none.
  virtual bool newest_head(const NodeId& owner, uint64_t* sequence, Key32* hash) = 0;
  // The number of the newest FORGET known of this owner; 0: none.
  virtual uint64_t forget_number(const NodeId& owner) {
    (void)owner;
    return 0;
  }
  // The device that `text` names: its name, or a unique prefix of its id in hex. kNotFound, kExists
  // (several).
  virtual Status find_node(std::string_view text, NodeId* to) = 0;
  // Whether `owner` is this node, or a device whose heir it is (recover --replace).
  virtual bool is_own(const NodeId& self, const NodeId& owner) { return self == owner; }
  // The device whose heir `owner` is; zero: none.
  virtual NodeId ancestor(const NodeId& owner) {
    (void)owner;
    return NodeId{};
  }
  // kOk. kExists while another device runs with this one's identity: both would give one number to
  // two snapshots, and each would forget without knowing what the other needs. kDenied: this device
  // is not part of the mesh any more.
  virtual Status may_sign() { return Status::kOk; }
  // True while some own record is held by nobody, as far as is known.
  virtual bool records_missing() = 0;
};

class Mesh;

// Mesh itself behind the interface.
class MeshSpace final : public RecordSpace {
 public:
  void set(Mesh* mesh) { mesh_ = mesh; }
  void push(PushRequest* request) override;
  void fetch(FetchRequest* request) override;
  void flush(FlushRequest* request) override;
  void publish(StatementRequest* request) override;
  bool newest_head(const NodeId& owner, uint64_t* sequence, Key32* hash) override;
  uint64_t forget_number(const NodeId& owner) override;
  Status find_node(std::string_view text, NodeId* to) override;
  bool is_own(const NodeId& self, const NodeId& owner) override;
  NodeId ancestor(const NodeId& owner) override;
  Status may_sign() override;
  bool records_missing() override;

 private:
  Mesh* mesh_ = nullptr;
};

}  // namespace drey
