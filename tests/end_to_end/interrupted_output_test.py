#!/usr/bin/env python3
"""Evaluations and predictions that are killed or stopped, trainings that go on with another config: interrupted_output_test.py
TRAINER. The same line goes on from the rows that are done, with as many ranks or another number, and writes the very files of a run
that nobody disturbed."""
import csv
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
TRAINER = os.path.join(ROOT, "trainer")
DATA = os.path.join(ROOT, "configs", "quickstart")
ROWS = 600
SETTINGS = {
    "run.device": "cpu", "data.block_size": 256, "tokenizer.dir": os.path.join(DATA, "vocabulary"), "model.n_layer": 1, "model.n_head": 2,
    "model.n_embd": 32, "train.max_iters": 12, "train.global_batch_size": 8, "train.learning_rate": 0.003, "train.micro_batch_tokens": 400,
    "eval.interval": 6, "eval.rouge_examples": 0, "eval.max_loss_examples": 20, "eval.samples": 0, "report.log_interval": 1, "report.html": False,
    "report.tensorboard": False, "checkpoint.interval": 3, "generation.max_new_tokens": 150, "generation.min_new_tokens": 100, "generation.temperature": 0.9, "generation.top_k": 20,
}


def environment():
    return {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE"}


def ranks_of(process):
    """The trainer's processes below a process, by pid."""
    below, found = {}, []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                name, rest = re.match(r"\d+ \((.*)\) (.*)", file.read(), re.S).groups()
            below.setdefault(int(rest.split()[1]), []).append((int(pid), name))
        except (OSError, AttributeError):
            continue
    todo = [process.pid]
    while todo:
        for pid, name in below.get(todo.pop(), []):
            todo.append(pid)
            if name == "trainer":
                found.append(pid)
    return sorted(found) or [process.pid]


class Interrupted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = cls.temporary.name
        with open(f"{DATA}/train.csv", newline="", encoding="utf-8") as file:
            pairs = list(csv.DictReader(file))
        cls.write("train.csv", ["id", "dialogue", "summary"], pairs[:80])
        cls.write("valid.csv", ["id", "dialogue", "summary"], pairs[80:120])
        cls.write("test.csv", ["id", "dialogue"], (pairs * (ROWS // len(pairs) + 1))[:ROWS])
        with open(f"{cls.folder}/c.yaml", "w", encoding="utf-8") as file:
            for section in dict.fromkeys(key.split(".")[0] for key in SETTINGS):
                file.write(f"{section}:\n")
                for key, value in SETTINGS.items():
                    if key.startswith(section + "."):
                        file.write(f"  {key.split('.')[1]}: {json.dumps(value)}\n")
            file.write("prompt:\n  summary_start: \"\\n\\n\"\n")
        cls.run_line("trained", 0, "--stages=train")
        cls.copy("whole")
        cls.run_line("whole", 0, "--stages=predict")

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def write(cls, name, columns, rows):
        with open(f"{cls.folder}/{name}", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)

    @classmethod
    def copy(cls, name):
        shutil.copytree(f"{cls.folder}/trained", f"{cls.folder}/{name}")

    @classmethod
    def line(cls, out, ranks, *more):
        paths = [f"--data.{name}_csv={cls.folder}/{file}.csv" for name, file in (("train", "train"), ("validation", "valid"), ("test", "test"))]
        launcher = ["mpirun", "--bind-to", "none", "--oversubscribe", "-np", str(ranks)] if ranks else []
        return [*launcher, TRAINER, f"{cls.folder}/c.yaml", *paths, f"--run.out_dir={cls.folder}/{out}", *more]

    @classmethod
    def run_line(cls, out, ranks, *more, code=0):
        done = subprocess.run(cls.line(out, ranks, *more), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=300)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done

    def start(self, out, ranks, *more):
        return subprocess.Popen(self.line(out, ranks, *more), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)

    def read(self, *names):
        with open(os.path.join(self.folder, *names), "rb") as file:
            return file.read()

    def kept(self, out, stage="predict"):
        """How many rows are in the file of those that are done."""
        try:
            return max(0, self.read(out, f"{stage}.rows.jsonl").count(b"\n") - 1)
        except FileNotFoundError:
            return 0

    def wait_until(self, condition, process):
        end = time.time() + 120
        while not condition():
            self.assertIsNone(process.poll(), "ended before it was interrupted")
            self.assertLess(time.time(), end)
            time.sleep(0.005)

    def interrupt(self, process, how):
        ranks = ranks_of(process)
        if how == "kill":
            for pid in [process.pid, *ranks]:
                os.kill(pid, signal.SIGKILL)
        elif how == "one":
            os.kill(ranks[-1], signal.SIGTERM)
        else:
            process.send_signal(signal.SIGUSR1)
        out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, -9 if how == "kill" else 75, out)
        return out

    def test_a_prediction_goes_on_from_the_rows_that_are_done(self):
        rng = random.Random(5)
        cases = [("kill", 0, 0), ("one", 0, 2), ("usr1", 0, 0), ("kill", 2, 2), ("one", 2, 1), ("usr1", 2, 2)]
        for how, ranks, later in cases:
            out = f"{how}-{ranks}-{later}"
            self.copy(out)
            process = self.start(out, ranks, "--stages=predict")
            self.wait_until(lambda least=rng.randrange(1, ROWS // 2): self.kept(out) >= least, process)
            said = self.interrupt(process, how)
            kept = self.kept(out)
            self.assertLess(kept, ROWS, "too late to be a test")
            if how != "kill":
                self.assertIn(f"stopped by a signal; {kept} of {ROWS} rows are done and kept", said)
                self.assertNotIn("MPI_ABORT", said)
            self.assertFalse(os.path.exists(f"{self.folder}/{out}/submission.csv"))
            done = self.run_line(out, later, "--stages=predict")
            self.assertIn(f"{kept} of {ROWS} rows are done and taken from predict.rows.jsonl", done.stdout)
            self.assertEqual(self.read(out, "submission.csv"), self.read("whole", "submission.csv"), out)
            self.assertFalse(os.path.exists(f"{self.folder}/{out}/predict.rows.jsonl"))

    def test_rows_of_other_settings_are_not_taken(self):
        self.copy("other")
        process = self.start("other", 0, "--stages=predict")
        self.wait_until(lambda: self.kept("other") >= 1, process)
        self.interrupt(process, "one")
        done = self.run_line("other", 0, "--stages=predict", "--generation.seed=7")
        self.assertIn("predict.rows.jsonl is of other weights, settings or rows: begun anew", done.stdout)
        self.assertNotEqual(self.read("other", "submission.csv"), self.read("whole", "submission.csv"))

    def test_an_evaluation_goes_on_from_the_rows_that_are_done(self):
        more = ["--stages=evaluate", f"--data.validation_csv={self.folder}/long.csv"]
        with open(f"{DATA}/train.csv", newline="", encoding="utf-8") as file:
            self.write("long.csv", ["id", "dialogue", "summary"], (list(csv.DictReader(file)) * 4)[:ROWS])
        self.copy("evaluated")
        self.run_line("evaluated", 2, *more)
        self.copy("evaluate")
        process = self.start("evaluate", 2, *more)
        self.wait_until(lambda: self.kept("evaluate", "evaluate") >= 1, process)
        self.interrupt(process, "one")
        done = self.run_line("evaluate", 2, *more)
        self.assertRegex(done.stdout, rf"[1-9]\d* of {ROWS} rows are done and taken from evaluate.rows.jsonl")
        for name in ("evaluation.json", "evaluation.csv"):
            self.assertEqual(self.read("evaluate", name), self.read("evaluated", name), name)

    def records(self, out):
        records = [json.loads(line) for line in self.read(out, "metrics.jsonl").splitlines()]
        return [{key: value for key, value in record.items() if key in ("kind", "iter", "loss", "val_loss", "rouge1", "weights", "plan", "best")}
                for record in records if record["kind"] in ("train", "eval")]

    def test_a_training_goes_on_with_what_may_change_and_refuses_the_rest(self):
        self.copy("changed")
        before = self.read("changed", "metrics.jsonl")
        done = self.run_line("changed", 2, "--stages=train", "--train.max_iters=14", "--prompt.summary_start=x", "--model.n_embd=16", code=2)
        for words in ("prompt.summary_start: ", "model.n_embd is 16", f"the training of {self.folder}/changed/last.pt cannot go on with that", "run.out_dir"):
            self.assertEqual(done.stderr.count(words), 1, done.stderr)
        self.assertEqual(self.read("changed", "metrics.jsonl"), before)
        done = self.run_line("changed", 2, "--stages=train", "--train.max_iters=14")
        self.assertEqual(done.stdout.count("changed since: "), 1, done.stdout)
        self.assertIn("changed since: train.max_iters: 12 -> 14", done.stdout)
        self.assertEqual([r["iter"] for r in self.records("changed") if r["kind"] == "train"], list(range(14)))

    def test_a_signal_ends_an_evaluation_inside_training(self):
        more = ["--stages=train", "--eval.rouge_examples=40", "--generation.max_new_tokens=160", "--generation.min_new_tokens=160", "--generation.temperature=0"]
        self.run_line("undisturbed", 2, *more)
        process = self.start("disturbed", 2, *more)
        evaluating = lambda: os.path.exists(f"{self.folder}/disturbed/metrics.jsonl") and b'"iter":5,' in self.read("disturbed", "metrics.jsonl")
        self.wait_until(evaluating, process)  # the last iteration before an evaluation
        said = self.interrupt(process, "one")
        self.assertIn("the evaluation after 6 steps is stopped by a signal", said)
        self.assertEqual([r["iter"] for r in self.records("disturbed") if r["kind"] == "eval"], [0])
        done = self.run_line("disturbed", 2, *more)
        self.assertIn("last.pt at iteration 6", done.stdout)
        self.assertEqual(self.records("disturbed"), self.records("undisturbed"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        TRAINER = os.path.abspath(sys.argv.pop(1))
    unittest.main()
