"""Programs with one known mistake, for controls.py: wrappers that change what goes into the real program or what comes out of it.

A wrapper is a script that calls play(); nothing is imported here that starts slowly.
"""
import csv
import json
import os
import pathlib
import stat
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


class Mistake:
    """Of one program. Each part may be left out.

    arguments: changes the list of arguments; output: changes the standard output (a text); files: changes what the program has
    written, given the arguments; command: only where this is the first argument.
    """

    def __init__(self, program, arguments=None, output=None, files=None, command=None):
        self.program, self.arguments, self.output, self.files, self.command = program, arguments, output, files, command


def option(arguments, name):
    """The value of --name VALUE or --name=VALUE; None where it is not given."""
    for argument, following in zip(arguments, [*arguments[1:], ""]):
        if argument == name:
            return following
        if argument.startswith(name + "="):
            return argument.partition("=")[2]
    return None


def adds(*options):
    """Options that win over the config file and over the same ones before them."""
    return lambda arguments: [*arguments, *options]


def lacks(name):
    return lambda arguments: [a for a in arguments if a != name]


def changes_number(key, change):
    """Another value of a setting that is given."""
    return lambda arguments: [*arguments, f"{key}={change(float(option(arguments, key))):g}"]


def edit_table(path, change):
    """Each cell below the header by change(column, cell)."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        columns, *rows = csv.reader(file)
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *([change(c, cell) for c, cell in zip(columns, row)] for row in rows)])


def strips_cells(name, file=""):
    """Of the table that the option names (or that lies in the folder that it names)."""
    return lambda arguments: edit_table(os.path.join(option(arguments, name), file).rstrip("/"), lambda _, cell: cell.strip())


def cuts_texts(arguments):
    """Of the texts of rouge's predictions."""
    path = option(arguments, "--predictions")
    edit_table(path, lambda column, cell: cell if column == "id" else cell[:len(cell) // 2])
    return arguments


def scales(file, key, factor, kind=None):
    """A number in a file of JSON lines, or of one JSON object, in the run's folder; kind: of the lines."""
    def edit(arguments):
        path = pathlib.Path(option(arguments, "--run.out_dir"), file)
        text = path.read_text(encoding="utf-8")
        records = [json.loads(line) for line in text.splitlines()] if file.endswith(".jsonl") else [json.loads(text)]
        for record in records:
            if key in record and record.get("kind") == kind:
                record[key] *= factor
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return edit


def edits_each_score(arguments):
    edit_table(option(arguments, "--per-example"), lambda column, cell: cell if column == "id" else repr(float(cell) + 2e-12))


def edits_json(change):
    def edit(text):
        value = json.loads(text)
        change(value)
        return json.dumps(value)
    return edit


def shifts_a_mean(means):
    means["rougeL"]["recall"] += 2e-12


def narrows_intervals(means):
    """To what holds 80 % in place of 95 %."""
    for kind in ("rouge1", "rouge2", "rougeL", "rougeLsum"):
        for part in ("precision", "recall", "fmeasure"):
            low, high = means[kind]["low"][part], means[kind]["high"][part]
            middle, half = (low + high) / 2, (high - low) / 2 * 1.282 / 1.96
            means[kind]["low"][part], means[kind]["high"][part] = middle - half, middle + half


def changes_first_line(change):
    """Of lines of JSON."""
    def edit(text):
        first, _, rest = text.partition("\n")
        return json.dumps(change(json.loads(first))) + "\n" + rest
    return edit


def in_folder(file, change):
    """change(bytes) of a file in a folder that `convert` has written; nothing where it has written a checkpoint."""
    def edit(arguments):
        path = pathlib.Path(option(arguments, "--to"), file)
        if path.exists():
            path.write_bytes(change(path.read_bytes()))
    return edit


def flips_last_bit(data):
    return data[:-4] + bytes([data[-4] ^ 1]) + data[-3:]  # the lowest of the last float32


def drops_a_merge(data):
    tokenizer = json.loads(data)
    del tokenizer["model"]["merges"][20]
    return json.dumps(tokenizer).encode()


def write_wrapper(folder, programs, name, mistake):
    """A folder with the programs, of which the mistake's is a wrapper: play(name) in it."""
    for program in os.listdir(programs):
        os.symlink(programs / program, folder / program)
    script = folder / mistake.program
    script.unlink()
    script.write_text(f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(HERE)!r})\n"
                      f"import controls_list, sabotage\n"
                      f"sabotage.play(controls_list.MISTAKES[{name!r}], {str(programs / mistake.program)!r}, sys.argv[1:])\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)


def play(mistake, program, arguments):
    """Runs the real program with the mistake and ends as it does."""
    applies = mistake.command in (None, arguments[0])
    if applies and mistake.arguments:
        arguments = mistake.arguments(arguments)
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, encoding="utf-8")
    if applies and done.returncode == 0:
        if mistake.files:
            mistake.files(arguments)
        if mistake.output:
            done.stdout = mistake.output(done.stdout)
    sys.stdout.reconfigure(encoding="utf-8", newline="")
    sys.stdout.write(done.stdout)
    sys.stdout.flush()
    sys.exit(done.returncode)
