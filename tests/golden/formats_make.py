#!/usr/bin/env python3
"""Makes formats_torch.pt, formats_training.pt, formats_torch.safetensors and formats_gpt2/, which tests/formats and tests/model read: python3 tests/golden/formats_make.py
Made with torch 2.11.0, numpy 2.4.6 and safetensors 0.8.0, transformers 5.24.0; contents are fixed, no randomness."""
import json
import pathlib
import random
from collections import OrderedDict, defaultdict

import numpy as np
import torch
from safetensors.torch import save_file

here = pathlib.Path(__file__).parent
types = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]
numbers = torch.arange(-2, 4)  # as every type has them, uint8 but for the negative ones


def of(kind):
    return (numbers.abs() if kind == torch.uint8 else numbers).to(kind).reshape(2, 3)


tied = torch.arange(12, dtype=torch.float32).reshape(4, 3)
layer = torch.nn.Linear(3, 2)
with torch.no_grad():
    layer.weight.copy_(torch.arange(6.0).reshape(2, 3))
    layer.bias.copy_(torch.tensor([0.5, -0.5]))
optimizer = torch.optim.AdamW(layer.parameters(), lr=1e-3, betas=(0.9, 0.95))
layer(torch.ones(1, 3)).sum().backward()
optimizer.step()

torch.save({
    "types": {str(kind).removeprefix("torch."): of(kind) for kind in types} | {"bool": torch.tensor([True, False, True])},
    "model": OrderedDict({"wte.weight": tied, "lm_head.weight": tied, "rows": tied[1:3], "transposed": tied.t(), "every_other": tied[::2, 1], "one": torch.tensor([[7.0]]).expand(1, 1), "none": torch.empty(0, 5)}),
    "parameter": torch.nn.Parameter(torch.ones(2)),
    "state_dict": layer.state_dict(),
    "optimizer": optimizer.state_dict(),
    "scalars": {"int": 7, "negative": -300, "short": 65535, "long": 2**40, "lowest": -2**63, "float": 0.1, "nan": float("nan"), "inf": float("-inf"), "true": True, "false": False, "none": None, "text": "h\u00e9llo \U0001F600\n", "tensor": torch.tensor(1.25), "whole": torch.tensor(3), "half": torch.tensor(-0.375, dtype=torch.float16), "brain": torch.tensor(-384.0, dtype=torch.bfloat16)},
    "list": [1, [2.5, "x"], []],
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    "size": tied.size(),
    "type": torch.bfloat16,
    "device": torch.device("cpu"),
    5: {-1: "integer keys"},
}, here / "formats_torch.pt")

save_file({f"{kind}".removeprefix("torch."): of(kind) for kind in types} | {"bool": torch.tensor([True, False, True]), "scalar": torch.tensor(2.5), "none": torch.empty(0, 4)}, here / "formats_torch.safetensors", metadata={"format": "pt", "made by": "h\u00e9llo"})

# What training scripts leave in their checkpoints besides tensors.
torch.save({
    "best_val_loss": np.float64(2.5), "float32": np.float32(-0.375), "float16": np.float16(1.5), "iter_num": np.int64(-300), "int32": np.int32(7),
    "int16": np.int16(-2), "int8": np.int8(-1), "uint8": np.uint8(255), "uint32": np.uint32(2**32 - 1), "uint64": np.uint64(2**64 - 1), "bool": np.bool_(True),
    "random": random.Random(1).getstate(), "numpy_random": np.random.RandomState(1).get_state(), "torch_random": torch.get_rng_state(),
    "counts": defaultdict(int, {"a": 1}), "names": {"b"}, "path": pathlib.PurePosixPath("out/run"), "bytes": b"\x00\xff", "no_bytes": b"", "dtype": torch.uint16,
    "device": torch.device("cuda", 1), "size": torch.Size([2, 3]),
}, here / "formats_training.pt")

# A small GPT-2 of transformers in each form of its files, and the same weights under nanoGPT's names.
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(1)
model = GPT2LMHeadModel(GPT2Config(n_layer=2, n_head=2, n_embd=8, n_positions=16, vocab_size=11, bos_token_id=10, eos_token_id=10))
with torch.no_grad():
    for parameter in model.parameters():
        parameter.copy_(torch.randn_like(parameter).to(torch.bfloat16))  # so that float16 and bfloat16 hold them exactly
folder = here / "formats_gpt2"
model.save_pretrained(folder / "whole")
model.save_pretrained(folder / "shards", max_shard_size="4KB")
GPT2LMHeadModel.from_pretrained(folder / "whole").to(torch.bfloat16).save_pretrained(folder / "bfloat16")
bare = {k.removeprefix("transformer."): v for k, v in model.state_dict().items() if k != "lm_head.weight"}
bare |= {"h.0.attn.bias": torch.ones(1, 1, 16, 16).tril().to(torch.uint8), "h.0.attn.masked_bias": torch.tensor(-1e4)}
(folder / "bin").mkdir(exist_ok=True)
torch.save(bare, folder / "bin" / "pytorch_model.bin")
(folder / "bin" / "config.json").write_bytes((folder / "whole" / "config.json").read_bytes())
(folder / "bin_shards").mkdir(exist_ok=True)  # as transformers wrote large models until 2023
names = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
state = {**model.state_dict(), "transformer.h.0.attn.bias": bare["h.0.attn.bias"]}
where = {k: names["h.1." in k or "ln_f" in k] for k in state}
for name in names:
    torch.save({k: v.clone() for k, v in state.items() if where[k] == name}, folder / "bin_shards" / name)
(folder / "bin_shards" / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {"total_size": sum(v.nbytes for v in state.values())}, "weight_map": where}, indent=2) + "\n")
(folder / "bin_shards" / "config.json").write_bytes((folder / "whole" / "config.json").read_bytes())
conv1d = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
torch.save({k: v.t().contiguous() if k.endswith(conv1d) else v for k, v in model.state_dict().items() if k != "lm_head.weight"}, folder / "nanogpt.pt")
