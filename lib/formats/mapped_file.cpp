#include "lib/formats/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/base/errors.h"

namespace precis {

MappedFile::MappedFile(const std::filesystem::path& path)
    : name_(std::filesystem::absolute(path).lexically_normal().string()) {
  const auto fail = [&](const char* why) {
    throw DataError(fmt::format("{}: cannot be read: {}", name_, why));
  };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) fail(std::strerror(errno));
  struct stat status {};
  void* start = nullptr;
  int error = 0;
  if (::fstat(file, &status) != 0) {
    error = errno;
  } else if (S_ISREG(status.st_mode) && status.st_size > 0) {
    start = ::mmap(nullptr, static_cast<size_t>(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
    if (start == MAP_FAILED) error = errno;
  }
  ::close(file);
  if (error == ENOMEM)  // which says nothing of the file
    throw Error(ExitCode::kOther,
                fmt::format("{}: cannot be read: there is not enough memory for it", name_));
  if (error != 0) fail(std::strerror(error));
  if (S_ISDIR(status.st_mode)) fail("it is a folder");
  if (!S_ISREG(status.st_mode)) fail("it is not a regular file");
  if (start == nullptr) return;
  bytes_ = {static_cast<const std::byte*>(start), static_cast<size_t>(status.st_size)};
  ::madvise(start, bytes_.size(), MADV_WILLNEED);
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace precis
