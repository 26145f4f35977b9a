// How many threads a rank computes with.
#pragma once

#include "lib/comm/world.h"

namespace precis {

/// What a rank may use.
struct ThreadShare {
  int threads = 1;      ///< for this rank
  bool narrow = false;  ///< mpirun bound this rank to fewer cores than its share of the node
};

/// This rank's share of the cores that the ranks of its node may run on together. mpirun -np 1 and
/// -np 2 bind each rank to one core: that is `narrow` where the node has more. Call before threads
/// are made.
ThreadShare share_threads(const World& world);

}  // namespace precis
