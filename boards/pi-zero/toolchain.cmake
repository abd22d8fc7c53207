# Cross-build for ARMv6 with g++-arm-linux-gnueabi and Debian's armel libraries (Debian's armhf needs
# ARMv7 and dies on a Pi Zero with SIGILL). Static: it runs on any 32-bit Raspberry Pi OS, whose own
# libraries use another calling convention. The target's
# libraries lie in build/sysroot-armel (platform/cmake/sysroot.sh); the C library is the cross compiler's own.
set(DREY_DEBIAN_ARCHITECTURE armel)
# The package is for 32-bit Raspberry Pi OS, which calls itself armhf.
set(DREY_PACKAGE_ARCHITECTURE armhf)
set(DREY_PROGRAM_BYTES_MAX 3670016) # stripped, the C library inside as well: 3.5 MiB
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv6)
set(CMAKE_C_COMPILER arm-linux-gnueabi-gcc)
set(CMAKE_CXX_COMPILER arm-linux-gnueabi-g++)
set(CMAKE_LIBRARY_ARCHITECTURE arm-linux-gnueabi)
set(CMAKE_CXX_FLAGS_INIT "-march=armv6k -marm -mfpu=vfp -mfloat-abi=softfp")
set(CMAKE_C_FLAGS_INIT "${CMAKE_CXX_FLAGS_INIT}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
set(CMAKE_FIND_ROOT_PATH ${CMAKE_CURRENT_LIST_DIR}/../../build/sysroot-armel)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
# Programs of the target find their dynamic libraries beside the cross compiler.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-arm-static -cpu arm1176)
