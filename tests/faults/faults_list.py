"""The faults that put_back.py puts back. Most were found once; the others are what a kernel for a GPU may do wrong without a word."""
import dataclasses

KERNELS = "tests/support/device_kernels_on_cpu.cpp"


@dataclasses.dataclass(frozen=True)
class Fault:
    """In `file`, `wrong` stands where `right` should. source: the translation unit that includes it; target, tests: the program that
    must notice, and which of its tests are run; ranks: of mpirun, for a test of several."""

    name: str
    file: str
    right: str
    wrong: str
    target: str = "ops_device_test"
    tests: str = "*"
    source: str = KERNELS
    ranks: int = 0


FAULTS = [
    Fault("attention draws another mask backward than forward", "lib/ops/attention_backward_kernels.cuh",
          "mine.multipliers(shape, tile, query, key_tile, i, keep);", "mine.multipliers(shape, tile, query + 1, key_tile, i, keep);",
          tests="*AttentionForwardAndBackward/FloatForward"),
    Fault("all heads share one mask", "lib/ops/attention_kernels.cuh", "part * kBlocks + i, query,\n                       tile.head, keep);",
          "part * kBlocks + i, query,\n                       0, keep);", tests="*AttentionForwardAndBackward/FloatForward"),
    Fault("all samples share one mask", "lib/ops/attention_kernels.cuh", "shape.dropout.key(static_cast<uint64_t>(shape.keys[tile.sample]))",
          "shape.dropout.key(static_cast<uint64_t>(shape.keys[0]))", tests="*AttentionForwardAndBackward/FloatForward"),
    Fault("the last tile of keys is left out", "lib/ops/attention_kernels.cuh", "return (tile.first + tile.rows - 1) / kKeys;",
          "return (tile.rows - 1) / kKeys;", tests="*AttentionForwardAndBackward/HalfBackward"),
    Fault("a query sees the key after it", "lib/ops/attention_kernels.cuh", "const bool counts = mine.column(i, k) <= seen &&",
          "const bool counts = mine.column(i, k) <= seen + 1 &&", tests="*AttentionForwardAndBackward/FloatForward"),
    Fault("threads do not wait before the values are overwritten", "lib/ops/attention_kernels.cuh",
          "      sums.template add<kKeys, false, false>(block, Weights(block, kWeights), v);\n      block.sync();\n",
          "      sums.template add<kKeys, false, false>(block, Weights(block, kWeights), v);\n",
          tests="*AttentionForwardAndBackward/*"),
    Fault("scores are read while they are written", "lib/ops/attention_kernels.cuh",
          "    products.store(block, scores);\n    block.sync();\n", "    products.store(block, scores);\n",
          tests="*AttentionForwardAndBackward/*"),
    Fault("a norm drops other elements than the CPU", "lib/ops/dropout_kernels.cuh", "return philox_block / 8 * kDropoutGroup + philox_block % 8 + 8 * k;",
          "return philox_block * 8 + k;", tests="*ResidualNorm*"),
    Fault("the warps of a row do not wait for each other", "lib/ops/norm_kernels.cuh",
          "    if (block.lane() == 0) sums[block.warp()] = x;\n    block.sync();\n", "    if (block.lane() == 0) sums[block.warp()] = x;\n",
          tests="*ResidualNorm*"),
    Fault("the padding of the vocabulary gets a gradient", "lib/ops/cross_entropy_kernels.cuh", "? v / Some::kCount : 0;",
          "? (v + Some::kCount - 1) / Some::kCount : 0;", tests="*CrossEntropy*"),
    Fault("the target's logit is read after its gradient took its place", "lib/ops/cross_entropy_kernels.cuh",
          "    block.sync();  // the target's logit has been read\n", "", tests="*CrossEntropy*"),
    Fault("weight gradients are rounded before they are added", "lib/ops/linear.cpp",
          "  at::addmm_out(to, to, wide(grad_y).t(), wide(x));", "  to.add_(at::mm(grad_y.t(), x));", tests="*WeightGradients*",
          source="lib/ops/linear.cpp"),
    Fault("a weight is multiplied with as if it were its transpose", "lib/ops/linear.cpp", "  s.b_transposed = b.transposed;\n", "", tests="*LinearLayers/FloatForward",
          source="lib/ops/linear.cpp"),
    Fault("the slope of GELU is taken at what the GELU made", "lib/ops/linear.cpp", "add_epilogue(product, Epilogue::kGelu, pre);",
          "add_epilogue(product, Epilogue::kGelu, out);", tests="*LinearLayersWithGelu/FloatForward", source="lib/ops/linear.cpp"),
    Fault("the sums behind an epilogue are forgotten", "lib/ops/linear.cpp",
          "if (grad_pre_sums.defined()) add_column_sums(grad_pre, grad_pre_sums);", "", tests="*LinearLayersWithGelu/FloatForward",
          source="lib/ops/linear.cpp"),
    Fault("any batch takes the plan of its class", "lib/ops/product_plans.cpp", "if (!library_.accepts(product, *plan.best)) {",
          "if (false) {", target="ops_product_plans_test", source="lib/ops/product_plans.cpp"),
    Fault("a cache's last tokens are not looked at", "lib/ops/cached_attention_kernels.cuh", "first < lengths[row]; first += kThreads",
          "first + kWarp < lengths[row]; first += kThreads", tests="*CachedAttention*"),
    Fault("a block asks for more shared memory than sm_75 has", "lib/ops/norm_cuda.cu",
          "launch({divide_up(n, Row::kRows), Row::kThreads / kWarp * int{sizeof(float)}}, kernel);",
          "launch({divide_up(n, Row::kRows), 65 * 1024}, kernel);", tests="*ResidualNorm*"),
    Fault("a resume takes the micro-batches of another device along", "lib/run/micro_batch_size.cpp",
          "return read.micro_batch_device == kind ? std::min(read.micro_batch_tokens, automatic) : automatic;", "return read.micro_batch_tokens;",
          target="run_micro_batch_size_test", tests="MicroBatchSize.AResume*", source="lib/run/micro_batch_size.cpp"),
    Fault("a checkpoint does not say which device its micro-batches are for", "lib/run/train_stage.cpp", "  progress.micro_batch_device = kind;\n", "",
          target="run_observers_test", source="lib/run/train_stage.cpp"),
    Fault("ranks that share a GPU each plan for all of it", "lib/run/micro_batch_size.cpp", "(free_bytes / sharing - held_bytes)", "(free_bytes - held_bytes)",
          target="run_micro_batch_size_test", tests="MicroBatchSize.*", source="lib/run/micro_batch_size.cpp"),
    Fault("nobody counts the ranks that share a GPU", "lib/comm/devices.cpp", "plan.sharing.push_back(taken[uuid(r)]);", "plan.sharing.push_back(1);",
          target="comm_devices_test", source="lib/comm/devices.cpp"),
    Fault("TF32 stays on after a step", "lib/train/tf32.cpp", "  if (changed_) allow_tf32(false);\n", "", target="train_train_loop_test",
          source="lib/train/tf32.cpp"),
    Fault("bfloat16 on sm_75 is taken", "lib/run/device_setup.cpp", "constexpr int kWithBfloat16 = 8;", "constexpr int kWithBfloat16 = 7;",
          target="run_device_setup_test", tests="ChooseDtype.*", source="lib/run/device_setup.cpp"),
    Fault("a rank without memory does not tell the others", "lib/train/train_step.cpp",
          "input.stop_requested ? 1.0 : 0.0, mine.out_of_memory ? 1.0 : 0.0};\n  parts_.world.sum(shared);\n  if (shared[3] > 0) throw_out_of_memory",
          "input.stop_requested ? 1.0 : 0.0, 0.0};\n  parts_.world.sum(shared);\n  if (mine.out_of_memory) throw_out_of_memory",
          target="run_out_of_memory_ranks", tests="OutOfMemory.TheRunIsThatOfASmallerPlan", source="lib/train/train_step.cpp", ranks=2),
    Fault("each rank clips by its own norm", "lib/train/train_step.cpp",
          "result.grad_norm = shared[1] / result.loss_scale;\n  update(input, result, shared[1]);",
          "result.grad_norm = mine.scaled_norm / result.loss_scale;\n  update(input, result, mine.scaled_norm);",
          target="run_out_of_memory_ranks", tests="TrainStep.*", source="lib/train/train_step.cpp", ranks=2),
    Fault("a rank that NCCL refuses leaves the others alone", "lib/comm/nccl_connect.cpp", "    failure = error.what();", "    throw;",
          target="comm_nccl_connect_ranks", source="lib/comm/nccl_connect.cpp", ranks=2),
    Fault("a rank that NCCL refuses waits for those that look for it", "lib/comm/nccl_connect.cpp", "!meet_within(world.impl(), grace_seconds)",
          "!meet_within(world.impl(), 10 * grace_seconds + 60)", target="comm_nccl_connect_ranks", source="lib/comm/nccl_connect.cpp", ranks=2),
    Fault("a rank that is asked to stop keeps it to itself", "lib/comm/work_rounds.cpp", "return word.stops != 0;", "return word.stops > 1;",
          target="comm_work_rounds_ranks", tests="WorkRounds.OneThatStopsStopsAll", source="lib/comm/work_rounds.cpp", ranks=2),
    Fault("a kept row is taken whatever its check says", "lib/eval/kept_rows.cpp", " || check->get<std::string>() != check_of(number, summary)", "",
          target="eval_kept_rows_test", source="lib/eval/kept_rows.cpp"),
    Fault("a training goes on with other rows", "lib/run/resume_changes.cpp", "before.train != now.train", "before.train == now.train",
          target="run_resume_changes_test", source="lib/run/resume_changes.cpp"),
]
