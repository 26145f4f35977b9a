#!/usr/bin/env python3
"""Whether programs started without mpirun come through MPI_Init beside jobs that are killed: singletons.py COUNT PROGRAM [ARGS...]

Starts COUNT of them, three at a time, while jobs of `mpirun -np 2` of the same line are killed (the ranks, mpirun, or all of it) at random moments
of their start and end; they share Open MPI's folder of temporary files. A singleton that does not end with 0 is shown. Prints how many were
tried and how many failed; a count, not a test.
"""
import concurrent.futures
import os
import random
import signal
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LANES = 3


def descendants(pid):
    """The processes below one, itself first."""
    found = [pid]
    for parent in found:
        try:
            with open(f"/proc/{parent}/task/{parent}/children") as children:
                found += map(int, children.read().split())
        except OSError:
            pass
    return found


def kill_jobs(command, done, killed):
    """Starts and kills jobs until `done` is set."""
    while not done.is_set():
        job = subprocess.Popen([f"{ROOT}/launch/local.sh", "2", *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0.05, 0.6))
        victims = descendants(job.pid)
        if random.random() < 0.5:
            victims = victims[-1:]  # a rank, where it has come so far
        for pid in reversed(victims):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            job.wait(timeout=30)
        except subprocess.TimeoutExpired:
            job.kill()
            job.wait()
        killed.append(len(victims))


def start(command):
    """What a singleton that failed said; nothing where it came through."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=120)
    return f"exit {done.returncode}: {done.stdout[-2000:]}" if done.returncode != 0 else ""


def main():
    count, command = int(sys.argv[1]), sys.argv[2:]
    done, killed, failed = threading.Event(), [], 0
    killer = threading.Thread(target=kill_jobs, args=(command, done, killed))
    killer.start()
    with concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
        for said in lanes.map(lambda _: start(command), range(count)):
            failed += bool(said)
            if said:
                print(said, flush=True)
    done.set()
    killer.join()
    print(f"{failed} of {count} singletons failed beside {len(killed)} killed jobs")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
