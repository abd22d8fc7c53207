# As boards/generic-arm64, for the core of this board: the same libraries, other code of ours.
set(DREY_DEBIAN_ARCHITECTURE arm64)
set(DREY_PROGRAM_BYTES_MAX 3145728) # stripped, all libraries but the C library inside: 3 MiB
include(${CMAKE_CURRENT_LIST_DIR}/../generic-arm64/toolchain.cmake)
set(CMAKE_CXX_FLAGS_INIT "-mcpu=cortex-a72")
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-a72")
if(DEFINED CMAKE_CROSSCOMPILING_EMULATOR)
  set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -cpu cortex-a72 -L /usr/aarch64-linux-gnu)
endif()
