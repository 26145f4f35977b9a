"""Training and its checkpoints against torch."""
import math
import unittest

import torch

import common

LEARNING_RATE, MIN_LR, WARMUP, ITERATIONS = 3e-3, 3e-4, 2, 5
DECAY, BETAS, EPS, CLIP = 0.1, (0.9, 0.95), 1e-8, 0.5
ROWS = 10  # the global batch: every iteration takes all of them, in whatever order


def learning_rate(iteration):
    """nanoGPT's get_lr."""
    if iteration < WARMUP:
        return LEARNING_RATE * (iteration + 1) / (WARMUP + 1)
    done = (iteration - WARMUP) / (ITERATIONS - WARMUP)
    return MIN_LR + 0.5 * (1 + math.cos(math.pi * done)) * (LEARNING_RATE - MIN_LR)


def two_groups(parameters):
    """AdamW as nanoGPT configures it: matrices decay, the rest does not."""
    groups = [{"params": [p for p in parameters if p.dim() >= 2], "weight_decay": DECAY},
              {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=BETAS, eps=EPS)


class TrainingPeer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = common.make_folder("training", std=0.05)
        cls.rows = common.draw_rows(common.random_for("training"), ROWS, common.TMP / "train.csv")

    def train(self, name, iterations):
        settings = {
            "model": {"init_from": str(self.folder), "dropout": 0.0},
            "train": {"dtype": "float32", "max_iters": iterations, "lr_decay_iters": ITERATIONS, "warmup_iters": WARMUP, "decay_lr": True,
                      "learning_rate": LEARNING_RATE, "min_lr": MIN_LR, "weight_decay": DECAY, "beta1": BETAS[0], "beta2": BETAS[1],
                      "eps": EPS, "grad_clip": CLIP, "global_batch_size": ROWS, "micro_batch_tokens": "700"},
        }
        config = common.write_config(common.TMP / f"{name}.json", common.TMP / "train.csv", settings)
        common.run("trainer", config, "--stages=train", f"--run.out_dir={common.TMP / name}")
        return common.TMP / name

    def reference(self):
        """(loss, gradient norm, learning rate) of each iteration, by torch."""
        model = common.load_model(self.folder)
        optimizer = two_groups(list(model.parameters()))
        iterations = []
        for iteration in range(ITERATIONS):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(iteration)
            optimizer.zero_grad()
            sums = [common.sample_loss(model, row) for row in self.rows]
            loss = sum(l for l, _ in sums) / sum(count for _, count in sums)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            iterations.append((loss.item(), norm.item(), learning_rate(iteration)))
        return iterations

    def test_iterations(self):
        ours = [(r["loss"], r["grad_norm"], r["lr"]) for r in common.train_records(self.train("five", ITERATIONS))]
        theirs = self.reference()
        self.assertTrue(any(norm > CLIP for _, norm, _ in theirs), "the comparison itself never clips")
        for i, (what, bound) in enumerate((("loss", 1e-4), ("gradient norm", 1e-3), ("learning rate", 1e-6))):
            gap = common.largest_gap([o[i] for o in ours], [t[i] for t in theirs])
            print(f"{what} {gap:.1e}", end=" ", flush=True)
            self.assertLess(gap, bound, f"{what}: {ours} against {theirs}")

    def test_checkpoint(self):
        checkpoint = torch.load(self.train("three", 3) / "ckpt.pt", weights_only=True)
        self.assertEqual(checkpoint["iter_num"], 3)
        arguments = checkpoint["model_args"]
        self.assertEqual((arguments["n_layer"], arguments["n_head"], arguments["n_embd"], arguments["block_size"], arguments["vocab_size"]),
                         (2, 4, 64, common.POSITIONS, common.end_of_text() + 1))
        weights = checkpoint["model"]
        self.assertTrue(torch.equal(weights["lm_head.weight"], weights["transformer.wte.weight"]))
        parameters = [torch.nn.Parameter(w) for name, w in weights.items() if name != "lm_head.weight"]
        optimizer = two_groups(parameters)
        optimizer.load_state_dict(checkpoint["optimizer"])
        for group, decay in zip(optimizer.param_groups, (DECAY, 0.0)):
            self.assertEqual((group["weight_decay"], tuple(group["betas"]), group["eps"]), (decay, BETAS, EPS))
            for parameter in group["params"]:
                state = optimizer.state[parameter]
                self.assertEqual(int(state["step"]), 3)
                self.assertEqual(state["exp_avg"].shape, parameter.shape)
                self.assertEqual(state["exp_avg_sq"].shape, parameter.shape)
                self.assertGreater(state["exp_avg_sq"].abs().sum().item(), 0)
                parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
