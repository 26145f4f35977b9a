# ccache where it is there: all checkouts share results, and files that use the precompiled header hit as well (their
# time macros and the header's own date do not count).
if(NOT CMAKE_CXX_COMPILER_LAUNCHER OR CMAKE_CXX_COMPILER_LAUNCHER STREQUAL "ccache")
  find_program(PRECIS_CCACHE ccache)
  mark_as_advanced(PRECIS_CCACHE)
  if(PRECIS_CCACHE)
    set(launcher env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${PRECIS_CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
    set(CMAKE_CUDA_COMPILER_LAUNCHER ${launcher})
  endif()
endif()
