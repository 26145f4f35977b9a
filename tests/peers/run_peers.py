#!/usr/bin/env python3
"""Compares the built programs with the references, live, on fresh random inputs: run_peers.py PROGRAM_FOLDER [NAME...]

Needs a Python with torch, transformers, tiktoken, rouge_score, ctranslate2 and pandas: this one, or the one that PEER_PYTHON names.
Inputs come from a seed of the clock, which is printed; PRECIS_PEER_SEED=N makes the same inputs again. NAME...: only the tests that
have it in their name (unittest's -k). Runs on the CPU, without network, in about two minutes. controls.py shows that each
comparison can fail.
"""
import importlib.util
import os
import sys
import time
import unittest

NEEDED = ("torch", "transformers", "tiktoken", "rouge_score", "ctranslate2", "pandas")
HERE = os.path.dirname(os.path.abspath(__file__))


def use_peer_python():
    """Goes on in PEER_PYTHON where this Python lacks a package."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if not missing:
        return
    python = os.environ.pop("PEER_PYTHON", None)
    if not python:
        print(f"{sys.argv[0]}: {sys.executable} has no {', '.join(missing)}; set PEER_PYTHON to a Python that has {', '.join(NEEDED)}", file=sys.stderr)
        sys.exit(77)  # ctest calls it skipped
    os.execv(python, [python, *sys.argv])


def load(usage, names=()):
    """The tests for the programs in the folder that the command line names."""
    if len(sys.argv) < 2 or not os.access(os.path.join(sys.argv[1], "trainer"), os.X_OK):
        sys.exit(f"{usage}\nPROGRAM_FOLDER: with trainer, bpe, rouge, summarize, convert")
    use_peer_python()
    os.environ["PRECIS_PROGRAMS"] = os.path.abspath(sys.argv[1])
    os.environ.setdefault("PRECIS_PEER_SEED", str(int(time.time())))
    print(f"peers: inputs of PRECIS_PEER_SEED={os.environ['PRECIS_PEER_SEED']}", flush=True)
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{name}*" for name in names] or None
    return loader.discover(HERE, pattern="*_peer.py", top_level_dir=HERE)


def main():
    result = unittest.TextTestRunner(verbosity=2).run(load(__doc__, sys.argv[2:]))
    if not result.wasSuccessful():
        seed = os.environ["PRECIS_PEER_SEED"]
        print(f"peers: again with PRECIS_PEER_SEED={seed} {sys.executable} {' '.join(sys.argv)}", file=sys.stderr)
    if not result.testsRun:
        sys.exit("peers: no test of that name")
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
