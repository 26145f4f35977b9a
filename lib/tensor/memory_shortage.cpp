#include "lib/tensor/memory_shortage.h"

#include <c10/util/Exception.h>

#include "lib/base/failure.h"

namespace precis {

bool is_out_of_memory(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const c10::OutOfMemoryError&) {
    return true;
  } catch (...) {  // of libraries that have words for it and no type
    return describe_failure(error).out_of_memory;
  }
}

}  // namespace precis
