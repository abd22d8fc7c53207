# drey_lean(PROGRAM): only the C library is loaded at run time, and nothing that throws or unwinds is
# inside (platform/link says what and why). Not under sanitizers, which unwind.
function(drey_lean program)
  if(DREY_SANITIZE)
    return()
  endif()
  set(link ${CMAKE_SOURCE_DIR}/platform/link)
  target_sources(${program} PRIVATE ${link}/no_throw.cc)
  target_link_options(${program} PRIVATE -static-libstdc++ -static-libgcc)
  get_target_property(options ${program} LINK_OPTIONS)
  if("-static" IN_LIST options OR CMAKE_EXE_LINKER_FLAGS MATCHES "-static( |$)")
    target_sources(${program} PRIVATE ${link}/left_out_static.cc)
  endif()
  # 32-bit ARM has tables of its own kind, which its start-up code needs.
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^arm")
    target_link_options(${program} PRIVATE -Wl,-T,${link}/no_unwind.ld -Wl,--no-eh-frame-hdr)
    set_target_properties(${program} PROPERTIES LINK_DEPENDS ${link}/no_unwind.ld)
  endif()
endfunction()
