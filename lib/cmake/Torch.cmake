# LibTorch as the imported target precis_torch, made from its include and lib folders: find_package(Torch) stops
# where a CUDA build of LibTorch finds no CUDA toolkit, and we need none for the CPU or without own kernels.
# Where it is looked for: PRECIS_TORCH_DIR, Torch_DIR or CMAKE_PREFIX_PATH, python3's torch, .deps/ of the checkout.

set(PRECIS_TORCH_DIR "" CACHE PATH "Folder of LibTorch that holds include/ and lib/")

function(precis_find_torch result)
  set(places ${PRECIS_TORCH_DIR})
  if(Torch_DIR)
    get_filename_component(place ${Torch_DIR}/../../.. ABSOLUTE)
    list(APPEND places ${place})
  endif()
  list(APPEND places ${CMAKE_PREFIX_PATH})
  execute_process(
    COMMAND python3 -c "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE place OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  list(APPEND places ${place})
  file(GLOB found ${CMAKE_SOURCE_DIR}/.deps/lib/python3*/site-packages/torch ${CMAKE_SOURCE_DIR}/.deps/torch)
  list(APPEND places ${found})
  foreach(place IN LISTS places)
    if(EXISTS ${place}/include/ATen/ATen.h AND EXISTS ${place}/lib/libtorch_cpu.so)
      set(${result} ${place} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "LibTorch was not found. Run launch/setup.sh, or name its folder: -DPRECIS_TORCH_DIR=...")
endfunction()

precis_find_torch(torch_dir)
set(torch_version_file ${torch_dir}/include/torch/headeronly/version.h)
if(NOT EXISTS ${torch_version_file})  # LibTorch before 2.9
  set(torch_version_file ${torch_dir}/include/torch/csrc/api/include/torch/version.h)
endif()
set(parts)
foreach(part MAJOR MINOR PATCH)
  file(STRINGS ${torch_version_file} line REGEX "define TORCH_VERSION_${part} ")
  string(REGEX REPLACE ".* ([0-9]+).*" "\\1" number "${line}")
  list(APPEND parts ${number})
endforeach()
list(JOIN parts . PRECIS_TORCH_VERSION)
message(STATUS "LibTorch ${PRECIS_TORCH_VERSION} in ${torch_dir}")

add_library(precis_torch INTERFACE)
target_include_directories(precis_torch SYSTEM INTERFACE ${torch_dir}/include)
target_link_libraries(precis_torch INTERFACE ${torch_dir}/lib/libtorch_cpu.so ${torch_dir}/lib/libc10.so)
# at::parallel_for is a serial loop in files that are compiled without OpenMP.
find_package(OpenMP REQUIRED)
target_link_libraries(precis_torch INTERFACE OpenMP::OpenMP_CXX)
# The wheel's own libraries lie beside it and in the nvidia/*/lib folders beside torch.
get_filename_component(site_packages ${torch_dir}/.. ABSOLUTE)
file(GLOB nvidia_libs ${site_packages}/nvidia/*/lib)
set(CMAKE_BUILD_RPATH ${torch_dir}/lib ${nvidia_libs})
foreach(folder ${nvidia_libs})
  target_link_options(precis_torch INTERFACE -Wl,-rpath-link,${folder})
endforeach()
