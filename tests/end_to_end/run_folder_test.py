#!/usr/bin/env python3
"""What somebody planted in a run folder, and texts that are meant to be run: run_folder_test.py TRAINER. Outputs stay in the folder, and nothing is run."""
import csv
import os
import re
import stat
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
TRAINER = os.path.join(ROOT, "trainer")
DATA = os.path.join(ROOT, "configs", "quickstart")
WHOLE = "config.yaml ckpt.pt last.pt iter-000002.pt vocab.json merges.txt metrics.jsonl evaluation.json evaluation.csv submission.csv report.html .last.pt.new .report.html.new".split()
GROWING = ["metrics.jsonl", "train.log", "tensorboard", "run.lock"]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=cmd|"/C calc"!A0', "</pre><script>alert(1)</script>", "<img src=x onerror=alert(1)>"]


class RunFolder(unittest.TestCase):
    def setUp(self):
        self.folder_object = tempfile.TemporaryDirectory()
        self.folder = self.folder_object.name
        self.addCleanup(self.folder_object.cleanup)
        for name, count in (("train", 20), ("validation", 8), ("test", 4)):
            with open(f"{DATA}/{name}.csv", newline="", encoding="utf-8") as file:
                self.write_rows(name, list(csv.reader(file))[: count + 1])
        with open(f"{self.folder}/c.yaml", "w", encoding="utf-8") as file:
            file.write(f"""
run: {{device: cpu}}
data: {{train_csv: {self.folder}/train.csv, validation_csv: {self.folder}/validation.csv, test_csv: {self.folder}/test.csv, block_size: 192}}
tokenizer: {{dir: {DATA}/vocabulary}}
model: {{n_layer: 1, n_head: 2, n_embd: 32}}
train: {{max_iters: 2, global_batch_size: 8, micro_batch_tokens: 400}}
eval: {{interval: 1, rouge_examples: 1, max_loss_examples: 2, samples: 0}}
checkpoint: {{keep_last: 1}}
generation: {{max_new_tokens: 2}}
""")

    def write_rows(self, name, rows):
        with open(f"{self.folder}/{name}.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)

    def run_trainer(self, out, *more):
        command = [TRAINER, f"{self.folder}/c.yaml", f"--run.out_dir={self.folder}/{out}", *more]
        return subprocess.run(command, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=100)

    def victim(self):
        path = f"{self.folder}/victim"
        with open(path, "w", encoding="utf-8") as file:
            file.write("not yours\n")
        return path

    def expect_untouched(self, what):
        with open(f"{self.folder}/victim", encoding="utf-8") as file:
            self.assertEqual(file.read(), "not yours\n", what)

    def test_whole_files_take_the_place_of_links(self):
        for out, plant in (("soft", os.symlink), ("hard", os.link)):
            os.mkdir(f"{self.folder}/{out}")
            victim = self.victim()
            for name in [name for name in WHOLE if name not in GROWING and not name.endswith(".pt")] + (GROWING[:2] if plant is os.link else []):
                plant(victim, f"{self.folder}/{out}/{name}")
            done = self.run_trainer(out)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.expect_untouched(out)
            for name in WHOLE:
                path = f"{self.folder}/{out}/{name}"
                if not name.endswith(".new"):
                    self.assertTrue(stat.S_ISREG(os.lstat(path).st_mode), path)
                self.assertFalse(os.path.exists(path) and os.path.samefile(path, victim), path)

    def test_checkpoints_take_the_place_of_links(self):
        # Training begins in a folder without checkpoints; the links come while it is under way.
        for out, plant in (("soft", os.symlink), ("hard", os.link)):
            self.assertEqual(self.run_trainer(out, "--stages=train", "--train.max_iters=1").returncode, 0)
            victim = self.victim()
            for name in ("ckpt.pt", "iter-000002.pt", ".last.pt.new", ".ckpt.pt.new", ".iter-000002.pt.new"):
                if os.path.exists(f"{self.folder}/{out}/{name}"):
                    os.remove(f"{self.folder}/{out}/{name}")
                plant(victim, f"{self.folder}/{out}/{name}")
            done = self.run_trainer(out, "--stages=train")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.expect_untouched(out)
            self.assertTrue(stat.S_ISREG(os.lstat(f"{self.folder}/{out}/last.pt").st_mode))

    def test_what_grows_is_refused_where_it_is_a_link(self):
        elsewhere = f"{self.folder}/elsewhere"
        os.mkdir(elsewhere)
        for number, name in enumerate(GROWING):
            out = f"out-{number}"
            os.mkdir(f"{self.folder}/{out}")
            target = elsewhere if name == "tensorboard" else self.victim()
            os.symlink(target, f"{self.folder}/{out}/{name}")
            done = self.run_trainer(out)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertRegex(done.stderr, rf"run.out_dir \S*{out}: {re.escape(name)} in it is a link \(to {re.escape(target)}\)")
            self.assertEqual(os.listdir(elsewhere), [])
            if name != "tensorboard":
                self.expect_untouched(name)

    def test_pipes_do_not_hang_the_run(self):
        for number, name in enumerate(("train.log", "metrics.jsonl", "run.lock", "evaluation.json", "last.pt")):
            out = f"pipe-{number}"
            os.mkdir(f"{self.folder}/{out}")
            os.mkfifo(f"{self.folder}/{out}/{name}")
            done = self.run_trainer(out)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertRegex(done.stderr, rf"run.out_dir \S*{out}: {re.escape(name)} in it is a pipe or a device")

    def test_the_folder_itself_may_be_a_link(self):
        os.mkdir(f"{self.folder}/disk")
        os.symlink(f"{self.folder}/disk", f"{self.folder}/out")
        done = self.run_trainer("out", "--stages=train")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(os.path.exists(f"{self.folder}/disk/last.pt"))

    def test_texts_are_written_as_they_are_and_shown_as_texts(self):
        with open(f"{self.folder}/validation.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        id_at, dialogue_at, summary_at = (rows[0].index(name) for name in ("id", "dialogue", "summary"))
        for row, text in zip(rows[1:], FORMULAS):
            row[id_at], row[dialogue_at], row[summary_at] = text, f"A: {text}", text
        self.write_rows("validation", rows)
        done = self.run_trainer("texts")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(f"{self.folder}/texts/evaluation.csv", newline="", encoding="utf-8") as file:
            written = list(csv.DictReader(file))
        self.assertEqual([row["reference"] for row in written], FORMULAS)
        self.assertEqual([row["id"] for row in written], FORMULAS)
        with open(f"{self.folder}/texts/report.html", encoding="utf-8") as file:
            page = file.read()
        self.assertIn("&lt;script&gt;alert(1)", page)
        self.assertNotRegex(page, r"(?i)<script|<img|\son\w+=[^&]*>")
        self.assertLess(page.index("Content-Security-Policy\" content=\"default-src 'none'"), page.index("<title>"))


if __name__ == "__main__":
    TRAINER = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else TRAINER
    unittest.main()
