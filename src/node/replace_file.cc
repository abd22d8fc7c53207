#include "node/replace_file.h"

namespace drey {

Status replace_file(Disk& disk, const char* name, const char* fresh, Bytes content) {
  Result<Disk::File> file = disk.open(fresh, Disk::kWrite | Disk::kCreate);
  if (!file.ok()) return file.status();
  Status status = disk.truncate(file.value(), 0);
  if (ok(status)) status = disk.write_at(file.value(), 0, content);
  if (ok(status)) status = disk.sync(file.value());
  disk.close(file.value());
  DREY_TRY(status);
  DREY_TRY(disk.rename(fresh, name));
  return disk.sync_dir("");
}

}  // namespace drey
