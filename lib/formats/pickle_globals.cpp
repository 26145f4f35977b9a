#include "lib/formats/pickle_globals.h"

#include <algorithm>
#include <iterator>

#include "lib/formats/array.h"

namespace precis {

namespace {

struct Known {
  std::string_view module;
  std::string_view name;
  int64_t which;
};

constexpr int64_t storage_of(ElementType type) {
  return kStorageType + static_cast<int64_t>(type);
}

constexpr Known kKnown[] = {
    {"collections", "OrderedDict", kOrderedDictType},
    {"collections", "defaultdict", kDefaultDictType},
    {"builtins", "dict", kPlainType},
    {"builtins", "list", kPlainType},
    {"builtins", "int", kPlainType},
    {"builtins", "float", kPlainType},
    {"builtins", "bool", kPlainType},
    {"builtins", "str", kPlainType},
    {"builtins", "tuple", kPlainType},
    {"builtins", "long", kPlainType},  // Python 2's names of int and str
    {"builtins", "unicode", kPlainType},
    {"builtins", "set", kSetType},
    {"builtins", "frozenset", kSetType},
    {"builtins", "bytes", kBytesType},
    {"_codecs", "encode", kEncode},
    {"pathlib", "PosixPath", kPath},
    {"pathlib", "PurePosixPath", kPath},
    {"pathlib", "WindowsPath", kPath},
    {"numpy._core.multiarray", "scalar", kNumpyNumber},
    {"numpy._core.multiarray", "_reconstruct", kNumpyReconstruct},
    {"numpy", "dtype", kNumpyTypeOf},
    {"numpy", "ndarray", kNumpyArrayType},
    {"torch._utils", "_rebuild_tensor_v2", kRebuildTensor},
    {"torch._utils", "_rebuild_parameter", kRebuildParameter},
    {"torch", "Size", kSize},
    {"torch", "device", kDevice},
    {"torch", "DoubleStorage", storage_of(ElementType::kFloat64)},
    {"torch", "FloatStorage", storage_of(ElementType::kFloat32)},
    {"torch", "HalfStorage", storage_of(ElementType::kFloat16)},
    {"torch", "BFloat16Storage", storage_of(ElementType::kBFloat16)},
    {"torch", "LongStorage", storage_of(ElementType::kInt64)},
    {"torch", "IntStorage", storage_of(ElementType::kInt32)},
    {"torch", "ShortStorage", storage_of(ElementType::kInt16)},
    {"torch", "CharStorage", storage_of(ElementType::kInt8)},
    {"torch", "ByteStorage", storage_of(ElementType::kUInt8)},
    {"torch", "BoolStorage", storage_of(ElementType::kBool)},
};

constexpr std::string_view kTorchTypes[] = {
    "float64", "double",    "float32",    "float",         "float16",    "half",  "bfloat16",
    "int64",   "long",      "int32",      "int",           "int16",      "short", "int8",
    "uint8",   "bool",      "uint16",     "uint32",        "uint64",     "chalf", "cfloat",
    "cdouble", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2"};

/// Modules that had another name before.
struct Renamed {
  std::string_view before;
  std::string_view now;
};
constexpr Renamed kRenamed[] = {
    {"__builtin__", "builtins"},  // Python 2's, which protocol 2 writes
    {"numpy.core.multiarray", "numpy._core.multiarray"},
    {"pathlib._local", "pathlib"},
};

std::string_view current_name(std::string_view module) {
  for (const Renamed& renamed : kRenamed) {
    if (renamed.before == module) return renamed.now;
  }
  return module;
}

}  // namespace

std::optional<int64_t> find_global(std::string_view module, std::string_view name) {
  module = current_name(module);
  for (const Known& known : kKnown) {
    if (known.module == module && known.name == name) return known.which;
  }
  return std::nullopt;
}

bool is_torch_type(std::string_view name) {
  return std::find(std::begin(kTorchTypes), std::end(kTorchTypes), name) != std::end(kTorchTypes);
}

}  // namespace precis
