#!/usr/bin/env python3
"""Writes training_golden.json: what transformers and torch.optim.AdamW make of the model formats_gpt2/whole and a few samples.

    python3 tests/golden/training_golden.py

Computed in float64, so that the rounding of neither side hides an error of the other; the same in float32 must agree to 1e-5,
or the numbers would say nothing about a program that computes in float32. "autocast" holds the iterations in torch's mixed
precision, whose distance from float64 is the measure for ours. Names and layouts are nanoGPT's (linear weights are transposed
Conv1D weights).
"""
import json
import math
import pathlib
import random

import torch
from transformers import GPT2LMHeadModel

HERE = pathlib.Path(__file__).parent
SETTINGS = {"learning_rate": 1e-2, "min_lr": 1e-3, "warmup_iters": 3, "lr_decay_iters": 10, "iterations": 10, "weight_decay": 0.1,
            "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "grad_clip": 3.5}
LINEAR = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
rng = random.Random(8)


def draw_sample(length, targets):
    return {"tokens": [rng.randrange(11) for _ in range(length)], "prompt_tokens": length - targets}


# The inputs are all tokens but the last: at most the 16 positions of the model.
SAMPLES = [draw_sample(*sizes) for sizes in ((17, 5), (6, 5), (2, 1), (12, 4), (9, 1), (16, 15))]
TARGETS = sum(len(s["tokens"]) - s["prompt_tokens"] for s in SAMPLES)


def learning_rate(iteration):
    """nanoGPT's get_lr."""
    s = SETTINGS
    if iteration < s["warmup_iters"]:
        return s["learning_rate"] * (iteration + 1) / (s["warmup_iters"] + 1)
    done = (iteration - s["warmup_iters"]) / (s["lr_decay_iters"] - s["warmup_iters"])
    return s["min_lr"] + 0.5 * (1 + math.cos(math.pi * done)) * (s["learning_rate"] - s["min_lr"])


def target_logits(model, sample):
    """Of each target, the logits [targets, V] that it is drawn from."""
    return model(torch.tensor([sample["tokens"][:-1]])).logits[0, sample["prompt_tokens"] - 1:]


def loss_of(model):
    """Nats per target token of all samples."""
    sums = [torch.nn.functional.cross_entropy(target_logits(model, s), torch.tensor(s["tokens"][s["prompt_tokens"]:]), reduction="sum") for s in SAMPLES]
    return sum(sums) / TARGETS


def by_name(tensors):
    """Lists of numbers by nanoGPT's names, in its layout."""
    return {name: (t.t() if name.endswith(LINEAR) else t).flatten().tolist() for name, t in tensors}


def train(dtype, autocast=None):
    model = GPT2LMHeadModel.from_pretrained(HERE / "formats_gpt2/whole").eval().to(dtype)
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW([{"params": [p for p in parameters if p.dim() >= 2], "weight_decay": SETTINGS["weight_decay"]},
                                   {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0}],
                                  lr=1.0, betas=(SETTINGS["beta1"], SETTINGS["beta2"]), eps=SETTINGS["eps"])
    with torch.no_grad():
        result = {"logits": [target_logits(model, s).tolist() for s in SAMPLES], "iterations": []}
    for iteration in range(SETTINGS["iterations"]):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(iteration)
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=autocast, enabled=autocast is not None):  # one an iteration: it keeps copies of weights
            loss = loss_of(model)
        loss.backward()
        if iteration == 0:
            result["gradients"] = by_name((n, p.grad) for n, p in model.named_parameters())
        norm = torch.nn.utils.clip_grad_norm_(parameters, SETTINGS["grad_clip"])
        optimizer.step()
        result["iterations"].append({"loss": loss.item(), "grad_norm": norm.item(), "lr": learning_rate(iteration)})
    result["weights"] = by_name((n, p.detach()) for n, p in model.named_parameters())
    return result


def rounded(value):
    """Eight digits are more than float32 has."""
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return float(f"{value:.8g}") if isinstance(value, float) else value


exact, single = train(torch.float64), train(torch.float32)
for a, b in zip(exact["iterations"], single["iterations"]):
    assert all(abs(a[k] - b[k]) < 1e-5 * a[k] for k in a), (a, b)
norms = [i["grad_norm"] for i in exact["iterations"]]
assert min(norms) < SETTINGS["grad_clip"] < max(norms), f"clipping must happen in some iterations and not in others: {norms}"
mixed = {str(t).removeprefix("torch."): train(torch.float32, t)["iterations"] for t in (torch.bfloat16, torch.float16)}
golden = {"settings": SETTINGS, "samples": SAMPLES, "autocast": mixed, **exact}
text = json.dumps(rounded(golden), separators=(",", ":"))
(HERE / "training_golden.json").write_text(text.replace('],"', '],\n"') + "\n")
for i in golden["iterations"]:
    print(i)
