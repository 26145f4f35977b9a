// The GPUs of all ranks find each other, or all ranks say together why not.
#pragma once

#include "lib/comm/nccl_session.h"
#include "lib/comm/world.h"

namespace precis {

/// Collective. Connects the sessions of all ranks by an id that the root makes. Where some rank
/// cannot, all throw the same SharedError, with each reason once. A rank that failed at once does
/// not wait out the time of those that still look for it: if they are not here after
/// `grace_seconds`, it throws the DeviceError of its own session, which ends all ranks.
void connect_together(const World& world, NcclSession& session, double grace_seconds = 10);

}  // namespace precis
