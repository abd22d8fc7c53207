// A sequence of statements (each behind a length of two bytes) as a mesh's history, signatures
// taken for right: nothing may break, whatever the state that follows. And each as a head, as a
// FORGET and as an UNPIN.
#include <memory>

#include "drey/check.h"
#include "mesh/heads/forget.h"
#include "mesh/members/membership.h"
#include "mesh/removal/unpin.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace drey;
  static std::unique_ptr<Membership> membership = std::make_unique<Membership>();
  membership->reset(MeshId{});
  ByteReader in(Bytes(data, size));
  while (in.left() > 2) {
    size_t length = in.u16();
    Bytes bytes = in.bytes(length < in.left() ? length : in.left());
    Head head;
    if (ok(decode_head(bytes, &head))) DREY_CHECK(head.sequence != 0);
    Forget forget;
    if (ok(decode_forget(bytes, &forget))) {
      DREY_CHECK(says_all_of(forget, forget));
      for (size_t i = 0; i < forget.range_count; ++i)
        DREY_CHECK(forget.contains(forget.range(i).first) && forget.contains(forget.range(i).last));
      RangeBuilder again;
      again.begin(&forget);
      DREY_CHECK(ok(again.finish()) && equal(again.bytes(), forget.ranges));
    }
    Unpin unpin;
    if (ok(decode_unpin(bytes, &unpin))) {
      DREY_CHECK(unpin.number != 0 && !unpin.chunks.empty());
      DREY_CHECK(unpin.chunks.size() <= kUnpinChunksMax);
    }
    StatementId id, annulled;
    if (ok(decode_annulled(bytes, &annulled))) DREY_CHECK(equal(annulled.bytes(), bytes));
    Membership::Candidate candidate;
    Status checked = membership->check(bytes, &candidate);
    Status inserted = membership->insert(bytes, &id);
    DREY_CHECK(checked == inserted);
    if (ok(inserted)) DREY_CHECK(membership->has(id) && id == candidate.id);
  }
  membership->evaluate();
  DREY_CHECK(!membership->is_valid(StatementId{}));
  DREY_CHECK(membership->active_count() <= limits::kMembersMax);
  size_t active = 0;
  for (const Member& member : membership->members()) active += member.is_active() ? 1 : 0;
  DREY_CHECK(active == membership->active_count());
  return 0;
}
