"""A training, as the trainer's settings and as torch does it."""
import dataclasses
import math

import torch

import models


@dataclasses.dataclass
class Recipe:
    learning_rate: float = 3e-3
    min_lr: float = 3e-4
    warmup: int = 2
    iterations: int = 10
    decay: float = 0.1
    betas: tuple = (0.9, 0.95)
    eps: float = 1e-8
    clip: float = 0.5  # 0: none

    def settings(self, model, rows, **train):
        """The trainer's, with a global batch of all rows: every iteration takes them all, in whatever order."""
        keys = {"max_iters": self.iterations, "lr_decay_iters": self.iterations, "warmup_iters": self.warmup, "decay_lr": True,
                "learning_rate": self.learning_rate, "min_lr": self.min_lr, "weight_decay": self.decay, "beta1": self.betas[0],
                "beta2": self.betas[1], "eps": self.eps, "grad_clip": self.clip, "global_batch_size": len(rows),
                "micro_batch_tokens": "700"}
        return {"model": {"init_from": str(model), "dropout": 0.0}, "train": {"dtype": "float32", **keys, **train}}

    def rate(self, iteration):
        """Linear warm-up, then half a cosine, as nanoGPT's trainer has it."""
        if iteration < self.warmup:
            return self.learning_rate * (iteration + 1) / (self.warmup + 1)
        done = (iteration - self.warmup) / (self.iterations - self.warmup)
        return self.min_lr + 0.5 * (1 + math.cos(math.pi * done)) * (self.learning_rate - self.min_lr)

    def optimizer(self, parameters):
        """AdamW over nanoGPT's two groups: matrices decay, the rest does not."""
        parameters = list(parameters)
        groups = [{"params": [p for p in parameters if p.dim() >= 2], "weight_decay": self.decay},
                  {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=self.learning_rate, betas=self.betas, eps=self.eps)

    def iterate(self, model, optimizer, rows, iteration):
        """One iteration by torch: (loss before it, norm of the gradient, learning rate)."""
        for group in optimizer.param_groups:
            group["lr"] = self.rate(iteration)
        optimizer.zero_grad()
        loss = models.batch_loss(model, rows)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], self.clip or math.inf)
        optimizer.step()
        return loss.item(), norm.item(), self.rate(iteration)


def optimizer_names(model):
    """Names of the trained parameters in the order of the optimizer's numbers."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    return [name for name, p in named if p.dim() >= 2] + [name for name, p in named if p.dim() < 2]


def as_linear(name, weight):
    """transformers keeps the weights of its linear layers transposed; nn.Linear and checkpoints do not."""
    return weight.T.contiguous() if name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")) else weight
