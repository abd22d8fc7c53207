// A head from outside and inside. First byte: 0 = a signed head as sync brings it; 1 = a head's
// body, 2 = a body that is sealed first, so that the whole way is taken.
#include <algorithm>
#include <memory>

#include "backup/head_body.h"
#include "codec/head.h"
#include "drey/check.h"
#include "mesh/heads/head.h"

namespace {

using namespace drey;

class CountingRandom final : public Random {
 public:
  Status fill(MutBytes to) override {
    for (uint8_t& byte : to) byte = next_++;
    return Status::kOk;
  }

 private:
  uint8_t next_ = 1;
};

void try_outside(Bytes bytes) {
  Head head;
  if (!ok(decode_head(bytes, &head))) return;
  DREY_CHECK(bytes.size() <= limits::kHeadBytesMax && head.sequence != 0);
  DREY_CHECK(head.sealed.size() <= kHeadSealedBytesMax);
  std::array<uint8_t, limits::kHeadBytesMax> room;
  ByteWriter to(room);
  to.u8(1);
  to.bytes(head.owner.bytes());
  to.u64(head.sequence);
  to.bytes(head.previous);
  to.u64(head.epoch);
  to.u16(static_cast<uint16_t>(head.sealed.size()));
  to.bytes(head.sealed);
  to.bytes(head.signature);
  DREY_CHECK(to.ok() && equal(to.written(), bytes));
  NodeId owner;
  uint64_t sequence = 0;
  split_head_key(head_key(head.owner, head.sequence), &owner, &sequence);
  DREY_CHECK(owner == head.owner && sequence == head.sequence);
  Key32 hash = head_hash(bytes);
  DREY_CHECK(hash == head_hash(to.written()));
  static std::unique_ptr<HeadTable> table = std::make_unique<HeadTable>();
  table->reset();
  DREY_CHECK(ok(table->note(head_key(head.owner, head.sequence), hash)));
  DREY_CHECK(table->note(head_key(head.owner, head.sequence), hash) == Status::kExists);
  hash[0] ^= 1;
  DREY_CHECK(table->note(head_key(head.owner, head.sequence), hash) == Status::kCorrupt);
  DREY_CHECK(table->forked_count() == 1 && table->find(head.owner)->sequence == head.sequence);
  PublicKey other{};
  DREY_CHECK(verify_head(bytes, MeshId{}, other) == Status::kDenied);
}

void try_body(Bytes bytes) {
  static SnapshotInfo info, again;
  if (!ok(decode_head_body(bytes, &info))) return;
  DREY_CHECK(info.set_size > 0 && info.set_size <= limits::kNameBytesMax);
  DREY_CHECK(info.root_level < limits::kPageLevelsMax);
  DREY_CHECK(info.paths().size() <= SnapshotInfo::kPathsBytesMax);
  DREY_CHECK(info.paths().empty() || info.paths().back() == '\0');
  std::array<uint8_t, kHeadBodyBytes> room;
  encode_head_body(info, room);
  DREY_CHECK(ok(decode_head_body(room, &again)));
  DREY_CHECK(again.set() == info.set() && again.paths() == info.paths());
  DREY_CHECK(again.files == info.files && again.errors == info.errors);
  DREY_CHECK(again.root_d == info.root_d && again.root_c == info.root_c);
  DREY_CHECK(again.time_ns == info.time_ns && again.paths_cut == info.paths_cut);
}

void try_sealed(Bytes body) {
  static Keyring keyring;
  static CountingRandom random;
  if (keyring.epoch_count() == 0) {
    Epoch epoch;
    epoch.id = 1;
    DREY_CHECK(ok(keyring.add_epoch(epoch)));
  }
  if (body.size() > kHeadSealedBytesMax) return;
  HeadPlace place;
  place.sequence = 1;
  place.epoch = 1;
  std::array<uint8_t, kHeadSealedBytesMax + kHeadOverheadBytes> sealed;
  std::array<uint8_t, kHeadSealedBytesMax> plain;
  MutBytes box = MutBytes(sealed).first(body.size() + kHeadOverheadBytes);
  MutBytes out = MutBytes(plain).first(body.size());
  DREY_CHECK(ok(seal_head(keyring, random, place, body, box)));
  DREY_CHECK(ok(open_head(keyring, place, box, out)) && equal(out, body));
  box[body.size() / 2] ^= 1;
  DREY_CHECK(open_head(keyring, place, box, out) == Status::kCorrupt);
  DREY_CHECK(std::all_of(out.begin(), out.end(), [](uint8_t byte) { return byte == 0; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  Bytes input(data + 1, size - 1);
  if (data[0] == 0) {
    try_outside(input);
    return 0;
  }
  try_body(input);
  if (data[0] == 2) try_sealed(input);
  return 0;
}
