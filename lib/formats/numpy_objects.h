// The objects of numpy that training scripts leave in checkpoints: a loss or a count as numpy's
// scalar.
#pragma once

#include <string>
#include <string_view>

#include "lib/formats/pickle_graph.h"

namespace precis {

/// A node for the number that `bytes` hold as numpy's type `type`, by the name that numpy's pickles
/// give it ("f8", "i4", "b1"). Fails in the graph for another type, and for bytes of another size.
PickleGraph::Id add_numpy_number(PickleGraph& graph, std::string_view type,
                                 const std::string& bytes);

}  // namespace precis
