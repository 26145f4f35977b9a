// What an exception means, where LibTorch may have thrown it.
#pragma once

#include "lib/base/failure.h"

namespace precis {

/// As describe_failure; LibTorch's own error for a GPU without memory is known by its type, too.
Failure describe_torch_failure(const std::exception_ptr& error);

}  // namespace precis
