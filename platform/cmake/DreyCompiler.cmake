# -O2, not -Os: sealing, hashing and cutting are the program's work, and they are small.
# The flags of our own code: every layer links drey_flags.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")

set(conversions "$<COMPILE_LANGUAGE:CXX>")
if(CMAKE_SIZEOF_VOID_P EQUAL 4) # tests and simulator mix 64-bit numbers and sizes freely
  set(conversions "$<AND:${conversions},$<NOT:$<STREQUAL:$<TARGET_PROPERTY:NAME>,drey_sim>>,\
$<NOT:$<STREQUAL:$<TARGET_PROPERTY:SOURCE_DIR>,${CMAKE_SOURCE_DIR}/test>>>")
endif()

add_library(drey_flags INTERFACE)
target_include_directories(drey_flags INTERFACE ${CMAKE_SOURCE_DIR}/include
                                                ${CMAKE_SOURCE_DIR}/boards/${BOARD})
target_compile_options(drey_flags INTERFACE
  -Wall -Wextra -Wshadow -Werror $<${conversions}:-Wconversion>
  -fno-rtti -fno-exceptions -fstack-protector-strong -ffunction-sections -fdata-sections -fno-common)
target_compile_definitions(drey_flags INTERFACE _FILE_OFFSET_BITS=64 _TIME_BITS=64 _GNU_SOURCE)
target_link_options(drey_flags INTERFACE -Wl,--gc-sections)
if(DREY_SANITIZE)
  target_compile_options(drey_flags INTERFACE -fsanitize=${DREY_SANITIZE} -fno-sanitize-recover=all
                                              -fno-omit-frame-pointer)
  target_link_options(drey_flags INTERFACE -fsanitize=${DREY_SANITIZE})
endif()
if(DREY_FUZZ) # clang, whose warnings are others: gcc's are the rule
  target_compile_options(drey_flags INTERFACE -fsanitize=fuzzer-no-link -Wno-error)
endif()
