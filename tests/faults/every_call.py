#!/usr/bin/env python3
"""Lets every call fail that a run makes for its files, one at a time, and kills it there: every_call.py SHIM TRAINER [OPTION...]

A tiny run of all stages is done undisturbed, with its calls counted (tests/faults/shim.cpp). Then, for each row of the table and each
call k of the row's kinds, once more with a fault at k. It must end with 0, or with 3 and a sentence that names the place, or by the
kill; at that moment every file that has its name must be whole; and the same line, typed once more where it did not end with 0, must
finish with the files of the undisturbed run, and no others. Prints a table; ends with 1 where anything else happened.

--ranks N       the run's ranks (default 1)         --row WORDS  only rows with these words in their name; may be repeated
--seconds S     end after S seconds of a sample that goes over all rows, instead of every k        --seed N  which sample
--at K          only call K
"""
import argparse
import concurrent.futures
import dataclasses
import errno
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from tiny_run import ITERATIONS, TinyRun, differences

FULL, BROKEN, QUOTA, READ_ONLY = errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS
CHANGES = ("write", "sync", "create", "rename", "link", "unlink", "truncate", "mkdir", "close")
LOOKS = ("open", "read", "map")


@dataclasses.dataclass
class Row:
    """A fault at each call of some kinds. `how`: the shim's, taken in turn. `calls`: how many fail, 0 all from there on."""
    name: str
    kinds: tuple
    how: tuple
    calls: int = 1
    start: str = "nothing"  # what the run folder holds before: nothing, or half a run
    below: str = "out"  # whose files count
    step: int = 1  # every so many calls, for those that take seconds


ROWS = [
    Row("a write fails", ("write",), (FULL, BROKEN, QUOTA)),
    Row("a write is cut short", ("write",), ("short",)),
    Row("the disk is full for 5 calls", ("write", "create", "mkdir"), ("full",), calls=5),
    Row("a sync fails", ("sync",), (BROKEN, QUOTA)),
    Row("a file cannot be made", ("create", "mkdir"), (FULL, READ_ONLY, QUOTA)),
    Row("a rename, link or removal fails", ("rename", "link", "unlink", "truncate"), (BROKEN, READ_ONLY)),
    Row("a close fails", ("close",), (BROKEN, QUOTA)),
    Row("the disk stays full", ("write", "create", "mkdir", "link", "rename"), (FULL,), calls=0, step=9),
    Row("the disk stays read-only", CHANGES[:-1], (READ_ONLY,), calls=0, step=13),
    Row("killed before a call", CHANGES, ("kill-before",)),
    Row("killed in the middle of a write", ("write",), ("kill-middle",)),
    Row("killed after a call", ("rename", "create", "link", "unlink", "truncate"), ("kill-after",)),
    Row("killed while it resumes", CHANGES, ("kill-before", "kill-middle"), start="half"),
    Row("a write fails after a resume", ("write", "sync", "create", "rename", "link", "unlink", "truncate", "mkdir"), (FULL, BROKEN), start="half"),
    Row("a read fails while it resumes", LOOKS, (BROKEN,), start="half"),
    Row("no read works while it resumes", LOOKS, (BROKEN,), calls=0, start="half", step=3),
    Row("a read of the data fails", LOOKS, (BROKEN, errno.ESTALE), below="data"),
]


@dataclasses.dataclass
class Count:
    tries: int = 0
    survived: int = 0
    again: int = 0  # ended with 3, and went on by the same line
    lost: int = 0  # iterations, at most
    seconds: float = 0  # to the end, at most


class Driver:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.counts = {}
        self.lock = threading.Lock()
        self.wrong = []
        cores = sorted(os.sched_getaffinity(0))[:26]
        self.free = [TinyRun(folder / chr(ord("a") + i), options.trainer, options.shim, options.ranks, core) for i, core in enumerate(cores)]
        self.half, self.ks = folder / "half", {}

    def prepare(self):
        """The undisturbed run, what half of it leaves, and how many calls there are."""
        one, other = self.free[0], self.free[-1]
        whole = one.run({})
        if whole.code != 0:
            raise SystemExit(f"the undisturbed run ended with {whole.code}:\n{whole.output}")
        self.results = one.results()
        other.run({})
        wrong = differences(other.results(), self.results) + other.half_written(self.results)
        if wrong:
            raise SystemExit("two undisturbed runs differ, so nothing can be told:\n" + "\n".join(wrong))
        reads = one.run({}, below="data")
        one.start_from(None)
        one.run({"KINDS": "rename", "AT": 1 + self.middle(whole), "HOW": "kill-before"})
        shutil.copytree(one.out, self.half)
        one.start_from(self.half)
        resumed = one.run({})
        wrong = differences(one.results(), self.results)
        if wrong:
            raise SystemExit("the resumed run differs from the undisturbed one:\n" + "\n".join(wrong))
        for row in ROWS:
            calls = reads if row.below == "data" else resumed if row.start == "half" else whole
            self.ks[row.name] = sum(kind in row.kinds for kind, _, _ in calls.calls)

    def middle(self, whole):
        """The number of the rename that puts the second last.pt in place: checkpoints are there, and work is left."""
        renames = [path for kind, _, path in whole.calls if kind == "rename"]
        return [i for i, path in enumerate(renames, 1) if path == "last.pt"][1]

    def tries(self):
        """(row, k) of all that is asked for; in an order that takes every row alike where time is short."""
        rows = [row for row in ROWS if not self.options.row or any(words in row.name for words in self.options.row)]
        lists = []
        for row in rows:
            ks = [k for k in range(1, self.ks[row.name] + 1, row.step) if self.options.at in (None, k)]
            if self.options.seconds:
                random.Random(f"{self.options.seed} {row.name}").shuffle(ks)
            lists.append([(row, k) for k in ks])
        if not self.options.seconds:
            return [one for ks in lists for one in ks]
        return [ks[i] for i in range(max(map(len, lists), default=0)) for ks in lists if i < len(ks)]

    def try_one(self, row, k, place):
        """What is wrong, in sentences."""
        place.start_from(self.half if row.start == "half" else None)
        how = row.how[k % len(row.how)]
        fault = {"KINDS": ",".join(row.kinds), "AT": k, "CALLS": row.calls, "HOW": how}
        first = place.run(fault, below=row.below)
        hit = next(((kind, path) for kind, what, path in first.calls if what), None)
        wrong = []
        killed = first.code in (-signal.SIGKILL, 128 + signal.SIGKILL)
        if killed != str(how).startswith("kill") and hit:
            wrong.append("it was not killed" if not killed else "it was killed")
        elif not killed and first.code not in ((0, 2, 3) if hit == ("mkdir", "") else (0, 3)):
            wrong.append(f"it ended with {first.code}")
        if first.code in (2, 3) and not any(str(folder) in first.output for folder in (place.out, place.folder / "data")):
            wrong.append("its message names no file")
        wrong += place.half_written(self.results)
        lost = 0
        if first.code != 0:
            done = place.iterations_recorded()
            second = place.run()
            if second.code != 0:
                wrong.append(f"the same line ended with {second.code}: {second.said()}")
            resumed = re.search(r"resuming from .* at iteration (\d+)", second.output)
            trains = "training is done" not in second.output
            lost = max(0, done - int(resumed[1])) if resumed else done if trains else 0
            if not resumed and done > 1:
                wrong.append(f"the same line began anew after {done} iterations")
        wrong += self.unlike(row, place, first)
        self.note(row, first, lost, wrong)
        return [f"{row.name}, call {k} ({' '.join(hit) if hit else 'not reached'}, {how}): {text}" for text in wrong + ([f"it had said: {first.said()}"] if wrong else [])]

    def unlike(self, row, place, first):
        """How the end differs from the undisturbed one. Where that was said, damaged files may lie there, iter-NNNNNN.pt of other
        iterations, and no report."""
        found, wanted = place.results(), dict(self.results)
        for name in [name for name in found if ".damaged" in name and name in first.output]:
            del found[name]
            if name.startswith("metrics.jsonl"):  # begun anew, what was there kept beside it
                found.pop("metrics.jsonl", None), wanted.pop("metrics.jsonl")
        if "report.html is not made" in first.output:
            wanted.pop("report.html"), found.pop("report.html", None)
        if row.calls == 0 and row.kinds == LOOKS:
            found.pop("run.lock", None)  # no longer known to be its own; the lock of the dead does not hold
            if "metrics.jsonl" in first.output or "cannot be read" in first.output:
                found.pop("tensorboard", None), wanted.pop("tensorboard")  # begins a session with the evaluation that metrics.jsonl holds
        for name in [path for kind, fault, path in first.calls if kind == "unlink" and fault]:
            if first.code == 0 and name not in wanted:
                found.pop(name, None)  # that could not be removed
        if "was not saved" in first.output:
            for numbered in [name for name in {**found, **wanted} if name.startswith("iter-") and not (name in found and name in wanted)]:
                found.pop(numbered, None), wanted.pop(numbered, None)
        return differences(found, wanted)

    def note(self, row, first, lost, wrong):
        with self.lock:
            count = self.counts.setdefault(row.name, Count())
            count.tries += 1
            count.survived += not wrong
            count.again += first.code == 3
            count.lost = max(count.lost, lost)
            count.seconds = max(count.seconds, first.seconds)

    def work(self, one):
        if self.options.seconds and time.monotonic() - self.began > self.options.seconds:
            return
        with self.lock:
            place = self.free.pop()
        try:
            wrong = self.try_one(*one, place)
        finally:
            with self.lock:
                self.free.append(place)
        if wrong:
            print("WRONG  " + "\n       ".join(wrong), flush=True)
            self.wrong.append(one)

    def run(self):
        self.began = time.monotonic()
        self.prepare()
        with concurrent.futures.ThreadPoolExecutor(len(self.free)) as pool:
            for done in [pool.submit(self.work, one) for one in self.tries()]:
                done.result()
        self.print_table()
        return 1 if self.wrong or not self.counts else 0

    def print_table(self):
        print(f"{'fault, ' + str(self.options.ranks) + ' rank(s)':34} {'calls':>6} {'tries':>6} {'survived':>9} {'by the line again':>18} {'iterations lost':>16} {'seconds to the end':>19}")
        for row in ROWS:
            if row.name in self.counts:
                c = self.counts[row.name]
                print(f"{row.name:34} {self.ks[row.name]:6} {c.tries:6} {100 * c.survived / c.tries:8.1f}% {c.again:18} {'at most ' + str(c.lost):>16} {'at most %.1f' % c.seconds:>19}")
        tries, survived = (sum(getattr(c, what) for c in self.counts.values()) for what in ("tries", "survived"))
        not_started = sum(place.not_started for place in self.free)
        if not_started:
            print(f"MPI_Init failed {not_started} times, without any fault of ours")
        print(f"faults at calls: {survived} of {tries} survived, {ITERATIONS} iterations a run, {time.monotonic() - self.began:.0f} s")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("shim", type=pathlib.Path)
    parser.add_argument("trainer", type=pathlib.Path)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--row", action="append")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--at", type=int)
    options = parser.parse_args()
    options.shim, options.trainer = options.shim.resolve(), options.trainer.resolve()
    if options.seconds:
        print(f"a sample: --seed {options.seed}")
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where a sync costs nothing: there are some fifty in a run
    with tempfile.TemporaryDirectory(prefix="precis-faults-", dir=memory) as folder:
        return Driver(options, pathlib.Path(folder).resolve()).run()


if __name__ == "__main__":
    sys.exit(main())
