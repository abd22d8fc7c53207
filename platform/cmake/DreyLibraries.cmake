# System libraries as imported targets. Debian packages only, linked statically where the distribution
# ships an archive, so that `drey` is one small binary. Headers and archives come from
# build/sysroot-ARCH when cross-compiling (sysroot.sh).
find_package(Threads REQUIRED)

function(drey_system_library target header)
  find_path(${target}_include ${header} REQUIRED)
  set(archives)
  foreach(name ${ARGN}) # `a|b`: the first that exists
    string(REPLACE "|" ";" choices ${name})
    set(files)
    foreach(choice ${choices})
      list(APPEND files lib${choice}.a ${choice})
    endforeach()
    find_library(${target}_${name} NAMES ${files} REQUIRED)
    list(APPEND archives ${${target}_${name}})
  endforeach()
  add_library(drey_ext_${target} INTERFACE)
  target_include_directories(drey_ext_${target} SYSTEM INTERFACE ${${target}_include})
  target_link_libraries(drey_ext_${target} INTERFACE ${archives} Threads::Threads)
  add_library(drey::${target} ALIAS drey_ext_${target})
endfunction()

drey_system_library(uv uv.h uv_a|uv) # the archive is libuv_a.a on Debian 12, libuv.a on 13
target_link_libraries(drey_ext_uv INTERFACE ${CMAKE_DL_LIBS})
drey_system_library(mbedcrypto mbedtls/sha256.h mbedcrypto)
drey_system_library(mbedtls mbedtls/ssl.h mbedtls mbedx509 mbedcrypto)
drey_system_library(sqlite sqlite3.h sqlite3)
target_link_libraries(drey_ext_sqlite INTERFACE m ${CMAKE_DL_LIBS})
drey_system_library(zlib zlib.h z)
drey_system_library(zstd zstd.h zstd)

# What Debian's archives refer to and nobody calls (platform/link/left_out.h), beside each library.
foreach(library sqlite zstd mbedtls)
  add_library(drey_left_out_${library} OBJECT ${CMAKE_SOURCE_DIR}/platform/link/left_out_${library}.cc)
  target_include_directories(drey_left_out_${library} PRIVATE ${CMAKE_SOURCE_DIR}/platform)
  target_compile_options(drey_left_out_${library} PRIVATE -Os -ffunction-sections -fdata-sections)
  target_link_libraries(drey_ext_${library} INTERFACE $<TARGET_OBJECTS:drey_left_out_${library}>)
endforeach()

# llhttp: a library on Debian 13 (libllhttp-dev), C source inside node-llhttp on Debian 12.
find_path(llhttp_include llhttp.h PATHS /usr/share/include/llhttp REQUIRED)
find_library(llhttp_archive NAMES libllhttp.a llhttp)
if(llhttp_archive)
  add_library(drey_ext_llhttp INTERFACE)
  target_link_libraries(drey_ext_llhttp INTERFACE ${llhttp_archive})
  target_include_directories(drey_ext_llhttp SYSTEM INTERFACE ${llhttp_include})
else()
  find_path(llhttp_source llhttp.c PATHS /usr/share/llhttp REQUIRED)
  add_library(drey_ext_llhttp STATIC ${llhttp_source}/llhttp.c ${llhttp_source}/api.c ${llhttp_source}/http.c)
  target_include_directories(drey_ext_llhttp SYSTEM PUBLIC ${llhttp_include})
endif()
add_library(drey::llhttp ALIAS drey_ext_llhttp)

find_path(jsmn_include jsmn.h REQUIRED)
add_library(drey_ext_jsmn INTERFACE)
target_include_directories(drey_ext_jsmn SYSTEM INTERFACE ${jsmn_include})
add_library(drey::jsmn ALIAS drey_ext_jsmn)
