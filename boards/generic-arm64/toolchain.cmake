# Cross-build for 64-bit ARM Debian (12 or 13) with g++-aarch64-linux-gnu. The target's libraries lie in
# build/sysroot-arm64 (platform/cmake/sysroot.sh); the C library is the cross compiler's own.
set(DREY_DEBIAN_ARCHITECTURE arm64)
set(DREY_PROGRAM_BYTES_MAX 3145728) # stripped, all libraries but the C library inside: 3 MiB
if(CMAKE_HOST_SYSTEM_PROCESSOR STREQUAL "aarch64")
  return() # built on such a board: nothing to cross
endif()
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH ${CMAKE_CURRENT_LIST_DIR}/../../build/sysroot-arm64)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
# Programs of the target find their dynamic libraries beside the cross compiler.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L /usr/aarch64-linux-gnu)
