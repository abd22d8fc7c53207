#include "posix/posix_status.h"

#include <cerrno>

namespace drey {

Status file_status(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Status::kFull;
    case EROFS:
      return Status::kReadOnly;
    case ENOENT:
      return Status::kNotFound;
    case EEXIST:
      return Status::kExists;
    case EACCES:
    case EPERM:
      return Status::kDenied;
    case ENAMETOOLONG:
      return Status::kTooLarge;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return Status::kBusy;
    case ELOOP:
    case ENOTDIR:
      return Status::kChanged;
    case ESPIPE:
    case ENXIO:
    case EOPNOTSUPP:
      return Status::kUnsupported;
    case EINVAL:
    case EISDIR:
    case ENOTEMPTY:
      return Status::kInvalid;
    default:
      return Status::kIo;
  }
}

Status socket_status(int error) {
  switch (error) {
    case EAGAIN:
      return Status::kAgain;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ENOTCONN:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
      return Status::kClosed;
    case ETIMEDOUT:
      return Status::kTimeout;
    case EADDRINUSE:
      return Status::kExists;
    case EADDRNOTAVAIL:
    case ENOENT:
      return Status::kNotFound;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return Status::kBusy;
    case EACCES:
    case EPERM:
      return Status::kDenied;
    case EMSGSIZE:
    case ENAMETOOLONG:
      return Status::kTooLarge;
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
      return Status::kUnsupported;
    default:
      return Status::kIo;
  }
}

}  // namespace drey
