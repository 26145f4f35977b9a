# Packages from the distribution, and LibTorch from where it is (see Torch.cmake).
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json 3.9 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(Boost 1.70 REQUIRED CONFIG COMPONENTS program_options)
if(PRECIS_TESTS)
  find_package(GTest REQUIRED)
endif()
if(NOT TARGET yaml-cpp::yaml-cpp)  # yaml-cpp before 0.8 names its target without a namespace
  add_library(yaml-cpp::yaml-cpp INTERFACE IMPORTED)
  target_link_libraries(yaml-cpp::yaml-cpp INTERFACE yaml-cpp)
endif()
if(PRECIS_TORCH)
  find_package(MPI REQUIRED COMPONENTS CXX)
  include(Torch)
endif()
# fmt compiled into its library: as header-only code it costs each of our files 3 s. LibTorch's include folder carries
# another fmt, which must not be found in its place, so that ours stands before it in a folder of its own.
get_target_property(fmt_include_dir fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include)
file(CREATE_LINK ${fmt_include_dir}/fmt ${CMAKE_BINARY_DIR}/include/fmt SYMBOLIC)
target_include_directories(precis_options SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/include)
