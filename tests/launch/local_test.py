#!/usr/bin/env python3
"""launch/local.sh: what it tells Open MPI 4, 5 and 6 (stand-ins for their mpirun), what its user reads last, which signals
reach the ranks (the real mpirun), and what becomes of a run whose terminal closes."""
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
LOCAL = os.path.join(ROOT, "launch", "local.sh")

# Stands in for mpirun: notes its options and environment, starts the program once, and ends as that version does.
MPIRUN = r"""#!/bin/bash
if [[ $1 == --version ]]; then echo "mpirun (Open MPI) @VERSION@"; exit; fi
printf '%s\n' "$@" >"@FOLDER@/options"
env >"@FOLDER@/environment"
while [[ $1 == -* ]]; do
  if [[ $1 == -q || $1 == --quiet ]] && ((@MAJOR@ >= 5)); then echo "mpirun: Error: unknown option \"$1\"" >&2; exit 213; fi
  [[ $1 == -np ]] && shift
  shift
done
"$@"
code=$?
rule=$(printf -- '-%.0s' {1..74})
if ((code != 0 && @MAJOR@ >= 5)); then
  [[ $code == 4 ]] && printf '%s\n' $rule 'MPI_ABORT was invoked on rank 1 in communicator MPI_COMM_WORLD' '  Errorcode: 4' '' $rule >&2
  printf '%s\n' $rule 'prterun detected that one or more processes exited with non-zero status,' \
    'thus causing the job to be terminated. The first process to do so was:' '' '   Process name: [prterun-host-1@1,0]' \
    "   Exit code:    $code" $rule >&2
fi
exit $code
"""

# What each rank runs under the real mpirun: notes the signal it gets and leaves with 75.
RANK = r"""
import os, signal, sys, time
folder, seconds = sys.argv[1], float(sys.argv[2])
got = []
for number in (signal.SIGUSR1, signal.SIGTERM):
    signal.signal(number, lambda number, frame: got.append(number))
rank = os.environ["OMPI_COMM_WORLD_RANK"]
open(f"{folder}/started-{rank}", "w").close()
end = time.time() + seconds
while time.time() < end and not got:
    time.sleep(0.02)
    print("a line", flush=True)
with open(f"{folder}/ended-{rank}.new", "w") as file:
    file.write(signal.Signals(got[0]).name if got else "done")
os.rename(f"{folder}/ended-{rank}.new", f"{folder}/ended-{rank}")
sys.exit(75 if got else 0)
"""


def wait_for(condition, seconds=30):
    end = time.time() + seconds
    while not condition():
        if time.time() > end:
            raise AssertionError("waited too long")
        time.sleep(0.02)


def may_weigh_a_session():
    return subprocess.run(["setsid", "-w", "sh", "-c", "echo -1 >/proc/self/autogroup"], stderr=subprocess.DEVNULL, check=False).returncode == 0


class Folder(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), 0o755)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()


class EachVersion(Folder):
    def run_with(self, version, *command, **environment):
        os.makedirs(self.path("bin"), exist_ok=True)
        self.write("bin/mpirun", MPIRUN.replace("@VERSION@", version).replace("@MAJOR@", version.split(".")[0]).replace("@FOLDER@", self.folder))
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("OMPI_", "PRTE_", "PMIX_", "SLURM_", "PRECIS_"))}
        return subprocess.run([LOCAL, "2", *command], env={**inherited, "PATH": self.path("bin") + ":" + os.environ["PATH"], **environment},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60)

    def test_codes_come_back_and_the_programs_sentence_is_the_last_thing_read(self):
        for version in ("4.1.4", "5.0.7", "6.0.0rc2"):
            for code in (0, 2, 3, 4, 75):
                done = self.run_with(version, "sh", "-c", f"echo result; echo 'error: a sentence' >&2; exit {code}")
                self.assertEqual(done.returncode, code, (version, done.stderr))
                self.assertEqual((done.stdout, done.stderr), ("result\n", "error: a sentence\n"), version)

    def test_other_words_of_mpirun_are_passed_on_whole(self):
        rule = "-" * 74
        text = f"{rule}\nprterun noticed that process rank 1 was killed\n{rule}\n  indented \\n\nlast, without an end"
        done = self.run_with("5.0.7", "sh", "-c", 'printf %s "$1" >&2', "sh", text)
        self.assertEqual(done.stderr, text + "\n")

    def test_a_process_that_is_left_behind_does_not_hold_the_end(self):
        began = time.time()
        self.assertEqual(self.run_with("5.0.7", "sh", "-c", "sleep 30 >/dev/null & exit 3").returncode, 3)
        self.assertLess(time.time() - began, 20)

    def test_each_version_is_told_in_its_own_words(self):
        wanted = {
            "4.1.2": {"OMPI_MCA_hwloc_base_binding_policy": "none", "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_orte_execute_quiet": "1"},
            "5.0.7": {"PRTE_MCA_hwloc_default_binding_policy": "none", "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe", "OMPI_MCA_btl": "^tcp"},
        }
        wanted["6.0.0"] = wanted["5.0.7"]
        for version, settings in wanted.items():
            self.run_with(version, "true")
            environment = dict(line.split("=", 1) for line in self.read("environment").split("\n") if "=" in line)
            told = {key: value for key, value in environment.items() if key.startswith(("OMPI_MCA_", "PRTE_MCA_"))}
            for key in ("OMPI_MCA_plm_rsh_agent", "OMPI_MCA_btl_vader_single_copy_mechanism", "OMPI_MCA_smsc"):  # by machine
                told.pop(key, None)
            self.assertEqual(told, settings, version)
            self.assertEqual((environment["OMPI_ALLOW_RUN_AS_ROOT"], environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"]), ("1", "1"))
            self.assertEqual(self.read("options").split(), ["-np", "2", "true"])

    def test_the_users_word_goes_before_ours(self):
        self.run_with("5.0.7", "true", PRECIS_MPIRUN_OPTIONS="--hostfile nodes", PRTE_MCA_hwloc_default_binding_policy="core")
        environment = self.read("environment")
        self.assertIn("PRTE_MCA_hwloc_default_binding_policy=core\n", environment)
        self.assertNotIn("OMPI_MCA_btl=", environment)  # other machines are reached by TCP
        self.assertEqual(self.read("options").split(), ["--hostfile", "nodes", "-np", "2", "true"])

    def test_another_mpi_and_none_are_named(self):
        self.run_with("4.1.4", "true")
        self.write("bin/mpirun", "#!/bin/sh\necho 'HYDRA build details:'\n")
        done = subprocess.run([LOCAL, "2", "true"], env={**os.environ, "PATH": self.path("bin") + ":" + os.environ["PATH"]}, stderr=subprocess.PIPE, universal_newlines=True)
        self.assertEqual(done.returncode, 4)
        self.assertIn("is not Open MPI's", done.stderr)
        for name in ("bash", "dirname"):
            os.symlink(shutil.which(name), self.path("bin", name))
        os.remove(self.path("bin/mpirun"))
        done = subprocess.run([LOCAL, "2", "true"], env={"PATH": self.path("bin")}, stderr=subprocess.PIPE, universal_newlines=True)
        self.assertEqual(done.returncode, 4)
        self.assertIn("mpirun is not in PATH", done.stderr)

    def test_a_temporary_folder_that_cannot_be_used_is_named(self):
        self.write("file", "")
        for version, variable in (("4.1.4", "TMPDIR"), ("5.0.7", "TMPDIR"), ("4.1.4", "OMPI_MCA_orte_tmpdir_base"), ("5.0.7", "PRTE_MCA_prte_tmpdir_base")):
            for folder in ("/proc/none", self.path("file"), "/" + "x" * 300):
                done = self.run_with(version, "true", **{variable: folder})
                self.assertEqual(done.returncode, 4, (version, variable, folder))
                for words in (f"the temporary folder {folder}: ", f"Set {variable} to", f"{variable}=/tmp"):
                    self.assertIn(words, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)
        self.assertEqual(self.run_with("5.0.7", "true", TMPDIR=self.path("new", "folder")).returncode, 0)
        self.assertEqual(os.listdir(self.path("new", "folder")), [])
        self.run_with("5.0.7", "true", TMPDIR="")  # / to Open MPI
        self.assertNotIn("\nTMPDIR=", self.read("environment"))


# The same, that neither saves nor leaves.
STUBBORN = RANK.replace("and not got", "")


class Signals(Folder):
    def command(self, seconds):
        return [LOCAL, "2", sys.executable, self.write("rank.py", RANK), self.folder, str(seconds)]

    def wait_for_ranks(self, word):
        wait_for(lambda: all(os.path.exists(self.path(f"{word}-{rank}")) for rank in (0, 1)))

    def assert_ended(self, how):
        self.wait_for_ranks("ended")
        self.assertEqual([self.read(f"ended-{rank}") for rank in (0, 1)], [how, how])

    def test_each_signal_reaches_the_ranks_as_sigusr1(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            with subprocess.Popen(self.command(60), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
                self.wait_for_ranks("started")
                process.send_signal(number)
                self.assertEqual(process.wait(30), 75, number)
            self.assert_ended("SIGUSR1")
            for rank in (0, 1):
                os.remove(self.path(f"started-{rank}"))
                os.remove(self.path(f"ended-{rank}"))

    def test_a_second_interrupt_ends_the_run_at_once(self):
        command = [LOCAL, "2", sys.executable, self.write("stubborn.py", STUBBORN), self.folder, "60"]
        for first in (signal.SIGINT, signal.SIGUSR1):
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                self.wait_for_ranks("started")
                process.send_signal(first)
                time.sleep(0.6)
                self.assertIsNone(process.poll())
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait(20), 130)
            for rank in (0, 1):
                os.remove(self.path(f"started-{rank}"))
            self.assertFalse(subprocess.run(["pgrep", "-f", self.path("stubborn.py")], stdout=subprocess.PIPE).stdout, "ranks are left")

    def test_an_interrupt_that_comes_twice_is_one(self):
        with subprocess.Popen(self.command(60), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            self.wait_for_ranks("started")
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(30), 75)
        self.assert_ended("SIGUSR1")

    def test_the_quickstart_passes_signals_on(self):
        for name in ("launch", "configs"):
            os.mkdir(self.path(name))
        for name in ("quickstart.sh", "local.sh", "mpirun.sh"):
            shutil.copy(os.path.join(ROOT, "launch", name), self.path("launch", name))
        self.write("launch/setup.sh", "#!/bin/sh\n")
        self.write("configs/quickstart.yaml", "run:\n  out_dir: out\n")
        self.write("trainer", f"#!/bin/sh\nexec {sys.executable} {self.write('rank.py', RANK)} {self.folder} 60\n")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            with subprocess.Popen([self.path("launch/quickstart.sh")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, universal_newlines=True) as process:
                self.wait_for_ranks("started")
                process.send_signal(number)
                said, _ = process.communicate(timeout=30)
                self.assertEqual(process.returncode, 75, number)
                self.assertIn("quickstart: stopped; run the same line again to go on", said)
            self.assert_ended("SIGUSR1")
            for rank in (0, 1):
                os.remove(self.path(f"started-{rank}"))
                os.remove(self.path(f"ended-{rank}"))

    @unittest.skipUnless(may_weigh_a_session(), "needs CAP_SYS_NICE and a kernel with autogroup")
    def test_the_session_of_the_ranks_weighs_as_much_as_it_has_cores(self):
        inherited = {key: value for key, value in os.environ.items() if key != "PRECIS_SESSION_NICE"}

        def steps(prefix=(), **environment):
            out = subprocess.run([*prefix, LOCAL, "1", "cat", "/proc/self/autogroup"], capture_output=True, text=True, timeout=60,
                                 env={**inherited, **environment})
            self.assertEqual((out.returncode, out.stderr), (0, ""))
            return int(out.stdout.split()[-1])
        with open("/proc/self/autogroup", encoding="ascii") as file:
            before = file.read()
        cores = len(os.sched_getaffinity(0))
        self.assertLessEqual(1.25 ** -steps(), 1.1 * cores)
        self.assertGreater(1.25 ** (1 - steps()), min(1.1 * cores, 80))
        self.assertEqual(steps(PRECIS_SESSION_NICE="-1"), -1)
        self.assertEqual(steps(PRECIS_SESSION_NICE="0"), 0)
        self.assertEqual(steps(PRECIS_SESSION_NICE="unknown"), 0)
        self.assertEqual(steps(["nice", "-n", "3"]), 0)
        with open("/proc/self/autogroup", encoding="ascii") as file:
            self.assertEqual(file.read(), before)  # the caller's own is left alone

    def in_a_terminal(self, command):
        """Starts a shell with a terminal of its own that runs the command and notes its exit code; (pid, the terminal)."""
        script = self.write("session.sh", '"$@"\necho $? >"$0.code.new"; mv "$0.code.new" "$0.code"\n')
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvp("bash", ["bash", script, *command])
        return pid, terminal

    def code(self):
        wait_for(lambda: os.path.exists(self.path("session.sh.code")))
        return int(self.read("session.sh.code"))

    def test_ctrl_c_saves(self):
        pid, terminal = self.in_a_terminal(["bash", "-c", 'trap : INT; "$@"', "bash", *self.command(60)])
        self.wait_for_ranks("started")
        os.write(terminal, b"\x03")
        self.assert_ended("SIGUSR1")
        os.close(terminal)
        os.waitpid(pid, 0)

    def test_a_terminal_that_closes_saves(self):
        pid, terminal = self.in_a_terminal(self.command(60))
        self.wait_for_ranks("started")
        os.close(terminal)
        os.waitpid(pid, 0)
        self.assert_ended("SIGUSR1")

    def test_under_nohup_the_run_outlives_its_terminal(self):
        log = self.path("log")
        pid, terminal = self.in_a_terminal(["bash", "-c", 'nohup "$@" >"$0" 2>&1', log, *self.command(3)])
        self.wait_for_ranks("started")
        os.close(terminal)
        os.waitpid(pid, 0)
        self.assert_ended("done")

    def test_ctrl_z_stops_the_ranks_and_they_go_on(self):
        with open(self.path("out"), "wb") as out, subprocess.Popen(self.command(60), stdin=subprocess.DEVNULL, stdout=out) as process:
            self.wait_for_ranks("started")
            process.send_signal(signal.SIGTSTP)
            time.sleep(1)
            size = os.path.getsize(self.path("out"))
            time.sleep(1)
            self.assertEqual(os.path.getsize(self.path("out")), size)
            process.send_signal(signal.SIGCONT)
            wait_for(lambda: os.path.getsize(self.path("out")) > size)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(30), 75)


if __name__ == "__main__":
    unittest.main()
