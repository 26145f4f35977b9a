// The tensors of a model's files by the names of its family's parameters, and what becomes of each:
// a parameter, left out, or refused. Checkpoints and Hugging Face folders are read through it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/formats/array.h"
#include "lib/model/model_family.h"
#include "lib/model/parameter_table.h"

namespace precis {

/// A name without what wrappers and classes put around the names of a family: `module.` (data
/// parallel), `_orig_mod.` (torch.compile), `_fsdp_wrapped_module.` and
/// `_checkpoint_wrapped_module.`, wherever they stand, and the family's prefix in front.
std::string plain_name(std::string_view name, const ModelFamily& family);

/// How a file holds the matrices of linear layers.
enum class MatrixOrder {
  kOutIn,  ///< as torch's Linear: nanoGPT
  kInOut   ///< as transformers' Conv1D
};

/// A tensor as it is in a file.
struct FileTensor {
  std::string name;  ///< in the file
  std::string file;
  ArrayView array;
};

class WeightTable {
 public:
  /// `family` is used, not owned.
  explicit WeightTable(const ModelFamily& family) : family_(&family) {}

  /// Adds a tensor. Throws DataError where another one stands for the same parameter, naming both.
  void add(const std::string& file, const std::string& name, const ArrayView& array);
  /// The tensor of a name, with or without prefixes; null where there is none.
  const FileTensor* find(std::string_view name) const;
  size_t size() const { return tensors_.size(); }
  /// The files that tensors came from.
  const std::set<std::string>& files() const { return files_; }

  /// Takes out the tensors of all parameters, in the order of shape.parameters().slots(). The
  /// tied matrix may be there as the embedding, as the head, or as both if they are equal. Causal
  /// masks are dropped. Throws DataError naming file, tensor, expected and found for what is
  /// missing, of another shape or no float, for heads that are not tied, for tensors of the body
  /// that the shape has no place for, and for parameters that share their memory: nothing is
  /// allocated by what a file says of itself.
  std::vector<FileTensor> take(const ModelShape& shape, MatrixOrder order);

  /// After take(): a sentence that names the tensors that were left out, heads beside the model
  /// say; empty where there are none.
  std::string left_out() const;

 private:
  std::string plain(std::string_view name) const { return plain_name(name, *family_); }
  FileTensor take_one(const ParameterSlot& slot, MatrixOrder order);
  void drop_equal_head(const FileTensor& tied);
  [[noreturn]] void fail_missing(const std::string& name) const;
  void refuse_rest_of_body(const ModelShape& shape) const;
  /// A small file could claim any number of layers, all in one memory.
  void check_memory(uint64_t bytes) const;
  std::string first_file() const;

  const ModelFamily* family_;
  std::map<std::string, FileTensor, std::less<>> tensors_;  ///< by their plain names
  std::set<std::string> files_;
};

}  // namespace precis
