"""What the comparisons share: seeds, programs, tables, a vocabulary, and a random GPT-2 of transformers."""
import atexit
import csv
import functools
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import unicodedata

os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", TOKENIZERS_PARALLELISM="false",
                  HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")

import tiktoken
import torch
from tiktoken.load import data_gym_to_mergeable_bpe_ranks
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.utils import logging

logging.disable_progress_bar()
torch.set_num_threads(2)
SEED = int(os.environ["PRECIS_PEER_SEED"])
PROGRAMS = pathlib.Path(os.environ["PRECIS_PROGRAMS"])
DATA = pathlib.Path(__file__).resolve().parents[2] / "configs/quickstart"
# The prompt of a model that carries none of its own.
START, SUMMARY = "Please summarize the following dialogue:\n\nDialogue:\n", "summary:"
PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
POSITIONS = 320

TMP = pathlib.Path(tempfile.mkdtemp(prefix="precis-peers-"))
atexit.register(shutil.rmtree, TMP, ignore_errors=True)


def random_for(name):
    """A stream of its own for each test, so that one alone has the inputs it has among all."""
    return random.Random(f"{SEED} {name}")


def run(program, *arguments, stdin=""):
    """Runs a program to its end and returns its standard output; another exit code than 0 is an error with what it said."""
    command = [str(PROGRAMS / program), *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, encoding="utf-8", timeout=300)
    if done.returncode:
        raise AssertionError(f"exit code {done.returncode}: {' '.join(command)}\n{done.stderr[-3000:]}")
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


@functools.cache
def encoding():
    """tiktoken with that vocabulary, as it reads GPT-2's own: <|endoftext|> is the last token."""
    ranks = data_gym_to_mergeable_bpe_ranks(str(vocabulary() / "merges.txt"), str(vocabulary() / "vocab.json"))
    return tiktoken.Encoding("peer", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": len(ranks)})


def end_of_text():
    return encoding().eot_token


def prompt_ids(row):
    return encoding().encode_ordinary(START + row["dialogue"] + SUMMARY)


def target_ids(row):
    return [*encoding().encode_ordinary(row["summary"]), end_of_text()]


def make_folder(name, std=0.1, end_bias=0.0):
    """A transformers folder with a random GPT-2 in which no bias and no norm is trivial.

    end_bias raises the logit of <|endoftext|> by about that much, so that texts end by themselves.
    """
    torch.manual_seed(random_for(name).randrange(2**31))
    end = end_of_text()
    model = GPT2LMHeadModel(GPT2Config(n_layer=2, n_head=4, n_embd=64, n_positions=POSITIONS, vocab_size=end + 1, bos_token_id=end,
                                       eos_token_id=end, initializer_range=std))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter += torch.randn_like(parameter) * std
        bias = model.transformer.ln_f.bias
        if end_bias:
            model.transformer.wte.weight[end] = end_bias * bias / bias.dot(bias)
    folder = TMP / name
    model.save_pretrained(folder)
    for file in ("vocab.json", "merges.txt"):
        shutil.copy(vocabulary() / file, folder)
    return folder


def load_model(folder):
    return GPT2LMHeadModel.from_pretrained(folder).eval()


def sample_loss(model, row):
    """Nats of one row's targets, summed (a tensor), and their number."""
    prompt, target = prompt_ids(row), target_ids(row)
    logits = model(torch.tensor([prompt + target[:-1]])).logits[0, len(prompt) - 1:]
    return torch.nn.functional.cross_entropy(logits, torch.tensor(target), reduction="sum"), len(target)


def write_config(path, train_csv, settings):
    """A config (YAML takes JSON) of a run on the CPU in float32 over few rows, with `settings` {section: {key: value}} on top."""
    config = {
        "run": {"device": "cpu", "seed": SEED % 1000},
        "data": {"train_csv": str(train_csv), "validation_csv": str(train_csv), "block_size": POSITIONS},
        "prompt": {"dialogue_start": START, "summary_start": SUMMARY},
        "train": {"dtype": "float32"},
        "eval": {"interval": 1000, "rouge_examples": 0},
        "generation": {"temperature": 0, "max_new_tokens": 1},
        "report": {"log_interval": 1, "tensorboard": False, "html": False},
    }
    for section, keys in settings.items():
        config.setdefault(section, {}).update(keys)
    path.write_text(json.dumps(config, indent=1), encoding="utf-8")
    return path


def train_records(out):
    """The records of the iterations in metrics.jsonl."""
    records = map(json.loads, (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [r for r in records if r["kind"] == "train"]


def largest_gap(ours, theirs):
    """Largest relative difference of two lists of numbers."""
    assert len(ours) == len(theirs), f"{len(ours)} numbers against {len(theirs)}"
    return max(abs(a - b) / max(abs(b), 1e-12) for a, b in zip(ours, theirs))
