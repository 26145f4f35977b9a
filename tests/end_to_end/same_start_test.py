#!/usr/bin/env python3
"""Ranks that are given different files, as nodes with copies of their own may be: same_start_test.py TRAINER. Noticed before anything is computed."""
import csv
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
TRAINER = os.path.join(ROOT, "trainer")
DATA = os.path.join(ROOT, "configs", "quickstart")


class SameStart(unittest.TestCase):
    def setUp(self):
        self.folder_object = tempfile.TemporaryDirectory()
        self.folder = self.folder_object.name
        self.addCleanup(self.folder_object.cleanup)
        for node in ("a", "b"):
            os.makedirs(f"{self.folder}/{node}/vocabulary")
            for name in ("train", "validation", "test"):
                self.write_rows(f"{node}/{name}.csv", self.rows(name))
            for name in ("vocab.json", "merges.txt"):
                with open(f"{DATA}/vocabulary/{name}", encoding="utf-8") as file:
                    self.write(f"{node}/vocabulary/{name}", file.read())
            self.write(f"{node}/c.yaml", self.config(node))

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)

    def rows(self, name):
        with open(f"{DATA}/{name}.csv", newline="", encoding="utf-8") as file:
            return list(csv.reader(file))[:21]

    def write_rows(self, name, rows):
        with open(f"{self.folder}/{name}", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)

    def config(self, node):
        here = f"{self.folder}/{node}"
        return f"""
run: {{device: cpu, stages: [train], out_dir: {self.folder}/out}}
data: {{train_csv: {here}/train.csv, validation_csv: {here}/validation.csv, block_size: 192}}
tokenizer: {{dir: {here}/vocabulary}}
model: {{n_layer: 1, n_head: 2, n_embd: 32}}
train: {{max_iters: 2, global_batch_size: 8}}
eval: {{rouge_examples: 0}}
"""

    def run_ranks(self, second=(), program=None):
        """Two ranks, each with the files of its node; `second`: more words for the second one."""
        words = ["-np", "1", TRAINER, f"{self.folder}/a/c.yaml", ":", "-np", "1", program or TRAINER, f"{self.folder}/b/c.yaml", *second]
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        return subprocess.run(["mpirun", "--bind-to", "none", "--oversubscribe", *words], env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=200)

    def expect_refusal(self, done, code, *words):
        self.assertEqual(done.returncode, code, done.stderr)
        said = [line for line in done.stderr.splitlines() if line.startswith("trainer: ")]
        self.assertEqual(len(said), 1, done.stderr)
        self.assertRegex(said[0], r"^trainer: rank 1 \(on \S+\) differs from rank 0 in ")
        for word in words:
            self.assertIn(word, said[0])
        self.assertFalse(os.path.exists(f"{self.folder}/out/last.pt"))

    def test_the_same_content_in_other_places_is_the_same(self):
        done = self.run_ranks()
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_key_that_differs(self):
        self.expect_refusal(self.run_ranks(["--train.learning_rate=0.001"]), 2, "train.learning_rate: 0.001 there, 6.0e-05 on rank 0")

    def test_a_row_that_differs(self):
        rows = self.rows("train")
        self.write_rows("b/train.csv", [*rows[:-1], [*rows[-1][:2], rows[-1][2] + "!", *rows[-1][3:]]])
        self.expect_refusal(self.run_ranks(), 3, "the rows to train on: 20 rows (digest ")
        self.write_rows("b/train.csv", rows[:-1])
        self.expect_refusal(self.run_ranks(), 3, "the rows to train on: 19 rows", "20 rows")

    def test_a_vocabulary_that_differs(self):
        with open(f"{self.folder}/b/vocabulary/merges.txt", encoding="utf-8") as file:
            lines = file.read().split("\n")
        lines[20], lines[21] = lines[21], lines[20]
        self.write("b/vocabulary/merges.txt", "\n".join(lines))
        self.expect_refusal(self.run_ranks(), 3, "the vocabulary: digest ")

    def test_another_build(self):
        with open(TRAINER, "rb") as file:
            content = file.read()
        other = f"{self.folder}/trainer"
        with open(other, "wb") as file:
            file.write(content.replace(b"precis {} (commit {}", b"precis {} (comMit {}"))  # what --version says first
        os.chmod(other, 0o755)
        self.expect_refusal(self.run_ranks(program=other), 2, "the program: trainer precis", "start the same build on all nodes")


if __name__ == "__main__":
    TRAINER = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else TRAINER
    unittest.main()
