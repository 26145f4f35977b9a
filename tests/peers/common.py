"""What the comparisons share: seeds, programs, tables and a vocabulary."""
import atexit
import csv
import functools
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import unicodedata

os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", TOKENIZERS_PARALLELISM="false",
                  HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")

SEED = int(os.environ["PRECIS_PEER_SEED"])
PROGRAMS = pathlib.Path(os.environ["PRECIS_PROGRAMS"])
DATA = pathlib.Path(__file__).resolve().parents[2] / "configs/quickstart"
TMP = pathlib.Path(tempfile.mkdtemp(prefix="precis-peers-"))
atexit.register(lambda: shutil.rmtree(TMP, ignore_errors=True))


def use_programs(folder):
    """Goes on with the programs of another folder and with nothing that those before have written."""
    global PROGRAMS, TMP
    shutil.rmtree(TMP, ignore_errors=True)
    PROGRAMS, TMP = pathlib.Path(folder), pathlib.Path(tempfile.mkdtemp(prefix="precis-peers-"))
    vocabulary.cache_clear()


def random_for(name):
    """A stream of its own for each test, so that one alone has the inputs it has among all."""
    return random.Random(f"{SEED} {name}")


def run(program, *arguments, stdin="", ranks=0):
    """Runs a program to its end (under mpirun where ranks are given) and returns its standard output.

    Another exit code than 0 is an error with what it said, and not a failed comparison.
    """
    launcher = ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", str(ranks)] if ranks else []
    command = [*launcher, str(PROGRAMS / program), *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, encoding="utf-8", timeout=300)
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}: {' '.join(command)}\n{done.stderr[-3000:]}")
    return done.stdout


def read_table(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def write_table(path, columns, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def draw_rows(rng, count, path=None):
    """Random rows of the quickstart's validation set; written as CSV to `path`, if there is one."""
    rows = rng.sample(read_table(DATA / "validation.csv"), count)
    if path:
        write_table(path, ["id", "dialogue", "summary"], [[r["id"], r["dialogue"], r["summary"]] for r in rows])
    return rows


@functools.cache
def assigned_characters():
    return [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]


@functools.cache
def vocabulary():
    """The folder of a vocabulary that `bpe train` makes."""
    folder = TMP / "vocabulary"
    run("bpe", "train", "--input", DATA / "train.csv", "--output", folder, "--vocab-size", random_for("vocabulary").randrange(600, 1500))
    return folder


def largest_gap(ours, theirs):
    """Largest relative difference of two lists of numbers."""
    assert len(ours) == len(theirs), f"{len(ours)} numbers against {len(theirs)}"
    return max(abs(a - b) / max(abs(b), 1e-12) for a, b in zip(ours, theirs))


def show(text):
    """A measured figure, on the test's line."""
    print(text, end=" ", flush=True)
