// How far a training is.
#pragma once

#include <cstdint>
#include <string>

#include "lib/base/fields.h"

namespace precis {

/// How far a training is: what a resume needs besides weights and optimizer. It is declared once,
/// as fields, and kept in the checkpoint under `precis`.
struct Progress {
  int64_t iter = 0;            ///< optimizer steps done
  double best_val_loss = 1e9;  ///< of ckpt.pt
  double best_metric = -1e30;  ///< of ckpt.pt; larger is better (val_loss: its negative)
  int64_t best_iter = -1;
  int64_t stale_evaluations = 0;  ///< since the metric last became better
  int64_t evaluated_iter = -1;    ///< steps done at the last evaluation
  double loss_scale = 0;
  int64_t good_steps = 0;     ///< since the loss scale last changed
  int64_t skipped_steps = 0;  ///< in a row, by now
  int64_t micro_batch_tokens = 0;
  std::string micro_batch_device;  ///< that it was planned for; empty: not known
  int64_t optimizer_steps = 0;     ///< AdamW's own count, less by the skipped
  bool finished = false;           ///< max_iters were reached, or training ended early
  Fields fields();
};

}  // namespace precis
