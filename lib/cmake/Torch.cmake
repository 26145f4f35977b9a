# LibTorch as the imported target precis_torch, made from its include and lib folders: find_package(Torch) stops
# where a CUDA build of LibTorch finds no CUDA toolkit, and we need none for the CPU.
# Two builds: CPU; GPU, always with our own kernels (PRECIS_HAS_CUDA).

set(PRECIS_TORCH_DIR "" CACHE PATH "Folder of LibTorch that holds include/ and lib/; empty: looked for")
include(LocateTorch)
precis_locate_torch(torch_dir PRECIS_TORCH_VERSION)
if(NOT torch_dir)
  message(FATAL_ERROR "LibTorch was not found. Run launch/setup.sh, or name its folder: -DPRECIS_TORCH_DIR=...")
endif()
message(STATUS "LibTorch ${PRECIS_TORCH_VERSION} in ${torch_dir}")

add_library(precis_torch INTERFACE)
target_include_directories(precis_torch SYSTEM INTERFACE ${torch_dir}/include)
# at::parallel_for is inline code over OpenMP: without the flag it would run on one thread.
target_compile_options(precis_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
target_link_options(precis_torch INTERFACE -fopenmp)
target_link_libraries(precis_torch INTERFACE ${torch_dir}/lib/libtorch_cpu.so ${torch_dir}/lib/libc10.so)

# What LibTorch needs lies in its own lib folder (archive) or in nvidia/*/lib beside it (wheel): the linker is told
# where, and its own RPATH finds it at run time. Programs get DT_RPATH, not RUNPATH: it goes before LD_LIBRARY_PATH, so
# that a toolkit or an NCCL named there is not loaded in place of the one LibTorch was built with.
get_filename_component(site_packages ${torch_dir}/.. ABSOLUTE)
file(GLOB torch_lib_dirs ${site_packages}/nvidia/*/lib)
list(APPEND torch_lib_dirs ${torch_dir}/lib)
set(CMAKE_BUILD_RPATH ${torch_lib_dirs})
target_link_options(precis_torch INTERFACE -Wl,--disable-new-dtags)
foreach(folder IN LISTS torch_lib_dirs)
  target_link_options(precis_torch INTERFACE -Wl,-rpath-link,${folder})
endforeach()

# The file that `library` (a file of LibTorch) loads for the soname that begins with `name`; empty where it is not there.
function(precis_loaded_by library name result)
  set(${result} "" PARENT_SCOPE)
  execute_process(COMMAND readelf -d ${torch_dir}/lib/${library} OUTPUT_VARIABLE dynamic ERROR_QUIET)
  if(dynamic MATCHES "NEEDED[^\n]*\\[(${name}[^]]*)\\]")
    set(soname ${CMAKE_MATCH_1})
    find_file(found ${soname} PATHS ${torch_lib_dirs} NO_CACHE NO_DEFAULT_PATH)
    if(NOT found)  # a LibTorch that was built on this machine loads the system's
      find_file(found ${soname} PATHS ENV LD_LIBRARY_PATH PATH_SUFFIXES lib64 lib NO_CACHE
        HINTS ENV CUDA_HOME ENV CUDA_PATH /usr/local/cuda)
    endif()
    if(found)
      set(${result} ${found} PARENT_SCOPE)
    endif()
  endif()
endfunction()

include(Cuda)
