# The shapes all our targets have: a static library a folder, a program a file, a test a file.

add_library(precis_options INTERFACE)
target_include_directories(precis_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(precis_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wshadow>
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>  # GCC 12 sees it in every std::optional of a tensor
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${PRECIS_WERROR}>>:-Werror>
  $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>
  $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${PRECIS_WERROR}>>:-Werror=all-warnings>)

# precis_use_pch(TARGET): the precompiled header that all users of LibTorch share; it is compiled once, as precis_pch.
function(precis_use_pch target)
  if(NOT TARGET precis_pch)
    file(WRITE ${CMAKE_BINARY_DIR}/precis_pch.cpp "")
    add_library(precis_pch OBJECT ${CMAKE_BINARY_DIR}/precis_pch.cpp)
    target_link_libraries(precis_pch PRIVATE precis_options precis_torch fmt::fmt Threads::Threads)
    target_compile_options(precis_pch PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)  # for ccache
    target_precompile_headers(precis_pch PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${CMAKE_SOURCE_DIR}/lib/cmake/torch_pch.h>)
  endif()
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
  target_precompile_headers(${target} REUSE_FROM precis_pch)
endfunction()

# What lets a compiler make vector code of sums, without giving up NaN and infinity.
set(PRECIS_VECTOR_MATH -fno-math-errno;-fno-trapping-math;-fno-signed-zeros;-fassociative-math)

# precis_kernels(ENDING OPTIONS...): how those of the caller's `sources` are compiled whose names end so, on x86.
function(precis_kernels ending)
  list(FILTER sources INCLUDE REGEX "${ending}\\.cpp$")
  if(sources AND PRECIS_CPU_ARCH AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set_source_files_properties(${sources} PROPERTIES
      COMPILE_OPTIONS "-O3;${ARGN}" SKIP_PRECOMPILE_HEADERS ON)  # one made for another -march is refused
  endif()
endfunction()

# precis_library(NAME [dependencies...]): the .cpp files in and below lib/NAME as a static library precis_NAME, and *.cu in a GPU
# build. Dependencies without a prefix are folders of lib. Files named *_cpu.cpp are compiled for
# PRECIS_CPU_ARCH, X_avx512.cpp and X_amx.cpp for these instructions (called where the CPU has them), all others for the compiler's
# default.
function(precis_library name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  if(PRECIS_HAS_CUDA)
    file(GLOB_RECURSE cuda_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cu)
  endif()
  add_library(precis_${name} STATIC ${sources} ${cuda_sources})
  target_link_libraries(precis_${name} PUBLIC precis_options)
  if(precis_torch IN_LIST ARGN)
    precis_use_pch(precis_${name})
  endif()
  precis_kernels("_cpu" -march=${PRECIS_CPU_ARCH} ${PRECIS_VECTOR_MATH})
  precis_kernels("_avx512" -march=x86-64-v4 -mprefer-vector-width=512 ${PRECIS_VECTOR_MATH})
  precis_kernels("_amx" -march=x86-64-v4 -mprefer-vector-width=512 -mamx-tile -mamx-bf16)
  foreach(dependency IN LISTS ARGN)
    if(dependency MATCHES "::|^precis_")
      target_link_libraries(precis_${name} PUBLIC ${dependency})
    else()
      target_link_libraries(precis_${name} PUBLIC precis_${dependency})
    endif()
  endforeach()
endfunction()

# precis_embed(NAME FUNCTION FILE): lib/NAME defines `std::string_view precis::FUNCTION()`, the content of a text file.
function(precis_embed name function file)
  file(READ ${file} PRECIS_EMBEDDED_TEXT)
  set(PRECIS_EMBEDDED_NAME ${function})
  configure_file(${CMAKE_SOURCE_DIR}/lib/cmake/embedded.cpp.in ${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp @ONLY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  target_sources(precis_${name} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp)
endfunction()

# precis_program(NAME libraries...): apps/NAME.cpp as NAME in the build folder, with a link at the root of the checkout.
function(precis_program name)
  add_executable(${name} ${name}.cpp)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  list(TRANSFORM ARGN PREPEND precis_)
  target_link_libraries(${name} PRIVATE ${ARGN})
  if(NOT TARGET programs)
    add_custom_target(programs)
  endif()
  add_dependencies(programs ${name})
  if(PRECIS_ROOT_LINKS)
    add_custom_command(TARGET ${name} POST_BUILD
      COMMAND ${CMAKE_COMMAND} -E create_symlink $<TARGET_FILE:${name}> ${CMAKE_SOURCE_DIR}/${name})
  endif()
endfunction()
option(PRECIS_ROOT_LINKS "Put a link to each program at the root of the checkout" ON)

# What both kinds of tests do: tests/FILE.cpp as a program with these libraries.
function(precis_test_program name file)
  add_executable(${name} ${file}.cpp)
  list(TRANSFORM ARGN PREPEND precis_)
  target_link_libraries(${name} PRIVATE ${ARGN} GTest::gtest)
  # -fPIC: as the shared precompiled header. The rest: false alarms of GCC 12 (text + text; EXPECT_... behind an if).
  target_compile_options(${name} PRIVATE -fPIC -Wno-restrict -Wno-dangling-else)
  foreach(library IN LISTS ARGN)
    get_target_property(linked ${library} INTERFACE_LINK_LIBRARIES)
    if(precis_torch IN_LIST linked)
      precis_use_pch(${name})
      return()
    endif()
  endforeach()
endfunction()

# precis_test(FILE libraries...): tests/FILE.cpp, a GoogleTest program, as one ctest entry. Labels of tests: unit, mpi
# (started by mpirun), gpu (needs one), slow (half a minute and more), peers (needs the Python references).
function(precis_test file)
  string(REPLACE "/" "_" name ${file})
  precis_test_program(${name} ${file} ${ARGN})
  target_link_libraries(${name} PRIVATE GTest::gtest_main)
  add_test(NAME ${file} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${file} PROPERTIES TIMEOUT 300 LABELS unit)
endfunction()

# precis_gpu_test(FILE libraries...): as precis_test, for tests that need a GPU; tests/run.sh leaves them out where none is.
function(precis_gpu_test file)
  precis_test(${file} ${ARGN})
  set_tests_properties(${file} PROPERTIES LABELS gpu RUN_SERIAL ON)
endfunction()

# precis_mpi_test(FILE RANKS libraries...): the same program under mpirun, once for each number of ranks.
function(precis_mpi_test file ranks)
  string(REPLACE "/" "_" name ${file})
  precis_test_program(${name} ${file} ${ARGN})
  foreach(count IN LISTS ranks)
    add_test(NAME ${file}-${count} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
      COMMAND ${CMAKE_SOURCE_DIR}/launch/local.sh ${count} $<TARGET_FILE:${name}>)
    set_tests_properties(${file}-${count} PROPERTIES TIMEOUT 300 PROCESSORS ${count}
      ENVIRONMENT "PRECIS_TEST_RANKS=${count}" LABELS mpi)
  endforeach()
endfunction()
