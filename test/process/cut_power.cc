// Shuts a mounted file system down as a power cut would: cut_power DIRECTORY
// The log is not flushed (EXT4_GOING_FLAGS_NOLOGFLUSH); every later write or sync fails. For the
// process tests only; needs CAP_SYS_ADMIN and ext4, xfs or f2fs.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

int main(int count, char** words) {
  // _IOR('X', 125, __u32) of linux/fs.h: EXT4_IOC_SHUTDOWN; newer headers: FS_IOC_SHUTDOWN.
  constexpr unsigned long kShutdown = _IOR('X', 125, uint32_t);
  uint32_t no_log_flush = 2;
  if (count != 2) return 2;
  int fd = ::open(words[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || ::ioctl(fd, kShutdown, &no_log_flush) != 0) {
    std::perror("cut_power");
    return 1;
  }
  ::close(fd);
  return 0;
}
