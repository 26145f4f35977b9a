#!/usr/bin/env python3
"""Puts known faults back, one at a time, and runs the test that must notice: put_back.py BUILD_FOLDER [NAME...]

A fault (faults_list.py) is a few words of a source file replaced by others. The file is changed in a copy; the translation unit that
includes it is compiled with the build folder's own command, and linked into the test before the libraries. The test must then fail. The
checkout is not touched. NAME...: only faults with it in their name.
"""
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))


def compile_command(build, source):
    """The build folder's command for a source file, and the object it makes."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if pathlib.Path(entry["file"]) == ROOT / source:
            words = shlex.split(entry["command"])
            return words, words[words.index("-o") + 1]
    raise SystemExit(f"put_back: {source} is not built in {build}")


def link_command(build, target):
    """What ninja links a test with."""
    commands = subprocess.run(["ninja", "-C", build, "-t", "commands", target], capture_output=True, text=True, check=True).stdout
    last = [line for line in commands.splitlines() if not line.startswith("ninja:")][-1]
    return last.partition("&& ")[2].rpartition(" &&")[0] if "&& " in last else last


def changed_copy(folder, fault):
    """The fault's file in `folder`, with the fault in it."""
    text = (ROOT / fault.file).read_text()
    if text.count(fault.right) != 1:
        raise SystemExit(f"put_back: {fault.file} has {text.count(fault.right)} times {fault.right!r}, and should have it once")
    copy = folder / fault.file
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(text.replace(fault.right, fault.wrong))
    return copy


def build_with(fault, build, folder):
    """The test's program with the fault in it."""
    copy = changed_copy(folder, fault)
    words, made = compile_command(build, fault.source)
    object_file = folder / "fault.o"
    words[words.index("-o") + 1] = str(object_file)
    if fault.source == fault.file:
        words[words.index(str(ROOT / fault.source))] = str(copy)
    first = next(i for i, word in enumerate(words) if word.startswith("-I"))
    words.insert(first, f"-I{folder}")
    words = [word for word in words if word != "-Werror"]
    subprocess.run(words, cwd=build, check=True)
    program = folder / "test"
    link = link_command(build, fault.target)
    objects = [word for word in shlex.split(link) if word.endswith(".o")]
    link = link.replace(made, str(object_file)) if made in objects else link.replace(objects[0], f"{objects[0]} {object_file}", 1)
    before, _, after = link.partition(f"-o tests/{fault.target}")
    subprocess.run(f"{before}-o {program}{after}", cwd=build, shell=True, check=True)
    return program


def try_fault(fault, build):
    """(noticed, what happened)."""
    with tempfile.TemporaryDirectory(prefix="precis-fault-") as folder:
        command = [build_with(fault, build, pathlib.Path(folder)), f"--gtest_filter={fault.tests}"]
        if fault.ranks:
            command = [ROOT / "launch/local.sh", str(fault.ranks), *command]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    failed = [line for line in run.stdout.splitlines() if line.startswith("[  FAILED  ]") and "ms)" in line]
    if "[  PASSED  ] 0 tests" in run.stdout and not failed:
        return False, "no test ran"
    if fault.ranks and not failed and run.returncode != 0 and "[ RUN      ]" in run.stdout:
        return True, f"the ranks end with {run.returncode}"  # where they wait for each other in vain
    return bool(failed), f"{len(failed)} tests fail, first {failed[0].split()[3].rstrip(',')}" if failed else "no test fails"


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    import faults_list
    build, names, wrong = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:], 0
    chosen = [f for f in faults_list.FAULTS if not names or any(n in f.name for n in names)]
    targets = sorted({f.target for f in chosen})
    subprocess.run(["ninja", "-C", build, *targets], check=True, stdout=subprocess.DEVNULL)
    for fault in chosen:
        began = time.time()
        noticed, said = try_fault(fault, build)
        wrong += not noticed
        print(f"{'ok   ' if noticed else 'WRONG'}  {fault.name}: {said} ({time.time() - began:.0f} s)", flush=True)
    print(f"faults: {len(chosen) - wrong} of {len(chosen)} are noticed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
