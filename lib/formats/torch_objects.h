// The few objects beyond Python's plain values that torch.save files hold: storages, tensors, dicts
// of other kinds, numpy's numbers, paths.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lib/formats/pickle_graph.h"

namespace precis {

/// Where a pickle's storages are.
struct StorageSource {
  /// The whole bytes of a storage by its key; throws DataError when there are none.
  std::function<std::span<const std::byte>(std::string_view key)> load;
  std::shared_ptr<const void> owner;  ///< keeps those bytes alive
  /// How many bytes tensors that do not lie in one piece may take, copied, altogether.
  uint64_t max_copied = 0;
};

/// Builds those objects in a graph; everything else is refused by name. Follows torch/_utils.py,
/// torch/serialization.py and numpy's pickles, which run the named functions; here the names only
/// choose among what is built below.
class TorchObjects {
 public:
  using Id = PickleGraph::Id;

  TorchObjects(PickleGraph& graph, const StorageSource& source) : graph_(graph), source_(source) {}

  Id global(std::string_view module, std::string_view name);
  /// What calling a global with these arguments gives.
  Id call(Id callable, Id arguments);
  /// Gives an object its state, where that changes nothing that is read.
  void build(Id object, Id state);
  /// A storage named by ('storage', type, key, location, number of elements).
  Id storage(Id persistent_id);

 private:
  struct Storage {
    ElementType type;
    std::span<const std::byte> bytes;
    std::string_view key;
  };

  std::vector<int64_t> integers(Id tuple, const char* what) const;
  const PickleNode& expect(Id id, PickleNode::Kind kind, const char* what) const;
  std::optional<Id> call_torch(int64_t which, std::span<const Id> given);
  std::optional<Id> call_numpy(int64_t which, std::span<const Id> given);
  std::optional<Id> call_python(int64_t which, std::span<const Id> given);
  Id tensor(std::span<const Id> arguments);
  void check_inside(const Storage& storage, int64_t offset, std::span<const int64_t> shape,
                    std::span<const int64_t> strides) const;
  ArrayView gather(const Storage& storage, int64_t offset, const std::vector<int64_t>& shape,
                   std::span<const int64_t> strides);

  PickleGraph& graph_;
  const StorageSource& source_;
  std::vector<Storage> storages_;
  uint64_t copied_ = 0;
};

}  // namespace precis
