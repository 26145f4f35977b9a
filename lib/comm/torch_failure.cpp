#include "lib/comm/torch_failure.h"

#include <c10/util/Exception.h>

#include <string_view>

namespace precis {

Failure describe_torch_failure(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const c10::OutOfMemoryError& full) {
    const std::string_view what = full.what_without_backtrace();
    const bool is_host = what.find("CPUAllocator") != std::string_view::npos;
    return is_host ? describe_failure(error) : out_of_gpu_memory(what);
  } catch (...) {
    return describe_failure(std::current_exception());
  }
}

}  // namespace precis
