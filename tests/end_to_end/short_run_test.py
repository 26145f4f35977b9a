#!/usr/bin/env python3
"""The quickstart in short: short_run_test.py TRAINER. Two ranks learn, evaluate and predict; bounds that a broken trainer misses.

Two thirds of the quickstart's steps and a third of its validation rows. The words that all summaries share are learnt in the first
200 steps and give a ROUGE-1 of 0.6; names, times and places in their roles are copied only by a model whose attention, positions,
gradients over ranks and generation all work.
"""
import csv
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TRAINER = os.path.join(ROOT, "trainer")
STEPS = 800


class ShortRun(unittest.TestCase):
    def test_two_ranks_learn_to_summarise(self):
        with tempfile.TemporaryDirectory() as folder:
            command = [os.path.join(ROOT, "launch", "local.sh"), "2", TRAINER, "configs/quickstart.yaml", f"--run.out_dir={folder}/out",
                       f"--train.max_iters={STEPS}", "--eval.interval=400", "--eval.rouge_examples=0", "--eval.metric=val_loss",
                       "--eval.max_examples=100", "--report.log_interval=1"]
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, timeout=600)
            self.assertEqual(done.returncode, 0, done.stdout)
            out = os.path.join(folder, "out")

            with open(os.path.join(out, "metrics.jsonl"), encoding="utf-8") as file:
                records = [json.loads(line) for line in file]
            losses = [record["loss"] for record in records if record["kind"] == "train"]
            self.assertEqual(len(losses), STEPS)
            self.assertGreater(losses[0], 6.5)  # log(1500) is 7.3
            self.assertLess(sum(losses[-50:]) / 50, 1.0)
            evaluations = [record for record in records if record["kind"] == "eval"]
            self.assertEqual([record["iter"] for record in evaluations], [0, 400, STEPS])
            self.assertLess(evaluations[-1]["val_loss"], 1.2)

            scored = subprocess.run([sys.executable, "configs/quickstart/score.py", out, "--rouge1", "0.7", "--margin", "0.25", "--in-role", "0.5"],
                                    cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
            print(scored.stdout)
            self.assertEqual(scored.returncode, 0, scored.stdout)

            with open(os.path.join(out, "submission.csv"), newline="", encoding="utf-8") as file:
                submitted = list(csv.DictReader(file))
            with open(os.path.join(ROOT, "configs", "quickstart", "test.csv"), newline="", encoding="utf-8") as file:
                self.assertEqual([row["id"] for row in submitted], [row["id"] for row in csv.DictReader(file)])
            self.assertGreater(len({row["summary"] for row in submitted}), 90)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        TRAINER = os.path.abspath(sys.argv.pop(1))
    unittest.main()
