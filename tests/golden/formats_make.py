#!/usr/bin/env python3
"""Makes formats_torch.pt and formats_torch.safetensors, which tests/formats reads: python3 tests/golden/formats_make.py
Made with torch 2.11.0 and safetensors 0.8.0; contents are fixed, no randomness."""
import pathlib
from collections import OrderedDict

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
