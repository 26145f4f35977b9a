"""ATen's attention for GPUs, called as lib/ops/attention_aten.cpp calls it, on tensors that have shapes and no data: what the schemas
and meta functions of the installed torch say of arguments, results, and what backward takes from forward. No GPU is needed.
PRECIS_META_PYTHON names the Python of another torch (2.10) to ask as well."""
import os
import subprocess
import sys
import unittest

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

N, H, D = 37, 12, 64            # rows of all samples, heads, head size
OFFSETS, MAX_LENGTH = 4, 17     # three samples
FLASH = (torch.float16, torch.bfloat16)
EFFICIENT = (torch.float16, torch.float32)
CAUSAL = 1                      # custom_mask_type of the efficient kernel: from the top left


def parts(dtype):
    """q, k, v [N, H, D] of qkv [N, 3C], which is how they lie in memory; offsets; the gradient of what comes out."""
    qkv = torch.empty(N, 3 * H * D, dtype=dtype, device="cuda")
    q, k, v = (qkv.narrow(1, i * H * D, H * D).view(N, H, D) for i in range(3))
    return q, k, v, torch.empty(OFFSETS, dtype=torch.int32, device="cuda"), torch.empty(N, H, D, dtype=dtype, device="cuda")


class AttentionMeta(unittest.TestCase):
    def check(self, tensor, shape, dtype):
        self.assertEqual((tuple(tensor.shape), tensor.dtype, tensor.device.type), (tuple(shape), dtype, "cuda"))

    def test_flash_attention_forward_feeds_its_backward(self):
        for dtype in FLASH:
            with self.subTest(dtype=dtype), FakeTensorMode():
                q, k, v, offsets, grad = parts(dtype)
                found = torch.ops.aten._flash_attention_forward(q, k, v, offsets, offsets, MAX_LENGTH, MAX_LENGTH, 0.0, True, False)
                self.assertEqual(len(found), 5)
                out, log_sum_exp, seed, offset, _ = found
                self.check(out, (N, H, D), dtype)
                self.check(log_sum_exp, (H, N), torch.float32)
                grads = torch.ops.aten._flash_attention_backward(
                    grad, q, k, v, out, log_sum_exp, offsets, offsets, MAX_LENGTH, MAX_LENGTH, 0.0, True, seed, offset)
                self.assertEqual(len(grads), 3)
                for each in grads:
                    self.check(each, (N, H, D), dtype)

    def test_efficient_attention_forward_feeds_its_backward(self):
        for dtype in EFFICIENT:
            with self.subTest(dtype=dtype), FakeTensorMode():
                q, k, v, offsets, grad = (each.unsqueeze(0) if each.dim() == 3 else each for each in parts(dtype))
                found = torch.ops.aten._efficient_attention_forward(q, k, v, None, offsets, offsets, MAX_LENGTH, MAX_LENGTH, 0.0, CAUSAL, True)
                self.assertEqual(len(found), 6)
                out, log_sum_exp, seed, offset, _, _ = found
                self.check(out, (1, N, H, D), dtype)
                rows = -(-MAX_LENGTH // 32) * 32  # of each sample, in whole tiles of 32
                self.check(log_sum_exp, (OFFSETS - 1, H, rows), torch.float32)
                grads = torch.ops.aten._efficient_attention_backward(
                    grad, q, k, v, None, out, offsets, offsets, MAX_LENGTH, MAX_LENGTH, log_sum_exp, 0.0, seed, offset, CAUSAL, False)
                self.assertEqual(len(grads), 4)
                for each in grads[:3]:
                    self.check(each, (1, N, H, D), dtype)

    def test_another_torch_agrees(self):
        python = os.environ.get("PRECIS_META_PYTHON")
        if not python:
            self.skipTest("PRECIS_META_PYTHON names no Python with another torch")
        environment = {name: value for name, value in os.environ.items() if name != "PRECIS_META_PYTHON"}
        done = subprocess.run([python, os.path.abspath(__file__)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("torch ", done.stdout)


if __name__ == "__main__":
    print("torch", torch.__version__, flush=True)
    sys.exit(not unittest.main(exit=False).result.wasSuccessful())
