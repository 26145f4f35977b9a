#!/usr/bin/env python3
"""Where outputs may go: outputs_test.py FOLDER_OF_PROGRAMS. Pipes, links and open descriptors are written into, never replaced.

/dev/stdout is a link to /proc/self/fd/1; the tests make such links of their own, so that a fault cannot replace the machine's.
"""
import csv
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROGRAMS = ROOT
DATA = os.path.join(ROOT, "configs", "quickstart")
CONFIG = """\
run: {{device: cpu, stages: [train], out_dir: {folder}/out}}
data: {{train_csv: {data}/validation.csv, validation_csv: {data}/validation.csv, block_size: 128}}
tokenizer: {{dir: {data}/vocabulary}}
model: {{n_layer: 1, n_head: 1, n_embd: 16}}
train: {{max_iters: 1, global_batch_size: 2}}
eval: {{rouge_examples: 0, max_loss_examples: 2}}
generation: {{max_new_tokens: 4}}
report: {{tensorboard: false, html: false}}
"""


class Outputs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder_object = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder_object.cleanup)
        cls.folder = os.path.realpath(cls.folder_object.name)
        with open(f"{DATA}/test.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))[:6]
        for name, header, second in (("test.csv", rows[0], 1), ("references.csv", ["id", "summary"], 1)):
            with open(f"{cls.folder}/{name}", "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([header, *([row[0], row[second]] for row in rows[1:])])
        with open(f"{cls.folder}/c.yaml", "w", encoding="utf-8") as file:
            file.write(CONFIG.format(folder=cls.folder, data=DATA))
        cls.model = f"{cls.folder}/out/last.pt"
        for command in (["trainer", "c.yaml"], cls.summarize("right.csv"), ["convert", "--from", cls.model, "--to", "hf"],
                        ["convert", "--from", "hf", "--to", "right.pt"]):
            done = cls.run_program(*command)
            assert done.returncode == 0, (command, done.stdout, done.stderr)
        cls.right, cls.right_pt = cls.content("right.csv"), cls.content("right.pt")
        assert cls.right.count(b"\n") == len(rows)

    @classmethod
    def content(cls, name):
        with open(f"{cls.folder}/{name}", "rb") as file:
            return file.read()

    @classmethod
    def summarize(cls, output):
        return ["summarize", "--model", cls.model, "--input", "test.csv", "--output", output, "--run.device=cpu"]

    @classmethod
    def run_program(cls, name, *arguments, ranks=0, stdout=subprocess.PIPE, **how):
        launcher = [os.path.join(ROOT, "launch", "local.sh"), str(ranks)] if ranks else []
        return subprocess.run([*launcher, os.path.join(PROGRAMS, name), *arguments], cwd=cls.folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, timeout=100, **how)

    def through_pipe(self, name, *arguments, **how):
        """What a named pipe's reader gets."""
        pipe = f"{self.folder}/pipe"
        os.mkfifo(pipe)
        got = []
        reader = threading.Thread(target=lambda: got.append(self.content("pipe")), daemon=True)
        reader.start()
        done = self.run_program(name, *arguments, **how)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(stat.S_ISFIFO(os.lstat(pipe).st_mode), "the pipe was replaced")
        reader.join(20)
        os.remove(pipe)
        return got[0]

    def link_to_stdout(self):
        link = f"{self.folder}/stdout"
        os.symlink("/proc/self/fd/1", link)
        self.addCleanup(os.remove, link)
        return link

    def test_a_named_pipe_gets_the_bytes(self):
        for ranks in (0, 2):
            self.assertEqual(self.through_pipe(*self.summarize("pipe"), ranks=ranks), self.right)
        self.assertEqual(self.through_pipe("convert", "--from", "hf", "--to", "pipe"), self.right_pt)

    def test_links_to_standard_output_and_descriptors_get_the_bytes(self):
        link = self.link_to_stdout()
        self.assertEqual(self.run_program(*self.summarize("stdout")).stdout, self.right)
        done = self.run_program("convert", "--from", "hf", "--to", "stdout")
        self.assertEqual(done.stdout, self.right_pt)
        self.assertIn(b"a checkpoint of", done.stderr)
        scores = self.run_program("rouge", "--references", "references.csv", "--predictions", "right.csv", "--per-example", "stdout").stdout
        self.assertTrue(scores.startswith(b"id,rouge1") and scores.endswith(b"}\n"), scores)
        with open(f"{self.folder}/file.csv", "wb") as file:
            file.write(b"before\n")
            file.flush()
            self.run_program(*self.summarize("stdout"), stdout=file)
        self.assertEqual(self.content("file.csv"), b"before\n" + self.right)
        self.assertTrue(os.path.islink(link))
        read, write = os.pipe()
        done = self.run_program(*self.summarize(f"/dev/fd/{write}"), pass_fds=(write,))
        os.close(write)
        with open(read, "rb") as file:
            self.assertEqual(file.read(), self.right, done.stderr)
        ours, theirs = socket.socketpair()
        self.run_program(*self.summarize("stdout"), stdout=theirs)
        theirs.close()
        with ours, ours.makefile("rb") as file:
            self.assertEqual(file.read(), self.right)

    def test_links_stay_and_what_they_lead_to_is_replaced(self):
        os.makedirs(f"{self.folder}/elsewhere/model")
        for link, target in (("file link", "elsewhere/new.csv"), ("folder link", "elsewhere/model")):
            os.symlink(target, f"{self.folder}/{link}")
        self.assertEqual(self.run_program(*self.summarize("file link")).returncode, 0)
        self.assertEqual(self.run_program("convert", "--from", self.model, "--to", "folder link").returncode, 0)
        self.assertEqual(self.content("elsewhere/new.csv"), self.right)
        self.assertEqual(self.content("elsewhere/model/model.safetensors"), self.content("hf/model.safetensors"))
        for link in ("file link", "folder link"):
            self.assertTrue(os.path.islink(f"{self.folder}/{link}"), link)

    def test_a_reader_that_goes_away_ends_in_one_message(self):
        self.link_to_stdout()
        for command, code, words in ((self.summarize("stdout"), 3, "stdout: cannot be written"), (self.summarize("stdout")[:5] + ["--run.device=cpu"], 1, "standard output cannot be written"),
                                     (["convert", "--from", "hf", "--to", "stdout"], 3, "stdout: cannot be written")):
            read, write = os.pipe()
            os.close(read)
            done = self.run_program(*command, stdout=write)
            os.close(write)
            self.assertEqual(done.returncode, code, done.stderr)
            said = done.stderr.decode().splitlines()
            self.assertEqual(len(said), 1, said)
            self.assertIn(words, said[0])

    def test_what_cannot_be_written_is_told_before_any_work(self):
        os.mkdir(f"{self.folder}/a folder")
        no_model = [word.replace(self.model, "no such model") for word in self.summarize("X")]
        cases = [
            ([w.replace("X", "a folder") if w == "X" else w for w in no_model], "is a folder; name a file in it"),
            ([w.replace("X", "none/x.csv") if w == "X" else w for w in no_model], "there is no folder"),
            (["rouge", "--references", "none.csv", "--predictions", "none.csv", "--per-example", "none/x.csv"], "there is no folder"),
            (["convert", "--from", "hf", "--to", "none/x.pt"], "there is no folder"),
            (["convert", "--from", self.model, "--to", "test.csv"], "is a file; expected a folder"),
            (["bpe", "train", "--input", "none.csv", "--vocab-size", "300", "--output", "test.csv"], "is a file; expected a folder"),
            (["trainer", "c.yaml", "--data.train_csv=none.csv", "--run.out_dir=test.csv/out"], "test.csv is a file; expected a folder"),
        ]
        for command, words in cases:
            done = self.run_program(*command)
            self.assertEqual(done.returncode, 2, (command, done.stderr))
            self.assertIn(words, done.stderr.decode())
            self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)
        self.assertEqual(self.run_program(*cases[1][0], ranks=2).stderr.count(b"there is no folder"), 1)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        PROGRAMS = os.path.abspath(sys.argv.pop(1))
    unittest.main()
