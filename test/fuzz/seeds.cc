// Writes the seeds of the corpora that are encodings of real objects: fuzz_seeds test/fuzz/corpus.
// Run it after a format changed; what fuzzing found lies beside its files and is kept.
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "backup/head_body.h"
#include "backup/page.h"
#include "backup/stream_format.h"
#include "codec/hpke.h"
#include "codec/phrase.h"
#include "codec/seal.h"
#include "drey/check.h"
#include "mesh/heads/head.h"
#include "node/key_file.h"
#include "sim/sim_disk.h"
#include "store/marker.h"
#include "store/segment_writer.h"
#include "store/state_log.h"

namespace {

using namespace drey;

std::filesystem::path corpus;

class CountingRandom final : public Random {
 public:
  Status fill(MutBytes to) override {
    for (uint8_t& byte : to) byte = static_cast<uint8_t>(1 + next_++ % 251);
    return Status::kOk;
  }

 private:
  unsigned next_ = 0;
};
CountingRandom randomness;

std::string text_of(Bytes bytes) { return std::string(as_text(bytes)); }

void write(const std::string& target, const std::string& name, const std::string& content) {
  std::filesystem::create_directories(corpus / target);
  std::ofstream(corpus / target / name, std::ios::binary) << content;
}

std::string mode(std::initializer_list<int> bytes) {
  std::string text;
  for (int byte : bytes) text += static_cast<char>(byte);
  return text;
}

// ---- store ----

void log_blocks() {
  std::array<uint8_t, 64> raw;
  SegmentHeader header;
  header.number = 3;
  header.salt = 0x1122334455667788;
  encode_segment_header(header, SegmentPart::kHeader, raw);
  write("log", "header", mode({0}) + text_of(raw));
  header.table_offset = 4096;
  encode_segment_header(header, SegmentPart::kTrailer, raw);
  write("log", "trailer", mode({1}) + text_of(raw));
  EntryHeader entry;
  entry.length = 100;
  entry.key.fill(7);
  encode_entry_header(entry, header.salt, 4096, raw);
  write("log", "entry", mode({0}) + text_of(raw));
  EntryHeader moved = entry;
  moved.type = EntryType::kUnpin;
  moved.origin = 2;
  encode_entry_header(moved, header.salt, 4096, raw);
  write("log", "moved_unpin", mode({0}) + text_of(raw));
  encode_entry_header(entry, header.salt, 4096, raw);
  std::array<uint8_t, 64> row;
  encode_table_row(raw, 4096, row);
  write("log", "table_row", mode({0}) + text_of(row));
  std::array<uint8_t, kOwnRowBytes> own;
  OwnedRecord record;
  record.size = 512;
  encode_own_row(record, own);
  write("log", "own_row", mode({0}) + text_of(own));
  write("log", "name", mode({0}) + "00000042.seg");
  SimDisk disk;
  DREY_CHECK(ok(write_marker(&disk, StoreId{1, 2, 3})));
  write("log", "marker", mode({1}) + text_of(*disk.peek("drey.format")));
}

void segments() {
  static std::array<uint8_t, 65536> window, rows;
  SimDisk disk;
  DREY_CHECK(ok(disk.make_dir("log")));
  SegmentHeader header;
  header.number = 1;
  header.salt = 0x0102030405060708;
  SegmentWriter writer;
  DREY_CHECK(ok(writer.create(&disk, header)));
  for (int i = 1; i <= 9; ++i) {
    EntryHeader entry;
    entry.type = static_cast<EntryType>(i == 7 ? 1 : i);
    entry.kind = 1;
    entry.number = static_cast<uint64_t>(i);
    entry.key.fill(static_cast<uint8_t>(i));
    DREY_CHECK(ok(writer.append(entry, as_bytes(std::string(static_cast<size_t>(i * 30), 'x')))));
  }
  std::string name = segment_name(1).data();
  write("segment", "open", mode({0}) + text_of(*disk.peek(name)));
  write("segment", "open_repaired", mode({3}) + text_of(*disk.peek(name)));
  DREY_CHECK(ok(writer.seal(window, rows)));
  std::string sealed = text_of(*disk.peek(name));
  write("segment", "sealed", mode({1}) + sealed);
  write("segment", "sealed_bodies", mode({3 | 8}) + sealed);
  write("segment", "faults", mode({3 | 16}) + sealed);
  write("segment", "no_ends", mode({5}) + std::string(64, '\0') + sealed.substr(64, 700));
}

void states() {
  static std::unique_ptr<StateLog> log = std::make_unique<StateLog>();
  SimDisk disk;
  DREY_CHECK(ok(log->open(&disk, nullptr)));
  write("state", "empty", mode({0}) + text_of(*disk.peek("drey.state")));
  for (std::string_view key : {"address/1", "address/2", "boot", "z"})
    DREY_CHECK(ok(log->put(key, as_bytes(key))));
  DREY_CHECK(ok(log->put("boot", {})) && ok(log->remove("z")));
  write("state", "few", mode({0}) + text_of(*disk.peek("drey.state")));
  write("state", "few_repaired", mode({1}) + text_of(*disk.peek("drey.state")));
}

// ---- backup ----

Entry entry_of(FileKind kind) {
  Entry entry;
  entry.kind = kind;
  entry.mode = 0644;
  entry.uid = 1000;
  entry.mtime_ns = 1700000000ll * 1000000000;
  entry.flags = Entry::kRecent;
  return entry;
}

std::string xattrs() {
  std::array<uint8_t, 64> room;
  ByteWriter to(room);
  to.u16(9);
  to.u32(5);
  to.text("user.namevalue");
  return text_of(to.written());
}

std::string entry_bytes(const Entry& entry) {
  std::array<uint8_t, 4096> room;
  size_t size = 0;
  DREY_CHECK(ok(encode_entry(entry, room, &size)));
  return text_of(Bytes(room).first(size));
}

std::string row(const std::string& entry, std::initializer_list<Extent> extents) {
  std::array<uint8_t, 1024> room;
  ByteWriter to(room);
  to.u16(static_cast<uint16_t>(extents.size()));
  for (const Extent& extent : extents) encode_extent(extent, to);
  return entry + text_of(to.written());
}

struct Kinds {
  std::string attributes = xattrs();
  Entry dir = entry_of(FileKind::kDir), file = entry_of(FileKind::kFile),
        link = entry_of(FileKind::kSymlink), device = entry_of(FileKind::kCharDevice),
        fifo = entry_of(FileKind::kFifo);
  Extent data, hole;
  Kinds() {
    file.size = 1100;
    file.hardlink = true;
    file.xattrs = as_bytes(attributes);
    link.link = as_bytes("../elsewhere");
    device.rdev_major = 1;
    data.chunk_bytes = 200;
    data.offset = 100;
    data.length = 100;
    hole.hole = true;
    hole.length = 1000;
  }
};

std::string leaf() {
  Kinds kinds;
  static std::array<uint8_t, limits::kPageBytesMax> room;
  PageWriter writer;
  writer.begin(room, 0);
  auto add = [&](std::string_view path, uint64_t offset, const std::string& body) {
    DREY_CHECK(writer.add({path, offset}, as_bytes(body)));
  };
  add("home", 0, row(entry_bytes(kinds.dir), {}));
  add("home/file", 0, row(entry_bytes(kinds.file), {kinds.data, kinds.hole}));
  add("home/file", 1100, row(mode({0xff}), {kinds.hole}));
  add("home/link", 0, row(entry_bytes(kinds.link), {}));
  add("home/null", 0, row(entry_bytes(kinds.device), {}));
  add("home/pipe", 0, row(entry_bytes(kinds.fifo), {}));
  return text_of(writer.finish());
}

std::string index(uint8_t level, std::initializer_list<std::pair<const char*, uint8_t>> children) {
  static std::array<uint8_t, kIndexBytesMax> room;
  PageWriter writer;
  writer.begin(room, level);
  for (const auto& [path, page] : children) {
    std::array<uint8_t, 64> body{};
    body[0] = page;
    DREY_CHECK(writer.add({path, 0}, body));
  }
  return text_of(writer.finish());
}

std::string leaf_with(std::initializer_list<const char*> paths) {
  static std::array<uint8_t, limits::kPageBytesMax> room;
  PageWriter writer;
  writer.begin(room, 0);
  std::string body = row(entry_bytes(entry_of(FileKind::kDir)), {});
  for (const char* path : paths) DREY_CHECK(writer.add({path, 0}, as_bytes(body)));
  return text_of(writer.finish());
}

std::string sized(const std::string& page) {
  return mode({static_cast<int>(page.size() & 255), static_cast<int>(page.size() >> 8)}) + page;
}

void pages() {
  write("page", "leaf", mode({0}) + leaf());
  write("page", "index", mode({1}) + index(1, {{"a", 0}, {"b/c", 1}, {"d", 2}}));
  write("page", "empty", mode({0}) + leaf_with({}));
  std::string tree = sized(index(2, {{"a", 1}, {"m", 2}})) + sized(index(1, {{"a", 3}, {"f", 4}})) +
                     sized(index(1, {{"m", 5}})) + sized(leaf_with({"a", "a/b", "c"})) +
                     sized(leaf_with({"f", "g"})) + sized(leaf_with({"m", "n/o", "p"}));
  write("tree", "three_levels", mode({2, 0}) + tree);
  write("tree", "with_losses", mode({2, 3}) + tree);
  write("tree", "one_leaf", mode({0, 0}) + sized(leaf()));
}

void heads() {
  static SnapshotInfo info;
  info.files = 9;
  info.set_size = 4;
  std::copy_n("home", 4, info.set_data.begin());
  info.paths_size = 6;
  std::copy_n("/home", 6, info.paths_data.begin());
  std::array<uint8_t, kHeadBodyBytes> body;
  encode_head_body(info, body);
  write("head", "body", mode({1}) + text_of(body));
  write("head", "sealed", mode({2}) + text_of(body));
  KeyPair owner;
  DREY_CHECK(ok(generate_key(randomness, &owner)));
  Head head;
  head.owner = node_id(owner.pub);
  head.sequence = 5;
  head.epoch = 1;
  head.sealed = body;
  std::array<uint8_t, limits::kHeadBytesMax> room;
  Result<size_t> size = encode_head(owner, MeshId{}, &head, room);
  DREY_CHECK(size.ok());
  write("head", "signed", mode({0}) + text_of(Bytes(room).first(size.value())));
}

std::string frame(FrameType type, const std::string& body) {
  std::array<uint8_t, kFrameHeaderBytes> room;
  ByteWriter to(room);
  encode_frame_header(type, body.size(), to);
  return text_of(room) + body;
}

void streams() {
  Kinds kinds;
  std::array<uint8_t, 256> room;
  ByteWriter to(room);
  encode_start(to);
  std::string text = text_of(to.written());
  text += frame(FrameType::kEntry, mode({4, 0}) + "home" + entry_bytes(kinds.dir));
  text += frame(FrameType::kEntry, mode({6, 0}) + "home/f" + entry_bytes(kinds.file));
  text += frame(FrameType::kData, std::string(8, '\0') + "contents");
  ByteWriter rest(room);
  encode_range_frame(FrameType::kHole, {8, 92, Status::kOk}, rest);
  encode_range_frame(FrameType::kMissing, {100, 1000, Status::kNotFound}, rest);
  encode_lost(Status::kCorrupt, rest);
  encode_end_frame({1, 8, 2, Status::kOk}, rest);
  write("stream", "whole", mode({255, 0}) + text + text_of(rest.written()));
  write("stream", "bytewise", mode({0, 0}) + text + text_of(rest.written()));
  write("stream", "stopped", mode({9, 2}) + text + text_of(rest.written()));
  write("stream", "cut", mode({9, 0}) + text);
}

// ---- codec, node ----

void codec() {
  static Compressor compressor;
  static std::array<uint8_t, limits::kRecordBytesMax> room;
  std::string plain = "drey drey drey drey drey drey drey", longer;
  for (int i = 0; i < 40; ++i) longer += plain + std::to_string(i);
  for (auto [name, id] : {std::pair{"zlib", CodecId::kZlib}, std::pair{"zstd", CodecId::kZstd}}) {
    Result<size_t> size = compressor.compress({false, id, 6}, as_bytes(longer), room);
    DREY_CHECK(size.ok());
    std::string packed = text_of(Bytes(room).first(size.value()));
    int low = static_cast<int>(longer.size() & 255), high = static_cast<int>(longer.size() >> 8);
    write("inflate", name, mode({static_cast<int>(id), low, high}) + packed);
    write("record", name, mode({1, static_cast<int>(id), low, high, 0, 0}) + packed);
  }
  write("inflate", "raw", mode({0, 34, 0}) + plain);
  write("record", "raw", mode({1, 0, 34, 0, 0, 0}) + plain);
  Keyring keyring;
  Secret<32> secret;
  secret.raw.fill(0x40);
  keyring.reset(MeshId{}, secret);
  Epoch epoch;
  epoch.id = 1;
  epoch.seed.raw.fill(0x80);
  DREY_CHECK(ok(keyring.add_epoch(epoch)));
  ContentId content = content_id(keyring, ChunkType::kData, as_bytes(plain));
  size_t size = 0;
  ChunkId chunk;
  DREY_CHECK(ok(seal(keyring, compressor, {}, ChunkType::kData, content, as_bytes(plain), room,
                     &size, &chunk)));
  write("record", "sealed", mode({0}) + text_of(Bytes(room).first(size)));

  std::array<uint8_t, Keyring::kEncodedBytesMax> encoded;
  write("keyring", "one", text_of(Bytes(encoded).first(keyring.encode(encoded).value())));
  epoch.id = 9;
  DREY_CHECK(ok(keyring.add_epoch(epoch)) && ok(keyring.add_beacon_key({1, epoch.seed})) &&
             ok(keyring.add_beacon_key({2, secret})));
  write("keyring", "more", text_of(Bytes(encoded).first(keyring.encode(encoded).value())));

  write("hpke", "sealed_here", mode({1, 70}) + plain);
  write("hpke", "valid_point", mode({2, 0}) + std::string(120, 'x'));
  write("hpke", "no_point", mode({0, 0}) + mode({4}) + std::string(120, 'x'));

  Phrase phrase;
  PairCode code;
  DREY_CHECK(ok(phrase_generate(randomness, &phrase)) && ok(pair_code_generate(randomness, &code)));
  std::array<uint8_t, kPhraseTextBytes> words;
  write("words", "phrase", std::string(phrase_format(phrase, words)));
  write("words", "code", std::string(pair_code_format(code, words)));
  write("words", "secret", text_of(phrase.secret.bytes()) + "\x01\x02\x03 noise");

  auto keys = std::make_unique<NodeKeys>();
  DREY_CHECK(ok(generate_key(randomness, &keys->sign)) &&
             ok(generate_key(randomness, &keys->wrap)));
  keys->beacon_key_count = 1;
  SimDisk disk;
  DREY_CHECK(ok(save_keys(disk, *keys)));
  write("keys", "vault", mode({0}) + text_of(*disk.peek(kKeyFileName)));
  keys->role = NodeRole::kFull;
  keys->keyring = keyring;
  DREY_CHECK(ok(save_keys(disk, *keys)));
  write("keys", "full", mode({1}) + text_of(*disk.peek(kKeyFileName)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  corpus = argv[1];
  log_blocks();
  segments();
  states();
  pages();
  heads();
  streams();
  codec();
  return 0;
}
