#!/usr/bin/env python3
"""Ranks that fail at an MPI call of a whole run end it everywhere: ranks_test.py TRAINER LIBRARY [TRIES [SEED]]

LIBRARY is mpi_faults.cpp. A short run (training, evaluations, saves, evaluation, prediction, report) is repeated TRIES times; each time one rank of 2 or 3
is killed, is stopped, throws, or hangs at one of its MPI calls, or kills its launcher there. The calls are taken evenly over the run, so that all of
its stages come. Every time the whole run must be gone soon, with a code that is no success, with the rank, what it was about and the call in words where
somebody waited, and with no process left behind; and after every third the same line must go on to the end. Prints a line for each fault:
tries, survived, seconds to the end (median, longest).
"""
import csv
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
TIMEOUT = 4  # comm.timeout_seconds
LONGEST = 30  # seconds to the end of all, on a busy machine
ONLY_C = {"MPI_Win_free", "MPI_Comm_free", "MPI_Finalize"}  # called where nothing may throw
FAULTS = ("kill", "stop", "throw", "hang", "launcher")


def config(folder):
    """A job of seconds with all stages."""
    data = os.path.join(ROOT, "configs", "quickstart")
    for name, count in (("train", 30), ("validation", 12), ("test", 5)):
        with open(f"{data}/{name}.csv", newline="", encoding="utf-8") as file, open(f"{folder}/{name}.csv", "w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows(row for number, row in enumerate(csv.reader(file)) if number <= count)
    path = f"{folder}/c.yaml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"""
run: {{device: cpu}}
data: {{train_csv: {folder}/train.csv, validation_csv: {folder}/validation.csv, test_csv: {folder}/test.csv, block_size: 192}}
tokenizer: {{dir: {data}/vocabulary}}
model: {{n_layer: 1, n_head: 2, n_embd: 32, dropout: 0.1}}
train: {{max_iters: 4, global_batch_size: 8, learning_rate: 0.003, micro_batch_tokens: 400}}
eval: {{interval: 2, rouge_examples: 2, max_loss_examples: 6, samples: 0}}
checkpoint: {{interval: 2}}
generation: {{max_new_tokens: 4}}
comm: {{timeout_seconds: {TIMEOUT}}}
""")
    return path


def marked(mark):
    """The living processes whose environment holds the mark."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ, open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
                if mark in environ.read() and stat.read().rpartition(")")[2].split()[0] not in "ZX":
                    found.append(int(pid))
        except OSError:
            pass
    return found


class Job:
    def __init__(self, trainer, library, folder):
        self.trainer, self.library, self.folder = trainer, library, folder
        self.config = config(folder)
        self.stamp = f"{folder}/stamp"
        self.number = 0

    def command(self, ranks, out):
        return [os.path.join(ROOT, "launch", "local.sh"), str(ranks), self.trainer, self.config, f"--run.out_dir={self.folder}/{out}"]

    def environment(self, **more):
        return {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_WAIT_POLICY": "PASSIVE", "PRECIS_MARK": f"precis-{os.getpid()}-{self.number}", "LD_PRELOAD": self.library, **more}

    def calls(self, ranks):
        """The MPI calls of rank 0 in an undisturbed run."""
        names = f"{self.folder}/calls-{ranks}"
        done = subprocess.run(self.command(ranks, f"whole-{ranks}"), env=self.environment(PRECIS_MPI_CALLS=names), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
        assert done.returncode == 0, done.stderr
        with open(names, encoding="utf-8") as file:
            return file.read().split()

    def fail(self, ranks, fault, rank, number):
        """(seconds from the fault to the end of the last process, exit code, what was said, the processes left behind). No seconds: it never came so far."""
        self.number += 1
        out = f"out-{self.number}"
        if os.path.exists(self.stamp):
            os.remove(self.stamp)
        environment = self.environment(PRECIS_MPI_FAULT=f"{fault}:{rank}:{number}", PRECIS_MPI_STAMP=self.stamp)
        mark = f"PRECIS_MARK={environment['PRECIS_MARK']}".encode() + b"\0"
        with open(f"{self.folder}/said", "w+", encoding="utf-8") as said:
            job = subprocess.Popen(self.command(ranks, out), env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            end = time.time() + 120
            while time.time() < end and (job.poll() is None or marked(mark)):
                began = os.path.getmtime(self.stamp) if os.path.exists(self.stamp) else None
                if began is not None and time.time() - began > LONGEST:
                    break
                time.sleep(0.1)
            left = marked(mark)
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            code = job.wait(timeout=30)
            said.seek(0)
            words = said.read()
        took = time.time() - os.path.getmtime(self.stamp) if os.path.exists(self.stamp) else None
        return took, code, words, left

    def goes_on(self, ranks):
        """Whether the same line ends well afterwards."""
        done = subprocess.run(self.command(ranks, f"out-{self.number}"), env=self.environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
        return "" if done.returncode == 0 else f"the same line ended with {done.returncode}: {done.stderr[-1000:]}"


def shortfall(fault, rank, call, took, code, words, left):
    """What is wrong with such an end; empty: nothing."""
    if left:
        return f"{len(left)} processes left behind"
    if code == 0:
        return "exit code 0"
    if took > LONGEST:
        return f"it took {took:.0f} s"
    if fault == "throw" and f"error: rank {rank} (" not in words:
        return "the rank that threw is not named"
    if fault in ("stop", "hang"):
        if not re.search(r"error: rank \d \([^)]+\) has waited \d+ s in [A-Z]\w+", words):
            return "nobody names the call that was waited in"
        # One that hangs in a call that waits anyhow is one of those that wait, and may be the one that tells it.
        if call not in ONLY_C and not re.search(rf"for ranks? [\d, ]*{rank}|all of them wait \(.*rank {rank}: in MPI_|error: rank {rank} \(.*all of them wait", words):
            return f"rank {rank} is not named"
    return ""


def main():
    trainer, library = sys.argv[1:3]
    tries = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    table = {fault: [] for fault in FAULTS}
    bad = 0
    with tempfile.TemporaryDirectory(prefix="precis-ranks-") as folder:
        job = Job(trainer, library, folder)
        calls = {ranks: job.calls(ranks) for ranks in (2, 3)}
        for i in range(tries):
            ranks, fault = rng.choice((2, 2, 3)), FAULTS[i % len(FAULTS)]
            names = calls[ranks]
            number = min(len(names), 1 + int((i + rng.random()) / tries * len(names)))
            call = names[number - 1]
            if fault == "throw" and call in ONLY_C:
                fault = "stop"
            rank = rng.randrange(ranks)
            took, code, words, left = job.fail(ranks, fault, rank, number)
            if took is None:
                wrong = "" if code == 0 else f"exit {code} without the fault"  # that rank makes fewer calls than rank 0
                if not wrong:
                    continue
            else:
                wrong = shortfall(fault, rank, call, took, code, words, left)
                if not wrong and i % 3 == 0:
                    wrong = job.goes_on(ranks)
                table[fault].append((not wrong, took))
            bad += bool(wrong)
            print(f"{fault} of rank {rank} of {ranks} at call {number} of {len(names)}, {call}: exit {code}" + (f" after {took:.1f} s" if took else "") + (f": FALLS SHORT: {wrong}\n{words}" if wrong else ""), flush=True)
    for fault, ends in table.items():
        if ends:
            seconds = [took for _, took in ends]
            print(f"{fault}: {len(ends)} tries, {sum(good for good, _ in ends)} as they should, {statistics.median(seconds):.1f} s to the end, at most {max(seconds):.1f}")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
