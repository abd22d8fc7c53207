#!/usr/bin/env bash
# Fails when an object of the static libraries references an allocator (own code allocates nothing)
# or, in src, a function of the system (the world is behind the ports). This looks at what was
# compiled, so no macro or alias hides a call.
# Usage: symbols.sh NM src|platform ARCHIVE...
#
# _ZdlPv* (operator delete) is allowed: every virtual destructor emits a deleting variant that names
# it, whether or not anybody deletes. __throw_out_of_range_fmt stands in string_view::substr.
set -uo pipefail
nm=${1:?usage: symbols.sh NM src|platform ARCHIVE...}
where=${2:?usage: symbols.sh NM src|platform ARCHIVE...}
shift 2

allocators='malloc|calloc|realloc|reallocarray|free|cfree|posix_memalign|aligned_alloc|memalign|valloc|strdup|strndup|asprintf|vasprintf|__asprintf_chk|__vasprintf_chk|getline|getdelim|open_memstream|fopen|fopen64|fdopen|opendir|fdopendir|scandir|qsort|_Zn[wa].*|_Zda.*|__cxa_allocate_exception|__cxa_throw|__cxa_rethrow|_ZNSt7__cxx11.*|_ZNKSt7__cxx11.*|_ZNSt6thread.*|_ZSt20__throw_length_errorPKc'
world='open|open64|openat|openat64|creat|close|read|pread|pread64|write|pwrite|pwrite64|fsync|fdatasync|ftruncate|ftruncate64|unlink|unlinkat|remove|rename|renameat|mkdir|rmdir|stat|stat64|fstat|fstat64|lstat|lstat64|fstatat|fstatat64|statx|mmap|mmap64|ioctl|fcntl|fcntl64|socket|connect|accept|accept4|bind|listen|send|sendto|sendmsg|recv|recvfrom|recvmsg|poll|epoll_.*|select|getaddrinfo|getifaddrs|time|gettimeofday|clock_gettime|localtime.*|gmtime.*|mktime|timegm|sleep|usleep|nanosleep|rand|srand|random|getrandom|getentropy|getenv|secure_getenv|setenv|system|popen|fork|vfork|execv.*|posix_spawn.*|kill|exit|_exit|signal|sigaction|pthread_.*|syscall|printf|puts|putchar|__printf_chk|uv_.*'
# check_failed() in base/status.cc prints to stderr and aborts: fprintf and abort are not listed.

banned="^($allocators)$"
[ "$where" = src ] && banned="^($allocators|$world)$"
broken=0
for archive in "$@"; do
  if [ ! -e "$archive" ]; then
    echo "$archive is not built"
    broken=1
    continue
  fi
  found=$("$nm" -u "$archive" 2>/dev/null | awk -v banned="$banned" '
    /:$/ { object = $0; next }
    $1 == "U" && $2 ~ banned { printf "%s %s\n", object, $2 }')
  if [ -n "$found" ]; then
    printf '%s\n' "$found" | sed "s|^|$(basename "$archive"): |"
    broken=1
  fi
done
exit $broken
