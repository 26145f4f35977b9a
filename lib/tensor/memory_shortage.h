// Whether the machine or a device had no memory for some work.
#pragma once

#include <exception>

namespace precis {

/// Whether this exception, LibTorch's or the standard library's, means that the machine or the
/// device has no memory left. None of our own errors does.
bool is_out_of_memory(const std::exception_ptr& error);

/// Does work of this rank alone. Returns true where memory ran out in it; any other exception goes
/// on.
template <typename Work>
bool lacks_memory(const Work& work) {
  try {
    work();
  } catch (...) {
    if (!is_out_of_memory(std::current_exception())) throw;
    return true;
  }
  return false;
}

}  // namespace precis
