# What --version shows: the commit of this checkout, and what was built for. Only the file that says it is compiled anew where
# one of them changes. CMake runs again after a commit or a checkout of another one.
set(PRECIS_COMMIT unknown)
find_package(Git QUIET)
if(Git_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --show-toplevel WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    OUTPUT_VARIABLE toplevel OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  get_filename_component(source_dir ${CMAKE_SOURCE_DIR} REALPATH)
  if(toplevel STREQUAL source_dir)  # else the sources were unpacked inside another project's checkout
    execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --short HEAD WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
      OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --git-path logs/HEAD WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
      OUTPUT_VARIABLE head_log OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(commit)
      set(PRECIS_COMMIT ${commit})
      get_filename_component(head_log ${head_log} ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
      if(EXISTS ${head_log})
        set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${head_log})
      endif()
    endif()
  endif()
endif()
set_source_files_properties(config/version.cpp PROPERTIES COMPILE_DEFINITIONS
  "PRECIS_VERSION=\"${PROJECT_VERSION}\";PRECIS_COMMIT=\"${PRECIS_COMMIT}\";PRECIS_BUILD_TYPE=\"${CMAKE_BUILD_TYPE}\";PRECIS_YAML_CPP_VERSION=\"${yaml-cpp_VERSION}\"")
if(PRECIS_TORCH)
  string(REPLACE ";" " " architectures "${CMAKE_CUDA_ARCHITECTURES}")
  set_source_files_properties(programs/program.cpp PROPERTIES COMPILE_DEFINITIONS
    "PRECIS_TORCH_VERSION=\"${PRECIS_TORCH_VERSION}\";PRECIS_CUDA_VERSION=\"${PRECIS_CUDA_VERSION}\";PRECIS_CUDA_ARCHITECTURES=\"${architectures}\"")
endif()
