// A pickle reader that can build plain values and tensors, and nothing else: no import, no call, no
// code.
#pragma once

#include <span>
#include <string>

#include "lib/formats/torch_objects.h"
#include "lib/formats/value.h"

namespace precis {

/// Reads a pickle of protocol 2 to 5 as Python's and torch's picklers write them (opcodes: Python's
/// Lib/pickletools.py).
///
/// Arrays in the result refer to the storages' bytes. `where` begins every error ("FILE: entry
/// NAME"). Throws DataError for a global that is not let in (by its name), for anything malformed,
/// and for what would take much more memory than the file.
Value read_pickle(std::span<const std::byte> pickle, const StorageSource& storages,
                  std::string where);

}  // namespace precis
