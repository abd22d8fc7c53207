#include "backup/chunk_cache.h"

namespace drey {

void ChunkCache::start(BackupContext* context, SlotShare::User user, Op* owner) {
  context_ = context;
  user_ = user;
  owner_ = owner;
  for (Entry& entry : entries_) {
    entry.cache = this;
    entry.loader.start(context);
    entry.fetched.set(context->ready, &entry, &Entry::on_fetched);
    entry.opened.set(context->ready, &entry, &Entry::on_opened);
  }
}

void ChunkCache::tell() {
  if (!owner_->is_queued()) owner_->complete(Status::kOk);
}

ChunkCache::Entry* ChunkCache::find(const ChunkRef& chunk) {
  for (Entry& entry : entries_)
    if (entry.state != State::kFree && entry.chunk == chunk) return &entry;
  return nullptr;
}

Status ChunkCache::get(const ChunkRef& chunk, Bytes* plain) {
  Entry* entry = find(chunk);
  if (entry == nullptr) {
    entry = free_entry(&chunk);
    if (entry != nullptr) (void)fetch(*entry, chunk, &chunk);
    return Status::kAgain;
  }
  if (entry->state == State::kFetched) (void)open(*entry);
  if (entry->state == State::kFailed) {
    Status status = entry->status;
    drop(*entry);
    return status == Status::kAgain ? Status::kIo : status;
  }
  if (entry->state != State::kPlain) return Status::kAgain;
  entry->used = ++clock_;
  *plain = entry->plain->room().first(entry->size);
  return Status::kOk;
}

void ChunkCache::prefetch(std::span<const ChunkRef> chunks) {
  for (const ChunkRef& chunk : chunks) {
    if (find(chunk) != nullptr) continue;
    Entry* entry = nullptr;
    for (Entry& candidate : entries_)
      if (candidate.state == State::kFree) entry = &candidate;
    // One slot stays for opening what arrives.
    if (entry == nullptr || context_->slots.available(user_) < 2) return;
    if (!fetch(*entry, chunk, nullptr)) return;
  }
}

OriginBuffer* ChunkCache::take_slot(const ChunkRef* keep) {
  while (true) {
    OriginBuffer* slot = context_->slots.take(user_);
    if (slot != nullptr) return slot;
    Entry* entry = victim(keep);
    if (entry == nullptr) return nullptr;
    drop(*entry);
  }
}

bool ChunkCache::shrink(const ChunkRef* keep) {
  bool left = false;
  for (Entry& entry : entries_) {
    bool kept = keep != nullptr && entry.chunk == *keep;
    if (entry.state != State::kFree && !entry.in_use() && !kept) drop(entry);
    left = left || entry.state != State::kFree;
  }
  return !left;
}

ChunkCache::Entry* ChunkCache::free_entry(const ChunkRef* keep) {
  for (Entry& entry : entries_)
    if (entry.state == State::kFree) return &entry;
  Entry* entry = victim(keep);
  if (entry != nullptr) drop(*entry);
  return entry;
}

// Failed ones hold nothing; opened ones go before those fetched ahead, the longest unused first.
ChunkCache::Entry* ChunkCache::victim(const ChunkRef* keep) {
  auto rank = [](const Entry& entry) {
    return entry.state == State::kFailed ? 0 : entry.state == State::kPlain ? 1 : 2;
  };
  Entry* worst = nullptr;
  for (Entry& entry : entries_) {
    if (entry.state == State::kFree || entry.in_use()) continue;
    if (keep != nullptr && entry.chunk == *keep) continue;
    bool worse = worst == nullptr || rank(entry) < rank(*worst) ||
                 (rank(entry) == rank(*worst) && entry.used < worst->used);
    if (worse) worst = &entry;
  }
  return worst;
}

void ChunkCache::drop(Entry& entry) {
  DREY_CHECK(!entry.in_use());
  if (entry.record != nullptr) context_->slots.give(user_, entry.record);
  if (entry.plain != nullptr) context_->slots.give(user_, entry.plain);
  entry.state = State::kFree;
}

// `keep` null: only when a slot is free.
bool ChunkCache::fetch(Entry& entry, const ChunkRef& chunk, const ChunkRef* keep) {
  OriginBuffer* record = keep != nullptr ? take_slot(keep) : context_->slots.take(user_);
  if (record == nullptr) return false;
  entry.record = record;
  entry.chunk = chunk;
  entry.used = ++clock_;
  entry.state = State::kFetching;
  entry.loader.fetch(chunk.d, chunk.c, ChunkType::kData, record, &entry.fetched);
  return true;
}

bool ChunkCache::open(Entry& entry) {
  entry.plain = take_slot(&entry.chunk);
  if (entry.plain == nullptr) return false;
  entry.state = State::kOpening;
  entry.loader.open(entry.plain->room().first(limits::kChunkBytesMax), &entry.opened);
  return true;
}

void ChunkCache::Entry::on_fetched(Status result) {
  state = ok(result) ? State::kFetched : State::kFailed;
  status = result;
  if (!ok(result)) cache->context_->slots.give(cache->user_, record);
  cache->tell();
}

void ChunkCache::Entry::on_opened(Status result) {
  cache->context_->slots.give(cache->user_, record);
  state = ok(result) ? State::kPlain : State::kFailed;
  status = result;
  size = loader.size();
  if (!ok(result)) cache->context_->slots.give(cache->user_, plain);
  cache->tell();
}

}  // namespace drey
