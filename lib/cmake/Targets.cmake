# The shapes all our targets have: a static library a folder, a program a file, a test a file.

add_library(precis_options INTERFACE)
target_include_directories(precis_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(precis_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wshadow>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${PRECIS_WERROR}>>:-Werror>)

# precis_library(NAME [dependencies...]): lib/NAME/*.cpp as a static library precis_NAME. Dependencies without
# a prefix are folders of lib.
function(precis_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  add_library(precis_${name} STATIC ${sources})
  target_link_libraries(precis_${name} PUBLIC precis_options)
  foreach(dependency IN LISTS ARGN)
    if(dependency MATCHES "::|^precis_")
      target_link_libraries(precis_${name} PUBLIC ${dependency})
    else()
      target_link_libraries(precis_${name} PUBLIC precis_${dependency})
    endif()
  endforeach()
endfunction()

# precis_cpu_kernels(FILE...): files that are compiled for PRECIS_CPU_ARCH; paths from the current folder.
function(precis_cpu_kernels)
  if(PRECIS_CPU_ARCH)
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS -march=${PRECIS_CPU_ARCH})
  endif()
endfunction()

# precis_program(NAME libraries...): apps/NAME.cpp as NAME in the build folder, with a link at the root of the checkout.
function(precis_program name)
  add_executable(${name} ${name}.cpp)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  list(TRANSFORM ARGN PREPEND precis_)
  target_link_libraries(${name} PRIVATE ${ARGN})
  if(PRECIS_ROOT_LINKS)
    add_custom_command(TARGET ${name} POST_BUILD
      COMMAND ${CMAKE_COMMAND} -E create_symlink $<TARGET_FILE:${name}> ${CMAKE_SOURCE_DIR}/${name})
  endif()
endfunction()
option(PRECIS_ROOT_LINKS "Put a link to each program at the root of the checkout" ON)

# precis_test(FILE libraries...): tests/FILE.cpp, a GoogleTest program, as one ctest entry.
function(precis_test file)
  string(REPLACE "/" "_" name ${file})
  add_executable(${name} ${file}.cpp)
  list(TRANSFORM ARGN PREPEND precis_)
  target_link_libraries(${name} PRIVATE ${ARGN} GTest::gtest GTest::gtest_main)
  add_test(NAME ${file} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${file} PROPERTIES TIMEOUT 300)
endfunction()

# precis_mpi_test(FILE RANKS libraries...): the same program under mpirun, once for each number of ranks.
function(precis_mpi_test file ranks)
  string(REPLACE "/" "_" name ${file})
  add_executable(${name} ${file}.cpp)
  list(TRANSFORM ARGN PREPEND precis_)
  target_link_libraries(${name} PRIVATE ${ARGN} GTest::gtest)
  foreach(count IN LISTS ranks)
    add_test(NAME ${file}-${count} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
      COMMAND ${CMAKE_SOURCE_DIR}/launch/local.sh ${count} $<TARGET_FILE:${name}>)
    set_tests_properties(${file}-${count} PROPERTIES TIMEOUT 300 ENVIRONMENT "PRECIS_TEST_RANKS=${count}")
  endforeach()
endfunction()
