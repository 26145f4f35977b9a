"""Random GPT-2s of transformers, their tokens, texts and losses, and runs of the trainer on them.

The references compute in float64: what a comparison finds is then the rounding of the program alone. In float32 torch's sums
over large tensors, as in the norm of a gradient, are themselves 2e-4 off.
"""
import functools
import json
import shutil

import common  # first: it sets what transformers reads when it is imported

import tiktoken
import torch
from tiktoken.load import data_gym_to_mergeable_bpe_ranks
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.utils import logging

logging.disable_progress_bar()
torch.set_num_threads(1)  # the models are too small for more
# The prompt of a model that carries none of its own.
START, SUMMARY = "Please summarize the following dialogue:\n\nDialogue:\n", "summary:"
PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LAYERS, HEADS, WIDTH, POSITIONS = 2, 4, 64, 320


@functools.cache
def encoding_of(folder):
    """tiktoken with a vocabulary, as it reads GPT-2's own: <|endoftext|> is the last token."""
    ranks = data_gym_to_mergeable_bpe_ranks(str(folder / "merges.txt"), str(folder / "vocab.json"))
    return tiktoken.Encoding("peer", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": len(ranks)})


def encoding():
    return encoding_of(common.vocabulary())


def end_of_text():
    return encoding().eot_token


def prompt_ids(row):
    return encoding().encode_ordinary(START + row["dialogue"] + SUMMARY)


def target_ids(row):
    return [*encoding().encode_ordinary(row["summary"]), end_of_text()]


def text_of(ids, ends=None):
    """The text of tokens up to the first that ends it: <|endoftext|>, unless others do."""
    stop = next((i for i, t in enumerate(ids) if t in (ends or [end_of_text()])), len(ids))
    return plain(encoding().decode([t for t in ids[:stop] if t != end_of_text()]))


def plain(text):
    """Without half characters, zero bytes and outer white space, of which the programs make their own."""
    return text.replace("\ufffd", "").replace("\0", "").strip()


def make_folder(name, std=0.1, end_bias=0.0, activation="gelu_new"):
    """A transformers folder with a random GPT-2 in which no bias and no norm is trivial.

    end_bias raises the logit of <|endoftext|> by about that much, so that texts end by themselves.
    """
    torch.manual_seed(common.random_for(name).randrange(2**31))
    end = end_of_text()
    model = GPT2LMHeadModel(GPT2Config(n_layer=LAYERS, n_head=HEADS, n_embd=WIDTH, n_positions=POSITIONS, vocab_size=end + 1,
                                       bos_token_id=end, eos_token_id=end, initializer_range=std, activation_function=activation))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter += torch.randn_like(parameter) * std
        bias = model.transformer.ln_f.bias
        if end_bias:
            model.transformer.wte.weight[end] = end_bias * bias / bias.dot(bias)
    return save_folder(model, common.TMP / name)


def save_folder(model, folder, **options):
    model.save_pretrained(folder, **options)
    add_vocabulary(folder)
    return folder


def add_vocabulary(folder):
    for file in ("vocab.json", "merges.txt"):
        shutil.copy(common.vocabulary() / file, folder)


def load_model(folder):
    return GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float64).eval()


def sample_loss(model, row):
    """Nats of one row's targets, summed (a tensor), and their number."""
    prompt, target = prompt_ids(row), target_ids(row)
    logits = model(torch.tensor([prompt + target[:-1]])).logits[0, len(prompt) - 1:]
    return torch.nn.functional.cross_entropy(logits, torch.tensor(target), reduction="sum"), len(target)


def batch_loss(model, rows):
    """Nats per target token of all rows (a tensor)."""
    sums = [sample_loss(model, row) for row in rows]
    return sum(loss for loss, _ in sums) / sum(count for _, count in sums)


def write_config(path, train_csv, settings):
    """A config (YAML takes JSON) of a run on the CPU in float32 over few rows, with `settings` {section: {key: value}} on top."""
    config = {
        "run": {"device": "cpu", "seed": common.SEED % 1000},
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


def evaluate(model, table, name="evaluated"):
    """The folder of a run that has evaluated a model (a folder or a checkpoint) on the rows of a CSV file."""
    out = common.TMP / name
    config = write_config(common.TMP / f"{name}.json", table, {"model": {"init_from": str(model)}})
    common.run("trainer", config, "--stages=evaluate", f"--run.out_dir={out}")
    return out


def val_loss(model, table, name):
    return json.loads((evaluate(model, table, name) / "evaluation.json").read_text())["val_loss"]


def summarize(model, table, said, **settings):
    """The rows that `summarize` writes to the file `said` for a CSV file; greedy, unless the settings of generation say otherwise."""
    options = [f"--generation.{key}={str(value).lower()}" for key, value in {"temperature": 0, **settings}.items()]
    common.run("summarize", "--model", model, "--input", table, "--output", said, "--run.device=cpu", *options)
    return common.read_table(said)


def train_records(out):
    """The records of the iterations in metrics.jsonl."""
    records = map(json.loads, (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [r for r in records if r["kind"] == "train"]
