// Writes a Value as torch.save pickles it.
#pragma once

#include <string>
#include <vector>

#include "lib/formats/value.h"

namespace precis {

/// A pickle of protocol 2, and the arrays whose bytes are its storages "0", "1", ... Arrays that
/// share their bytes (tied weights) share a storage.
struct Pickled {
  std::string pickle;
  std::vector<ArrayView> storages;
};

/// Every array's bytes must be what its type and shape need.
Pickled write_pickle(const Value& root);

}  // namespace precis
