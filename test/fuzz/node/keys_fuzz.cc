// DIR/drey.keys, whatever it holds. First byte: bit 0 = make the checksum right. What loads is
// written again as the same bytes. Loading derives two public keys, hence fewer runs.
#include <memory>
#include <vector>

#include "crypto/hash.h"
#include "drey/check.h"
#include "node/key_file.h"
#include "sim/sim_disk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace drey;
  if (size == 0) return 0;
  static std::unique_ptr<NodeKeys> keys;
  keys = std::make_unique<NodeKeys>();
  std::vector<uint8_t> file(data + 1, data + size);
  if ((data[0] & 1) != 0 && file.size() >= 32) {
    Key32 sum = sha256(Bytes(file).first(file.size() - 32));
    std::copy(sum.begin(), sum.end(), file.end() - 32);
  }
  SimDisk disk;
  disk.put(kKeyFileName, file);
  Status status = load_keys(disk, keys.get());
  DREY_CHECK(disk.open_count() == 0 && *disk.peek(kKeyFileName) == file);  // untouched
  if (!ok(status)) {
    DREY_CHECK(status == Status::kCorrupt || status == Status::kUnsupported);
    return 0;
  }
  DREY_CHECK(file.size() <= kKeyFileBytesMax);
  DREY_CHECK(!Id<int>{keys->sign.secret.raw}.is_zero() && keys->sign.pub[0] == 4);
  DREY_CHECK(!Id<int>{keys->wrap.secret.raw}.is_zero() && keys->wrap.pub[0] == 4);
  DREY_CHECK(ok(save_keys(disk, *keys)));
  // A vault has no keyring: what stands in its place is not kept.
  if (keys->role == NodeRole::kFull) DREY_CHECK(*disk.peek(kKeyFileName) == file);
  DREY_CHECK(ok(load_keys(disk, keys.get())));
  return 0;
}

extern "C" uint64_t drey_fuzz_runs_max() { return 4000; }
