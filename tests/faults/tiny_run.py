"""A run of all stages in a second, on made-up rows, with the shim around it; what it must have written, and what must be whole at any time."""
import csv
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import time
import zipfile
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
ITERATIONS = 4
CONFIG = """\
run: {{device: cpu, out_dir: "{folder}/out"}}
data: {{train_csv: "{folder}/data/train.csv", validation_csv: "{folder}/data/valid.csv", test_csv: "{folder}/data/test.csv", block_size: 64}}
prompt: {{dialogue_start: "\\n", summary_start: "\\n\\n"}}
tokenizer: {{train_vocab_size: 264}}
model: {{n_layer: 1, n_head: 1, n_embd: 16, dropout: 0.1}}
train: {{max_iters: {iterations}, global_batch_size: 4, learning_rate: 0.01, decay_lr: false}}
eval: {{interval: 2, rouge_examples: 2, max_loss_examples: 4, samples: 1}}
generation: {{max_new_tokens: 3, min_new_tokens: 3}}
checkpoint: {{interval: 1, keep_last: 2}}
report: {{log_interval: 1}}
comm: {{timeout_seconds: 60}}
"""
NAMES = ["Ann", "Bob", "Cy", "Dee", "Eve", "Flo"]
# Fields of records that say when and how fast, and no result.
OF_TIME = re.compile(r"time|seconds|_ms$|_per_s$|mfu|flops|memory|_share$")


def make_data(folder):
    folder.mkdir(parents=True)
    for name, count in (("train", 12), ("valid", 4), ("test", 3)):
        with open(folder / f"{name}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "dialogue", "summary"] if name != "test" else ["id", "dialogue"])
            for i in range(count):
                one, other = NAMES[i % 6], NAMES[(i + 1) % 6]
                row = [f"{name}-{i}", f"{one}: Hi {other}"]
                writer.writerow(row if name == "test" else [*row, f"{one} greets"])


class Done:
    """How a run ended. calls: (kind, fault or None, path) of each call of the shim's kinds."""

    def __init__(self, code, output, seconds, trace):
        self.code, self.output, self.seconds = code, output, seconds
        self.calls = []
        if trace.exists():
            for line in trace.read_text().splitlines():
                _, kind, fault, path = line.split(" ", 3)
                self.calls.append((kind, None if fault == "-" else fault, path))

    def said(self):
        return "\n    ".join(self.output.strip().splitlines()[-4:])


class TinyRun:
    """One place where the run can be done again and again. Places of names of equal length write equal files, but for the name."""

    def __init__(self, folder, trainer, shim, ranks, core=0):
        self.folder, self.trainer, self.shim, self.ranks, self.core = folder, trainer, shim, ranks, core
        self.out = folder / "out"
        self.not_started = 0  # times that MPI_Init failed on its own, which happens beside processes that are killed, and was tried again
        make_data(folder / "data")
        (folder / "c.yaml").write_text(CONFIG.format(folder=folder, iterations=ITERATIONS))

    def start_from(self, content):
        """The run folder as `content` (a folder) has it; without one there is none."""
        shutil.rmtree(self.out, ignore_errors=True)
        if content:
            shutil.copytree(content, self.out, symlinks=True, copy_function=shutil.copy2)

    def run(self, fault=None, options=(), below="out"):
        """`fault`: the shim's settings (shim.cpp), without the prefix of their names; None: no shim at all."""
        done = self.start(fault, options, below)
        while "before MPI_INIT" in done.output and self.not_started < 20:
            print(f"MPI did not start:\n{done.output}", flush=True)
            self.not_started += 1
            done = self.start(fault, options, below)
        return done

    def start(self, fault, options, below, timeout=90):
        trace = self.folder / "trace"
        trace.unlink(missing_ok=True)
        command = [self.trainer, self.folder / "c.yaml", *options]
        if fault is not None:
            shim = {"FOLDER": self.folder / below, "TRACE": trace, "RANK": 0, **fault}
            command = ["env", f"LD_PRELOAD={self.shim}", *(f"PRECIS_FAULTS_{key}={value}" for key, value in shim.items()), *command]
        if self.ranks > 1:
            command = [ROOT / "launch/local.sh", str(self.ranks), *command]
        command = ["taskset", "-c", self.core, *command]  # places work beside each other, and a core has one thread
        env = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
        began = time.monotonic()
        process = subprocess.Popen([str(word) for word in command], cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   encoding="utf-8", errors="replace", start_new_session=True)
        output = None
        for _ in range(timeout):  # not all at once: somebody may stop the machine's processes for a while, this one too
            try:
                output = process.communicate(timeout=1)[0]
                break
            except subprocess.TimeoutExpired:
                pass
        if output is None:
            os.killpg(process.pid, signal.SIGKILL)
            output = process.communicate()[0] + f"\nit hung for {timeout} s"
        return Done(process.returncode, output, time.monotonic() - began, trace)

    def files(self):
        return sorted(path for path in self.out.rglob("*") if not path.is_dir()) if self.out.exists() else []

    def results(self):
        """What the run folder holds, in a form that is equal for runs that did the same."""
        found = {}
        for path in self.files():
            name = str(path.relative_to(self.out))
            if name.startswith("tensorboard/"):
                found["tensorboard"] = None
            elif name in ("train.log", "report.html"):
                found[name] = None
            elif name == "metrics.jsonl":
                found[name] = [{key: value for key, value in json.loads(line).items() if not OF_TIME.search(key)} for line in path.read_text().splitlines()]
            elif name.endswith(".pt"):
                found[name] = {entry: self.neutral(content) for entry, content in zip_entries(path).items()}
            else:
                found[name] = self.neutral(path.read_bytes())
        if "tensorboard" in found:
            found["tensorboard"] = tensorboard_scalars(sorted((self.out / "tensorboard").iterdir()))
        return found

    def neutral(self, content):
        """Without the name of the place, and of one beside it: what a run began that another went on with."""
        place = re.escape(str(self.folder.parent).encode()) + b"/.{%d}(?=/)" % len(self.folder.name)
        return re.sub(place, b"PLACE", content)

    def half_written(self, finished):
        """What is wrong with the files that bear a final name, at whatever time. `finished`: the results of an undisturbed run."""
        wrong = []
        for path in self.files():
            name = str(path.relative_to(self.out))
            if name.startswith(".") or name == "run.lock" or name.endswith(".damaged"):
                continue
            try:
                content = path.read_bytes()
                if name.startswith("tensorboard/"):
                    frames(content)
                elif name == "metrics.jsonl" or name.endswith(".rows.jsonl"):  # the latter while a stage is under way
                    [json.loads(line) for line in content.split(b"\n")[:-1]]
                elif name.endswith(".pt"):
                    zip_entries(path)
                elif name == "report.html":
                    assert content.rstrip().endswith(b"</html>"), "it has no end"
                elif name != "train.log":
                    assert self.neutral(content) == finished.get(name), "it is another than in the undisturbed run"
            except (AssertionError, ValueError, zipfile.BadZipFile, zlib.error, OSError) as error:
                wrong.append(f"{name}: {error}")
        return wrong

    def iterations_recorded(self):
        path = self.out / "metrics.jsonl"
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        return max([json.loads(line)["iter"] + 1 for line in lines if '"train"' in line], default=0)


def differences(results, wanted):
    """In words; empty where there is none."""
    wrong = [f"{name} is missing" for name in wanted if name not in results]
    wrong += [f"{name} should not be there" for name in results if name not in wanted]
    for name in sorted(set(results) & set(wanted)):
        mine, right = results[name], wanted[name]
        if mine == right:
            continue
        if isinstance(right, dict):
            mine, right = [[key, value] for key, value in sorted(mine.items()) if right.get(key) != value], "others"
        elif isinstance(right, list):
            mine, right = [line for line in mine if line not in right] or f"{len(mine)} lines", [line for line in right if line not in mine] or f"{len(right)} lines"
        wrong.append(f"{name} differs: {str(mine)[:300]} and not {str(right)[:300]}")
    return wrong


def zip_entries(path):
    """The parts of a checkpoint, each checked against its CRC."""
    with zipfile.ZipFile(path) as archive:
        return {entry: archive.read(entry) for entry in archive.namelist()}


def frames(content):
    """The payloads of TFRecords; a last one that is not whole is left out, as readers do."""
    found, at = [], 0
    while at + 12 <= len(content):
        size = struct.unpack_from("<Q", content, at)[0]
        assert size < 1 << 20, "the length of a record is none"
        if at + 16 + size > len(content):
            break
        found.append(content[at + 12:at + 12 + size])
        at += 16 + size
    return found


def fields(message):
    """(number, value) of each field of a protobuf message: integers, bytes, or the raw bytes of fixed numbers."""
    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    at = 0
    while at < len(message):
        key = varint()
        number, wire = key >> 3, key & 7
        if wire == 0:
            yield number, varint()
        else:
            size = varint() if wire == 2 else {1: 8, 5: 4}[wire]
            yield number, message[at:at + size]
            at += size


def tensorboard_scalars(paths):
    """[step, tag, value] of what TensorBoard would draw of these files: where a session starts, it forgets later steps of those before."""
    drawn = []
    for path in paths:
        for payload in frames(path.read_bytes()):
            event = list(fields(payload))
            step = next((value for number, value in event if number == 2), 0)
            for number, value in event:
                if number == 7:
                    drawn = [scalar for scalar in drawn if scalar[0] < step]
                if number == 5:
                    for _, summary in fields(value):
                        tag, raw = (part for _, part in fields(summary))
                        if not tag.startswith(b"speed/"):
                            drawn.append([step, tag.decode(), struct.unpack("<f", raw)[0]])
    return drawn
