// The functions and types that a checkpoint's pickle may name. Naming one runs nothing: it chooses
// what TorchObjects builds.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace precis {

/// What a global that is let in stands for. From kStorageType on: the ElementType is added.
enum PickleGlobal : int64_t {
  kOrderedDictType,
  kDefaultDictType,
  kPlainType,  ///< what a defaultdict makes of a missing key
  kSetType,
  kBytesType,
  kEncode,
  kPath,
  kNumpyNumber,
  kNumpyTypeOf,
  kNumpyReconstruct,
  kNumpyArrayType,
  kRebuildTensor,
  kRebuildParameter,
  kSize,
  kDevice,
  kStorageType
};

/// The PickleGlobal of a name in a module (by its name today or before), or nothing: it is not let
/// in.
std::optional<int64_t> find_global(std::string_view module, std::string_view name);

/// Whether torch.NAME is a type of elements: those are kept as their names.
bool is_torch_type(std::string_view name);

}  // namespace precis
