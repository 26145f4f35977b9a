#!/usr/bin/env python3
"""The trainer as a user runs it, on a tiny model: trainer_test.py TRAINER. Ranks, resumes, signals, stages and wrong inputs."""
import csv
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
TRAINER = os.path.join(ROOT, "trainer")
DATA = os.path.join(ROOT, "configs", "quickstart")
SETTINGS = {
    "run.device": "cpu", "data.train_csv": "TRAIN", "data.validation_csv": "VALID", "data.test_csv": "TEST", "data.block_size": 256,
    "tokenizer.dir": os.path.join(DATA, "vocabulary"), "prompt.dialogue_start": "\\n", "prompt.summary_start": "\\n\\n",
    "model.n_layer": 2, "model.n_head": 2, "model.n_embd": 32, "model.dropout": 0.1, "train.max_iters": 8, "train.global_batch_size": 12,
    "train.learning_rate": 0.003, "train.micro_batch_tokens": 400, "eval.interval": 3, "eval.rouge_examples": 3, "eval.max_loss_examples": 20,
    "eval.samples": 1, "report.log_interval": 1, "checkpoint.interval": 2, "generation.max_new_tokens": 8, "generation.temperature": 0.7,
}


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def some_rows(source, target, count):
    with open(source, newline="", encoding="utf-8") as file, open(target, "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        for number, row in enumerate(csv.reader(file)):
            if number > count:
                break
            writer.writerow(row)
    return target


class Trainer(unittest.TestCase):
    def setUp(self):
        self.folder_object = tempfile.TemporaryDirectory()
        self.folder = self.folder_object.name
        self.addCleanup(self.folder_object.cleanup)
        self.files = {"TRAIN": some_rows(f"{DATA}/train.csv", f"{self.folder}/train.csv", 50), "VALID": some_rows(f"{DATA}/validation.csv", f"{self.folder}/valid.csv", 20),
                      "TEST": some_rows(f"{DATA}/test.csv", f"{self.folder}/test.csv", 7)}
        self.config = self.write_config()

    def write_config(self, **changed):
        path = f"{self.folder}/c.yaml"
        sections = {}
        for key, value in {**SETTINGS, **changed}.items():
            section, name = key.split(".")
            value = self.files.get(value, value)
            sections.setdefault(section, []).append(f"  {name}: " + (f'"{value}"' if isinstance(value, str) else json.dumps(value)))
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(f"{section}:\n" + "\n".join(lines) + "\n" for section, lines in sections.items()))
        return path

    def command(self, out, ranks, *more):
        launcher = [os.path.join(ROOT, "launch", "local.sh"), str(ranks)] if ranks else []
        return [*launcher, TRAINER, self.config, f"--run.out_dir={self.folder}/{out}", *more]

    def run_trainer(self, out, ranks, *more, code=0):
        done = subprocess.run(self.command(out, ranks, *more), env={**os.environ, "CUDA_VISIBLE_DEVICES": ""}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True, timeout=200, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, code, done.stdout[-2000:] + done.stderr[-2000:])
        return done

    def records(self, out, kind):
        with open(f"{self.folder}/{out}/metrics.jsonl", encoding="utf-8") as file:
            return [record for record in map(json.loads, file.read().split("\n")[:-1]) if record["kind"] == kind]

    def losses(self, out):
        records = self.records(out, "train")
        self.assertEqual([record["iter"] for record in records], list(range(len(records))))
        return [record["loss"] for record in records]

    def assert_near(self, got, wanted, bound):
        self.assertEqual(len(got), len(wanted))
        self.assertLess(max(abs(a - b) / abs(b) for a, b in zip(got, wanted)), bound)

    def test_one_two_and_three_ranks_train_alike(self):
        for out, ranks in (("one", 0), ("two", 2), ("three", 3)):
            self.run_trainer(out, ranks)
        one = self.losses("one")
        self.assertEqual(len(one), 8)
        self.assertLess(one[-1], one[0] - 0.1)
        for other in ("two", "three"):
            self.assert_near(self.losses(other), one, 1e-5)
            self.assert_near([r["val_loss"] for r in self.records(other, "eval")], [r["val_loss"] for r in self.records("one", "eval")], 1e-5)
            self.assertEqual([r["plan"] for r in self.records(other, "train")], [r["plan"] for r in self.records("one", "train")])
        self.run_trainer("dry", 0, "--model.dropout=0", "--stages=train")
        self.assertGreater(max(abs(a - b) for a, b in zip(self.losses("dry"), one)), 1e-4)  # dropout was on
        self.assertEqual([r["iter"] for r in self.records("one", "eval")], [0, 3, 6, 8])
        for name in "config.yaml ckpt.pt last.pt vocab.json merges.txt metrics.jsonl tensorboard evaluation.json evaluation.csv submission.csv report.html train.log".split():
            self.assertTrue(os.path.exists(f"{self.folder}/one/{name}"), name)
        self.assertEqual([r["id"] for r in rows(f"{self.folder}/one/submission.csv")], [r["id"] for r in rows(self.files["TEST"])])
        self.assertEqual(len(rows(f"{self.folder}/three/evaluation.csv")), 20)
        # A finished run trains no more, and says which files are up to date.
        again = self.run_trainer("one", 2)
        self.assertIn("up to date", again.stdout)
        self.assertEqual(self.losses("one"), one)

    def test_a_signal_saves_and_the_same_line_goes_on_bit_for_bit(self):
        self.run_trainer("whole", 2, "--stages=train", "--train.max_iters=40")
        with subprocess.Popen(self.command("cut", 2, "--stages=train", "--train.max_iters=40"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            end = time.time() + 60
            while time.time() < end and not (os.path.exists(f"{self.folder}/cut/metrics.jsonl") and len(self.records("cut", "train")) >= 3):
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)  # local.sh passes SIGUSR1 on
            self.assertEqual(process.wait(60), 75)
        before = len(self.records("cut", "train"))
        self.assertLess(before, 40)
        self.run_trainer("cut", 2, "--stages=train", "--train.max_iters=40")
        self.assertEqual(self.losses("cut"), self.losses("whole"))
        self.assertEqual([(r["iter"], r["val_loss"], r["weights"]) for r in self.records("cut", "eval")], [(r["iter"], r["val_loss"], r["weights"]) for r in self.records("whole", "eval")])
        self.assertFalse([name for name in os.listdir(f"{self.folder}/cut") if name.endswith(".new")])

    def greedy_library(self):
        """A library that takes SIGHUP for itself before main begins, as UCX does, which Open MPI 5 loads."""
        with open(f"{self.folder}/greedy.c", "w", encoding="utf-8") as file:
            file.write("#include <signal.h>\nstatic void trace(int s) { (void)s; }\n__attribute__((constructor)) static void take(void) { signal(SIGHUP, trace); }\n")
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", f"{self.folder}/greedy.so", f"{self.folder}/greedy.c"], check=True)
        return f"{self.folder}/greedy.so"

    def test_a_hangup_saves_unless_it_is_ignored(self):
        library = self.greedy_library()
        for out, before, code, preload in (("hangup", signal.SIG_DFL, 75, ""), ("nohup", signal.SIG_IGN, 0, ""), ("greedy", signal.SIG_DFL, 75, library), ("greedy-nohup", signal.SIG_IGN, 0, library)):
            command = self.command(out, 0, "--stages=train", "--train.max_iters=40")
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=lambda: signal.signal(signal.SIGHUP, before), env={**os.environ, "LD_PRELOAD": preload}) as process:
                end = time.time() + 60
                while time.time() < end and not (os.path.exists(f"{self.folder}/{out}/metrics.jsonl") and len(self.records(out, "train")) >= 3):
                    time.sleep(0.01)
                process.send_signal(signal.SIGHUP)
                self.assertEqual(process.wait(60), code, out)
            self.assertTrue(os.path.exists(f"{self.folder}/{out}/last.pt"))

    def test_a_damaged_checkpoint_falls_back_to_the_newest_whole_one(self):
        options = ["--stages=train", "--checkpoint.keep_last=3", "--eval.rouge_examples=0"]
        self.run_trainer("whole", 0, *options)
        for name, ranks, damage in (("cut", 2, lambda content: content[: len(content) // 2]), ("flipped", 0, lambda content: content[:-300] + bytes([content[-300] ^ 1]) + content[-299:])):
            out = f"{self.folder}/{name}"
            self.run_trainer(name, ranks, *options, "--train.max_iters=6", "--train.lr_decay_iters=8")
            self.damage(f"{out}/last.pt", damage)
            os.remove(f"{out}/iter-000006.pt")
            done = self.run_trainer(name, ranks, *options)
            warnings = [line for line in done.stderr.splitlines() if "last.pt" in line]
            self.assertEqual(len(warnings), 1, done.stderr)
            self.assertIn("going on from iter-000004.pt at iteration 4 instead; 2 iterations are done again", warnings[0])
            self.assertTrue(os.path.exists(f"{out}/last.pt.damaged"))
            self.assert_near(self.losses(name), self.losses("whole"), 1e-5 if ranks else 1e-300)
        for file in os.listdir(out):
            if file.endswith(".pt"):
                self.damage(f"{out}/{file}", lambda content: content[:100])
        before = sorted(os.listdir(out))
        done = self.run_trainer("flipped", 0, *options, "--train.max_iters=9", code=3)  # never from the start instead
        for word in ("last.pt", "ckpt.pt", "iter-000008.pt", "run.resume"):
            self.assertIn(word, done.stderr)
        self.assertEqual(sorted(os.listdir(out)), before)

    def test_a_second_run_in_a_folder_is_refused(self):
        command = self.command("two", 0, "--stages=train", "--train.max_iters=200")
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
            end = time.time() + 60
            while time.time() < end and not os.path.exists(f"{self.folder}/two/last.pt"):
                time.sleep(0.01)
            second = self.run_trainer("two", 0, "--stages=train", code=2)
            for word in (str(first.pid), os.uname().nodename, f"{self.folder}/two"):
                self.assertIn(word, second.stderr)
            first.kill()
        self.run_trainer("two", 2, "--stages=train")  # a dead one's lock does not hold
        self.assertFalse(os.path.exists(f"{self.folder}/two/run.lock"))

    def damage(self, path, how):
        with open(path, "rb") as file:
            content = file.read()
        os.remove(path)  # not the other names of the same file
        with open(path, "wb") as file:
            file.write(how(content))

    def test_a_save_that_fails_is_told_and_training_goes_on(self):
        def small_files_only():  # as a quota that checkpoints do not fit in
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

        done = subprocess.run(self.command("full", 0, "--stages=train"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                              timeout=200, preexec_fn=small_files_only)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(len(self.losses("full")), 8)
        for name in ("last.pt", "ckpt.pt"):
            self.assertRegex(done.stderr, rf"warning: a checkpoint was not saved: \S+{name}: cannot be written: File too large; going on, and trying again")
            self.assertRegex(done.stderr.split("trainer:")[1], rf"{name}: cannot be written: File too large")
        self.assertFalse([name for name in os.listdir(f"{self.folder}/full") if name.endswith((".pt", ".new"))])
        self.run_trainer("full", 0, "--stages=train")

    def test_bfloat16_and_float16_learn_as_float32_does(self):
        for dtype in ("float32", "bfloat16", "float16"):
            self.run_trainer(dtype, 0, f"--train.dtype={dtype}", "--stages=train", "--model.dropout=0")
        exact = self.losses("float32")
        for dtype in ("bfloat16", "float16"):
            self.assertNotEqual(self.losses(dtype), exact)
            self.assert_near(self.losses(dtype), exact, 0.01)

    def test_empty_summaries_are_counted(self):
        for name in ("TRAIN", "VALID"):  # of nothing but the end a model soon says nothing but the end
            with open(self.files[name], newline="", encoding="utf-8") as file:
                lines = [[row["id"], row["dialogue"], ""] for row in csv.DictReader(file)]
            with open(self.files[name], "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([["id", "dialogue", "summary"], *lines])
        done = self.run_trainer("empty", 2, "--generation.temperature=0", "--model.dropout=0", "--train.learning_rate=0.02", "--eval.metric=val_loss")
        self.assertEqual([row["summary"] for row in rows(f"{self.folder}/empty/submission.csv")], [""] * 7)
        self.assertEqual(done.stderr.count("warning: predictions: 7 of 7 summaries are empty"), 1, done.stderr)
        self.assertEqual(done.stderr.count("warning: evaluation: 20 of 20 summaries are empty"), 1, done.stderr)
        self.assertEqual(self.records("empty", "eval")[-1]["num_empty_summaries"], 3)
        self.assertIn("3 of the summaries are empty", done.stdout)
        with open(f"{self.folder}/empty/train.log", encoding="utf-8") as file:
            for line in file:
                self.assertRegex(line, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")

    def test_settings_without_effect_are_told_and_others_are_not(self):
        done = self.run_trainer("none", 2, "--check", "--generation.temperature=0", "--generation.top_k=20", "--train.warmup_iters=8")
        self.assertEqual(done.stderr.count("warning: "), 2, done.stderr)
        for words in ("generation.top_k has no effect: generation.temperature is 0", "train.warmup_iters 8 lasts to the end of train.max_iters 8"):
            self.assertEqual(done.stderr.count(words), 1, done.stderr)
        self.assertEqual(self.run_trainer("none", 0, "--check").stderr, "")

    def test_the_config_of_a_run_can_be_run_again(self):
        self.run_trainer("first", 0, "--stages=train", "--train.max_iters=1", "--eval.rouge_examples=0")
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text.replace("  block_size: 256\n", ""))  # the model's own, fewer than the default
        more = ["--stages=train", "--train.max_iters=2", "--eval.rouge_examples=0", f"--model.init_from={self.folder}/first/last.pt"]
        self.run_trainer("second", 0, *more)
        self.config = f"{self.folder}/second/config.yaml"
        again = self.run_trainer("third", 0)
        self.assertEqual(again.stderr, "")
        self.assertEqual(self.losses("third"), self.losses("second"))

    def test_keys_are_printed_whatever_else_is_asked(self):
        for words in (["--keys"], [self.config, "--keys"], ["--keys", self.config, "--stages=train"]):
            done = subprocess.run([TRAINER, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60, cwd=self.folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(done.stdout.startswith("### run\n"), done.stdout[:100])
            self.assertFalse(os.path.exists(f"{self.folder}/out"))

    def test_check_writes_nothing_and_says_what_would_happen(self):
        done = self.run_trainer("none", 0, "--check")
        self.assertFalse(os.path.exists(f"{self.folder}/none"))
        for words in ("optimizer steps: 8", "million parameters", "50 training, 20 validation, 7 test"):
            self.assertIn(words, done.stdout)

    def test_wrong_inputs_end_with_their_code_and_one_message(self):
        with open(f"{self.folder}/ragged.csv", "w", encoding="utf-8") as file:
            file.write("id,dialogue,summary\n1,a,b\n2,a\n")
        with open(f"{self.folder}/text.pt", "w", encoding="utf-8") as file:
            file.write("hello")
        with open(f"{self.folder}/bad.yaml", "w", encoding="utf-8") as file:
            file.write("train:\n  learning_rte: 1\n  max_iters: -1\n")
        cases = [
            (["--train.max_iters=1.5"], 2, ["max_iters", "1.5"]),
            (["--train.max_iter=1"], 2, ["max_iter", "max_iters"]),
            (["--model.n_head=3"], 2, ["n_head", "n_embd"]),
            (["--stages=train,predikt"], 2, ["predikt", "predict"]),
            (["--train.learning_rate=1e-9"], 2, ["train.min_lr 6.0e-06 (its default)", "train.learning_rate 1.0e-09"]),
            (["--data.dialogue_column=dialog"], 3, ["'id', 'dialogue', 'summary'", "set data.dialogue_column='dialogue'"]),
            ([f"--data.train_csv={self.folder}/none.csv"], 3, ["none.csv"]),
            ([f"--data.train_csv={self.folder}/ragged.csv"], 3, ["ragged.csv", "3"]),
            ([f"--tokenizer.dir={self.folder}"], 3, ["vocab.json"]),
            ([f"--model.init_from={self.folder}/nomodel"], 3, ["nomodel"]),
            ([f"--model.init_from={self.folder}/text.pt"], 3, ["text.pt"]),
            ([f"--run.resume={self.folder}/no.pt"], 3, ["no.pt"]),
            (["--stages=evaluate"], 3, ["ckpt.pt"]),
            (["--run.device=cuda"], 4, ["cuda"]),  # no GPU is visible here, whatever the machine has
            ([f"--run.out_dir={self.config}"], 2, ["c.yaml"]),
        ]
        for arguments, code, words in cases:
            for ranks in (0, 2) if "none.csv" in arguments[0] else (0,):
                done = self.run_trainer("wrong", ranks, *arguments, code=code)
                for word in words:
                    self.assertIn(word, done.stderr, arguments)
                self.assertEqual(done.stderr.count(words[0]), 1 if ranks == 2 else done.stderr.count(words[0]), done.stderr)
                for ugly in ("terminate called", "what():", "c10::", "YAML::", "std::"):
                    self.assertNotIn(ugly, done.stderr)
        done = subprocess.run([TRAINER, f"{self.folder}/bad.yaml"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        for words in ("bad.yaml", "learning_rate", "max_iters", ":2:", ":3:"):
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        TRAINER = os.path.abspath(sys.argv.pop(1))
    unittest.main()
