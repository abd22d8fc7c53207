// A member of a Household that says what it likes, as a link without a node behind it.
#pragma once

#include "data_net.h"

namespace drey::data_test {

struct Rogue {
  Rogue(Household* household, Node& victim, const NodeId& as, bool member = true)
      : home(household) {
    link.owner = this;
    node = &victim;
    node->data.link_ready(link, as, member);
  }
  struct Link final : DataLink {
    Rogue* owner = nullptr;
    Status send(MessageType type, Bytes body) override {
      if (busy) return Status::kBusy;
      owner->got.push_back({type, {body.begin(), body.end()}});
      return Status::kOk;
    }
    Status send_bulk(MessageType type, Bytes head, Bytes bulk, Op* sent) override {
      owner->got.push_back({type, {head.begin(), head.end()}});
      owner->bulk.assign(bulk.begin(), bulk.end());
      sent->complete(Status::kOk);
      return Status::kOk;
    }
    void drop_bulk() override { dropped = true; }
    void close(Status) override { closed = true; }
    bool closed = false;
    bool dropped = false;
    bool busy = false;
  };
  template <class M>
  void say(const M& message) {
    std::array<uint8_t, M::kBytesMax> body;
    ByteWriter to(body);
    message.encode(to);
    node->data.link_message(link, M::kType, to.written());
  }
  PinMessage pin(const Record& record, uint32_t request, const NodeId& owner) {
    PinMessage message;
    message.request = request;
    message.c = record.c;
    message.size = static_cast<uint32_t>(record.bytes.size());
    message.owner = owner;
    message.number = 7;
    return message;
  }
  // True when the bulk was taken.
  bool put(const PinMessage& pin, Bytes bytes) {
    PutHead head;
    head.request = pin.request;
    head.c = pin.c;
    head.type = pin.type;
    head.owner = pin.owner;
    head.number = pin.number;
    std::array<uint8_t, PutHead::kBytesMax> body;
    ByteWriter to(body);
    head.encode(to);
    MutBytes room = node->data.link_bulk_begin(link, MessageType::kPut, to.written(), bytes.size());
    if (room.empty()) return false;
    std::copy(bytes.begin(), bytes.end(), room.begin());
    node->data.link_bulk_end(link, MessageType::kPut, to.written(), room, Status::kOk);
    return true;
  }
  // The answer to `request`, once there is one; kRefused + 100 when there is none.
  template <class M>
  Answer answer(uint32_t request) {
    Answer answer = static_cast<Answer>(100);
    home->run(50 * kMillisecond);
    for (auto& message : got) {
      M decoded;
      if (message.first != M::kType || !ok(M::decode(message.second, &decoded))) continue;
      if (decoded.request == request) answer = decoded.answer;
    }
    return answer;
  }
  Household* home;
  Node* node;
  Link link;
  std::vector<std::pair<MessageType, std::vector<uint8_t>>> got;
  std::vector<uint8_t> bulk;
};

}  // namespace drey::data_test
