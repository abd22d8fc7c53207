#include "store/index_vfs.h"

#include <cstdio>
#include <cstring>

#include "crypto/crc32c.h"
#include "drey/check.h"

namespace drey {

// SQLite owns the memory (szOsFile bytes); the first member must be its base.
struct IndexFile {
  sqlite3_file base;
  IndexVfs* vfs;
  Disk::File file;
  bool pages;  // the database itself, not its WAL

  static IndexFile* of(sqlite3_file* file) { return reinterpret_cast<IndexFile*>(file); }
  static IndexVfs* of(sqlite3_vfs* vfs) { return static_cast<IndexVfs*>(vfs->pAppData); }
  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out);
  static int remove(sqlite3_vfs* vfs, const char* name, int sync_dir);
  static int access(sqlite3_vfs* vfs, const char* name, int flags, int* result);
  static int full_path(sqlite3_vfs* vfs, const char* name, int bytes, char* to);
  static int close(sqlite3_file* file);
  static int read(sqlite3_file* file, void* to, int bytes, sqlite3_int64 offset);
  static int write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset);
  static int truncate(sqlite3_file* file, sqlite3_int64 size);
  static int sync(sqlite3_file* file, int flags);
  static int size(sqlite3_file* file, sqlite3_int64* size);
};

namespace {

// The place is part of the checksum, so that a page written elsewhere is damage too.
uint32_t page_crc(const uint8_t* page, sqlite3_int64 offset) {
  std::array<uint8_t, 8> seed;
  store_le<uint64_t>(seed.data(), static_cast<uint64_t>(offset) + 1);
  return crc32c(crc32c(0, seed),
                {page, IndexVfs::kPageBytes - static_cast<size_t>(IndexVfs::kReservedBytes)});
}

bool is_page(bool pages, int bytes, sqlite3_int64 offset) {
  return pages && bytes == static_cast<int>(IndexVfs::kPageBytes) &&
         offset % static_cast<sqlite3_int64>(IndexVfs::kPageBytes) == 0;
}

// One process, one connection: the lock file of the store is the lock.
int no_lock(sqlite3_file*, int) { return SQLITE_OK; }
int not_reserved(sqlite3_file*, int* result) {
  *result = 0;
  return SQLITE_OK;
}
int no_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 512; }
// Appends reach the size after the data on no disk we trust: promise nothing.
int no_promises(sqlite3_file*) { return 0; }

const sqlite3_io_methods kMethods = {
    .iVersion = 1,  // no shared memory, no mmap
    .xClose = IndexFile::close,
    .xRead = IndexFile::read,
    .xWrite = IndexFile::write,
    .xTruncate = IndexFile::truncate,
    .xSync = IndexFile::sync,
    .xFileSize = IndexFile::size,
    .xLock = no_lock,
    .xUnlock = no_lock,
    .xCheckReservedLock = not_reserved,
    .xFileControl = no_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = no_promises,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

}  // namespace

int IndexVfs::failed(Status status, int code) {
  last_failure_ = status;
  if (status == Status::kFull) return SQLITE_FULL;
  if (status == Status::kReadOnly) return SQLITE_READONLY;
  return code;
}

int IndexFile::open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
  IndexVfs& owner = *of(vfs);
  IndexFile& self = *of(file);
  self.base.pMethods = nullptr;
  if (name == nullptr) return SQLITE_CANTOPEN;  // temporary files: nothing of ours needs one
  uint32_t open_flags = Disk::kRead;
  if ((flags & SQLITE_OPEN_READWRITE) != 0) open_flags |= Disk::kWrite;
  if ((flags & SQLITE_OPEN_CREATE) != 0) open_flags |= Disk::kCreate;
  Result<Disk::File> opened = owner.disk_->open(name, open_flags);
  if (!opened.ok()) return owner.failed(opened.status(), SQLITE_CANTOPEN);
  self.vfs = &owner;
  self.file = opened.value();
  self.pages = (flags & SQLITE_OPEN_MAIN_DB) != 0;
  self.base.pMethods = &kMethods;
  if (out != nullptr) *out = flags;
  return SQLITE_OK;
}

int IndexFile::remove(sqlite3_vfs* vfs, const char* name, int sync_dir) {
  IndexVfs& owner = *of(vfs);
  Status status = owner.disk_->remove(name);
  if (status == Status::kNotFound) return SQLITE_IOERR_DELETE_NOENT;
  if (ok(status) && sync_dir != 0) status = owner.disk_->sync_dir("");
  return ok(status) ? SQLITE_OK : owner.failed(status, SQLITE_IOERR_DELETE);
}

int IndexFile::access(sqlite3_vfs* vfs, const char* name, int, int* result) {
  IndexVfs& owner = *of(vfs);
  *result = 0;
  Result<Disk::File> opened = owner.disk_->open(name, Disk::kRead);
  if (opened.status() == Status::kNotFound) return SQLITE_OK;
  if (!opened.ok()) return owner.failed(opened.status(), SQLITE_IOERR_ACCESS);
  // SQLite asks this of journals and takes an empty one for none.
  Result<uint64_t> bytes = owner.disk_->size(opened.value());
  owner.disk_->close(opened.value());
  if (!bytes.ok()) return owner.failed(bytes.status(), SQLITE_IOERR_ACCESS);
  *result = bytes.value() != 0 ? 1 : 0;
  return SQLITE_OK;
}

int IndexFile::full_path(sqlite3_vfs*, const char* name, int bytes, char* to) {
  size_t length = std::strlen(name);
  if (length + 1 > static_cast<size_t>(bytes)) return SQLITE_CANTOPEN;
  std::memcpy(to, name, length + 1);
  return SQLITE_OK;
}

int IndexFile::close(sqlite3_file* file) {
  IndexFile& self = *of(file);
  self.vfs->disk_->close(self.file);
  return SQLITE_OK;
}

int IndexFile::read(sqlite3_file* file, void* to, int bytes, sqlite3_int64 offset) {
  IndexFile& self = *of(file);
  auto* room = static_cast<uint8_t*>(to);
  auto size = static_cast<size_t>(bytes);
  Result<size_t> got =
      self.vfs->disk_->read_at(self.file, static_cast<uint64_t>(offset), {room, size});
  if (!got.ok()) return self.vfs->failed(got.status(), SQLITE_IOERR_READ);
  if (got.value() < size) {
    std::memset(room + got.value(), 0, size - got.value());
    return SQLITE_IOERR_SHORT_READ;
  }
  if (!is_page(self.pages, bytes, offset)) return SQLITE_OK;
  size_t at = IndexVfs::kPageBytes - static_cast<size_t>(IndexVfs::kReservedBytes);
  return load_le<uint32_t>(room + at) == page_crc(room, offset) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

int IndexFile::write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
  IndexFile& self = *of(file);
  Bytes data{static_cast<const uint8_t*>(from), static_cast<size_t>(bytes)};
  std::array<uint8_t, IndexVfs::kPageBytes> page;
  if (is_page(self.pages, bytes, offset)) {
    std::memcpy(page.data(), from, page.size());
    size_t at = page.size() - static_cast<size_t>(IndexVfs::kReservedBytes);
    std::memset(page.data() + at, 0, static_cast<size_t>(IndexVfs::kReservedBytes));
    store_le<uint32_t>(page.data() + at, page_crc(page.data(), offset));
    data = page;
  }
  Status status = self.vfs->disk_->write_at(self.file, static_cast<uint64_t>(offset), data);
  if (!ok(status)) return self.vfs->failed(status, SQLITE_IOERR_WRITE);
  self.vfs->written_bytes_ += data.size();
  return SQLITE_OK;
}

int IndexFile::truncate(sqlite3_file* file, sqlite3_int64 size) {
  IndexFile& self = *of(file);
  Status status = self.vfs->disk_->truncate(self.file, static_cast<uint64_t>(size));
  return ok(status) ? SQLITE_OK : self.vfs->failed(status, SQLITE_IOERR_TRUNCATE);
}

int IndexFile::sync(sqlite3_file* file, int) {
  IndexFile& self = *of(file);
  IndexVfs& owner = *self.vfs;
  // After a failed sync the kernel may call lost pages clean: a second one would lie (DESIGN 7).
  if (owner.sync_failed_) return SQLITE_IOERR_FSYNC;
  Status status = owner.disk_->sync(self.file);
  if (ok(status)) return SQLITE_OK;
  owner.sync_failed_ = true;
  return owner.failed(status, SQLITE_IOERR_FSYNC);
}

int IndexFile::size(sqlite3_file* file, sqlite3_int64* size) {
  IndexFile& self = *of(file);
  Result<uint64_t> bytes = self.vfs->disk_->size(self.file);
  if (!bytes.ok()) return self.vfs->failed(bytes.status(), SQLITE_IOERR_FSTAT);
  *size = static_cast<sqlite3_int64>(bytes.value());
  return SQLITE_OK;
}

void IndexVfs::start(Disk* disk) {
  DREY_CHECK(!started_);
  disk_ = disk;
  sync_failed_ = false;
  // SQLite finds file systems by name; the address makes it unique among the stores of a process.
  std::snprintf(name_.data(), name_.size(), "drey-%p", static_cast<void*>(this));
  vfs_ = *sqlite3_vfs_find("drey-none");
  vfs_.pNext = nullptr;
  vfs_.zName = name_.data();
  vfs_.szOsFile = static_cast<int>(sizeof(IndexFile));
  vfs_.pAppData = this;
  vfs_.xOpen = IndexFile::open;
  vfs_.xDelete = IndexFile::remove;
  vfs_.xAccess = IndexFile::access;
  vfs_.xFullPathname = IndexFile::full_path;
  DREY_CHECK(sqlite3_vfs_register(&vfs_, 0) == SQLITE_OK);
  started_ = true;
}

void IndexVfs::stop() {
  if (!started_) return;
  sqlite3_vfs_unregister(&vfs_);
  started_ = false;
}

}  // namespace drey
