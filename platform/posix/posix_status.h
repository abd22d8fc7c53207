// errno as Status: one table for all of the platform, so that the same failure of the world reads
// the same everywhere. Callers keep errno itself for the log where it is first known.
#pragma once

#include "drey/status.h"

namespace drey {

// Files and directories. ENOSPC, EDQUOT, EFBIG -> kFull; EROFS -> kReadOnly; ENOENT -> kNotFound;
// EEXIST -> kExists; EACCES, EPERM -> kDenied; ENAMETOOLONG -> kTooLarge; EMFILE, ENFILE, ENOMEM ->
// kBusy; ELOOP, ENOTDIR (a link or file stands where a file or directory was) -> kChanged; ESPIPE,
// ENXIO, EOPNOTSUPP -> kUnsupported; EINVAL, EISDIR, ENOTEMPTY -> kInvalid; all else -> kIo.
Status file_status(int error);

// Sockets. EAGAIN -> kAgain; refused, reset, unreachable -> kClosed; ETIMEDOUT -> kTimeout;
// EADDRINUSE -> kExists; EADDRNOTAVAIL, ENOENT -> kNotFound; EMFILE, ENOBUFS -> kBusy;
// EACCES, EPERM -> kDenied; EMSGSIZE -> kTooLarge; EAFNOSUPPORT -> kUnsupported; all else -> kIo.
Status socket_status(int error);

}  // namespace drey
