// Chunks to records and back (DESIGN 5; bytes in FORMAT.md). Pure functions for jobs on work lanes;
// the buffers are the caller's slots. What open() hands out was authenticated by the AEAD and
// equals its content id.
#pragma once

#include "codec/compress.h"
#include "codec/keyring.h"
#include "crypto/record.h"

namespace drey {

// D = HMAC-SHA256(K_dedup, type ‖ plain): the truth about a chunk's content.
ContentId content_id(const Keyring& keyring, ChunkType type, Bytes plain);

// Seals `plain` (at most kChunkBytesMax) under the keyring's current epoch. `content` must be
// content_id() of it. `record_room` holds kRecordBytesMax bytes (fewer are accepted when the result
// fits) and does not overlap `plain`. Compressed data is kept only when the padded record gets
// smaller. kTooLarge (plain or room), kNotFound (no epoch).
Status seal(const Keyring& keyring, Compressor& compressor, const Compression& compression,
            ChunkType type, const ContentId& content, Bytes plain, MutBytes record_room,
            size_t* record_size, ChunkId* chunk);

// Opens a record IN PLACE: its bytes are consumed, whatever the outcome; whoever needs the record
// again reads it again. `plain_room` holds kChunkBytesMax bytes and does not overlap.
// kInvalid / kUnsupported / kTooLarge (header, see inspect_record; plain_room too small), kNotFound
// (epoch key unknown), kCorrupt (tag, padding, stream or content id wrong: use another copy, or D
// is not this record's). plain_room is zeroed and *plain_size 0 unless kOk.
Status open(const Keyring& keyring, Compressor& compressor, ChunkType type,
            const ContentId& content, MutBytes record, MutBytes plain_room, size_t* plain_size);

// C = SHA-256(record).
ChunkId chunk_id(Bytes record);

}  // namespace drey
