#!/usr/bin/env python3
"""launch/setup.sh on machines that are made up: a folder of stand-ins (apt-get, sudo, pip, ninja, mpirun, ...) is its PATH, and
a folder of headers all that its compiler sees. What the script asks and says itself is run as it is: packages.txt, cmake's
search for LibTorch, the compiler's for headers, what a torch wheel requires."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
TORCH = "2.11.0"
REAL = "bash sh true chmod sed awk sort cat grep head tail tr mkdir rm mv ln cp touch dirname basename nproc env mktemp uname".split()

# Stand-ins; @M@ is the folder of the machine, where "log" keeps what was asked of them.
STAND_INS = {
    "apt-get": r"""#!/bin/bash
echo "apt-get $* as ${AS_ROOT-nobody}" >>@M@/log
[[ " $* " == *" update "* ]] && exit $([[ -e @M@/no-lists ]] && echo 100 || echo 0)
for package in "$@"; do
  [[ $package == -* || $package == install ]] && continue
  if grep -qsx "$package" @M@/not-in-apt; then echo "E: Unable to locate package $package" >&2; exit 100; fi
  packages+=("$package")
done
[[ -e @M@/useless-apt ]] && exit 0
for package in "${packages[@]}"; do
  [[ ! -d @M@/packages/$package ]] || cp -rP @M@/packages/$package/. @M@/
done""",
    "id": r"""#!/bin/bash
[[ -e @M@/root || -n ${AS_ROOT-} ]] && echo 0 || echo 1000""",
    "sudo": r"""#!/bin/bash
[[ $1 == -n ]] && shift
AS_ROOT=root exec "$@" """,
    "g++": r"""#!/bin/bash
[[ $1 == -dumpversion ]] && exec cat @M@/gcc-version
exec @GXX@ -nostdinc -isystem @M@/include "$@" """,
    "cmake": r"""#!/bin/bash
[[ $1 == --version ]] && echo "cmake version $(cat @M@/cmake-version)" && exit
[[ " $* " == *" -P "* ]] && exec @CMAKE@ "$@"
echo "cmake $*" >>@M@/log
[[ -e @M@/cmake-fails ]] && echo "CMake Error: broken" && exit 1
while (($#)); do [[ $1 == -B ]] && touch "$2/build.ninja"; shift; done
echo "-- LibTorch 2.11.0 in somewhere"; cat @M@/cmake-says 2>/dev/null || true""",
    "ninja": r"""#!/bin/bash
echo "ninja $*" >>@M@/log
for i in {1..140}; do
  echo "[$i/140] Building CXX object $i.o"
  if [[ -e @M@/ninja-fails ]] && ((i == 65)); then printf 'FAILED: 65.o\n65.cpp:1:2: error: [7/9] no such thing\n    1 | x\n'; exit 1; fi
done""",
    "python3": r"""#!/bin/bash
case "$*" in
  -V) echo Python 3.12.1 ;;
  "-c import ensurepip") [[ -e @M@/ensurepip ]] ;;
  "-c import "*find_spec*) cat @M@/python-torch 2>/dev/null || echo ;;
  "-m venv "*)
    [[ -e @M@/ensurepip ]] || { echo "ensurepip is not available"; exit 1; }
    mkdir -p "$3/bin"; cp @M@/bin/pip "$3/bin/pip"
    printf '#!/bin/bash\nPYTHONPATH=%s exec @PYTHON@ "$@"\n' "$3/lib/python3.12/site-packages" >"$3/bin/python"; chmod +x "$3/bin/python" ;;
  *) exit 9 ;;
esac""",
    "pip": r"""#!/bin/bash
echo "pip $*" >>@M@/log
[[ -e @M@/pip-fails ]] && echo "ERROR: no network" >&2 && exit 1
[[ " $* " == *" torch=="* ]] || exit 0
packages=$(dirname "$0")/../lib/python3.12/site-packages
mkdir -p "$packages" && cp -r @M@/wheel/. "$packages/" """,
    "mpirun": "#!/bin/bash\n[[ $1 == --version ]] && cat @M@/mpi-version",
    "mpicxx": "#!/bin/bash\necho @M@/include",
    "ccache": "#!/bin/bash\n", "git": "#!/bin/bash\n", "ssh": "#!/bin/bash\n", "nvcc": "#!/bin/bash\n",
}
# What each package of packages.txt brings.
PACKAGES = {
    "g++": ["bin/g++"], "cmake": ["bin/cmake"], "ninja-build": ["bin/ninja"], "ccache": ["bin/ccache"], "git": ["bin/git"], "python3": ["bin/python3"],
    "libopenmpi-dev": ["bin/mpicxx", "include/mpi.h"], "libyaml-cpp-dev": ["include/yaml-cpp/yaml.h"],
    "libboost-program-options-dev": ["include/boost/program_options.hpp"], "nlohmann-json3-dev": ["include/nlohmann/json.hpp"],
    "libfmt-dev": ["include/fmt/format.h"], "openmpi-bin": ["bin/mpirun"], "openssh-client": ["bin/ssh"],
    "libgtest-dev": ["include/gtest/gtest.h"], "python3-venv": ["ensurepip"],
}
WISHES = ["ccache", "git", "openssh-client"]
CUDA_12 = ["nvidia-cuda-runtime-cu12==12.8.90", "nvidia-cuda-cupti-cu12==12.8.90", "nvidia-cublas-cu12==12.8.4.1", "nvidia-nccl-cu12==2.27.5", "triton==3.5.1"]
CUDA_13 = ["cuda-toolkit[cublas,cudart,cupti,cufft]==13.0.2", "nvidia-cudnn-cu13==9.15.1.9", "nvidia-nccl-cu13==2.28.9"]


class Setup(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = os.path.realpath(temporary.name)
        for name in ("launch", "lib/cmake"):
            shutil.copytree(os.path.join(ROOT, name), self.path("checkout", name))
        for name in ("bin", "include", "packages", "dev"):
            os.makedirs(self.path(name))
        for name in REAL:
            os.symlink(shutil.which(name), self.path("bin", name))
        for package, files in PACKAGES.items():
            for name in files:
                self.put(f"packages/{package}/{name}", self.content(name))
        self.put("gcc-version", "12\n")
        self.put("cmake-version", "3.25.1\n")
        self.put("mpi-version", "mpirun (Open MPI) 4.1.4\n\nReport bugs to http://www.open-mpi.org/community/help/\n")
        for name in ("id", "apt-get", "pip", "g++"):
            self.put(f"bin/{name}", self.content(f"bin/{name}"))
        self.put("root")
        self.wheel(CUDA_13)

    def content(self, name):
        if not name.startswith("bin/"):
            return ""
        text = STAND_INS[name[4:]].replace("@M@", self.folder)
        for tool, program in (("@GXX@", os.environ.get("CXX") or "g++"), ("@CMAKE@", "cmake"), ("@PYTHON@", sys.executable)):
            text = text.replace(tool, shutil.which(program))
        return text

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def put(self, name, text=""):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        if "/bin/" in "/" + name:
            os.chmod(self.path(name), 0o755)

    def remove(self, *names):
        for name in names:
            os.remove(self.path(name))

    def torch(self, folder, version=TORCH):
        """A LibTorch, as far as setting up looks at it."""
        for name in ("include/ATen/ATen.h", "lib/libtorch_cpu.so", "lib/libc10.so"):
            self.put(f"{folder}/{name}")
        major, minor, patch = version.split(".")
        self.put(f"{folder}/include/torch/headeronly/version.h", f"#define TORCH_VERSION_MAJOR {major}\n#define TORCH_VERSION_MINOR {minor}\n#define TORCH_VERSION_PATCH {patch}\n")

    def wheel(self, requirements):
        """What pip brings when it is asked for torch."""
        self.torch("wheel/torch")
        lines = ["filelock", *requirements, 'opt-einsum>=3.3; extra == "opt-einsum"']
        self.put(f"wheel/torch-{TORCH}.dist-info/METADATA", "Metadata-Version: 2.1\nName: torch\nVersion: 2.11.0\n" + "".join(f"Requires-Dist: {line}\n" for line in lines))

    def install(self, *but):
        """Everything of packages.txt is there from the start, but for these packages."""
        for package in PACKAGES:
            if package not in but:
                shutil.copytree(self.path("packages", package), self.folder, dirs_exist_ok=True)

    def run_setup(self, *options, code=0, **environment):
        environment = {"PATH": self.path("bin"), "PRECIS_SYSTEM_ROOT": self.folder, "HOME": self.folder, "LC_ALL": "C", **environment}
        self.put("log")
        done = subprocess.run(["bash", self.path("checkout/launch/setup.sh"), *options], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def log(self, word=""):
        with open(self.path("log"), encoding="utf-8") as file:
            return [line for line in file.read().splitlines() if line.startswith(word)]

    def asked_of_pip(self):
        return [re.sub(r".*(--no-deps|--no-compile|--no-warn-conflicts) ", "", line) for line in self.log("pip")]


class Packages(Setup):
    def test_where_all_is_there_nothing_is_installed(self):
        self.install()
        self.torch("torch")
        self.put("python-torch", self.path("torch") + "\n")
        done = self.run_setup()
        self.assertEqual(self.log(), [])
        self.assertEqual((done.stdout, done.stderr), (f"setup: ready: LibTorch {TORCH} in {self.path('torch')}\n", ""))

    def test_what_is_missing_is_installed_and_a_second_run_finds_it(self):
        for missing in (["libfmt-dev"], ["g++", "libopenmpi-dev", "openmpi-bin"], [name for name in PACKAGES if name not in ("libgtest-dev", "g++")]):
            self.setUp()
            self.install("libgtest-dev", *missing)
            if "g++" in missing:
                self.remove("bin/g++")
            done = self.run_setup()
            self.assertIn("setup: ready: LibTorch", done.stdout)
            self.assertEqual(done.stderr, "")
            asked = " ".join(self.log("apt-get -qq install")).split()
            unseen = [name for name in PACKAGES if name.startswith(("lib", "nlohmann")) and name != "libgtest-dev"]  # without a compiler
            self.assertEqual(sorted(set(asked) & set(PACKAGES)), sorted({*missing, *(unseen if "g++" in missing else [])}))
            again = self.run_setup()
            self.assertEqual(self.log(), [])
            self.assertEqual((again.stdout.count("\n"), again.stderr), (1, ""))

    def test_the_tests_need_more(self):
        self.install("libgtest-dev")
        self.run_setup()
        self.assertEqual(self.log("apt-get"), [])
        self.run_setup("--tests")
        self.assertTrue(any("libgtest-dev" in line for line in self.log("apt-get")))

    def test_a_wish_that_cannot_be_had_is_done_without(self):
        self.install(*WISHES, "libfmt-dev")
        self.put("not-in-apt", "ccache\n")
        done = self.run_setup()
        self.assertIn("setup: ready", done.stdout)
        self.assertIn("going on without", done.stdout)
        self.assertTrue(any("libfmt-dev" in line for line in self.log("apt-get")))
        self.setUp()
        self.install(*WISHES)
        self.remove("root")  # and nobody is asked for it
        self.assertEqual(self.run_setup().stderr, "")

    def test_without_root_and_sudo_it_says_what_is_missing_under_each_name(self):
        self.install("libyaml-cpp-dev", "ninja-build", "ccache")
        self.remove("root")
        done = self.run_setup(code=1)
        self.assertEqual(self.log("apt-get"), [])
        rows = [line.split() for line in done.stderr.splitlines() if line.startswith("  ")]
        self.assertEqual(rows[1:], [["program:ninja", "ninja-build", "ninja", "ninja", "ninja"],
                                    ["header:yaml-cpp/yaml.h", "libyaml-cpp-dev", "yaml-cpp", "yaml-cpp", "yaml-cpp"]])
        self.assertEqual(rows[0], ["needed", "apt", "module", "conda-forge", "spack"])
        self.assertIn("neither root nor sudo", done.stderr)

    def test_sudo_installs(self):
        self.install("libyaml-cpp-dev")
        self.remove("root")
        self.put("bin/sudo", self.content("bin/sudo"))
        self.run_setup()
        self.assertTrue(all(line.endswith("as root") for line in self.log("apt-get")) and self.log("apt-get"))

    def test_without_apt_it_says_what_is_missing(self):
        self.install("libfmt-dev")
        self.remove("bin/apt-get")
        self.assertIn("libfmt-dev", self.run_setup(code=1).stderr)

    def test_a_failing_apt_ends_with_its_words_and_ours(self):
        self.install("libyaml-cpp-dev")
        self.put("not-in-apt", "libyaml-cpp-dev\n")
        done = self.run_setup(code=1)
        self.assertIn("Unable to locate package libyaml-cpp-dev", done.stderr)
        self.assertIn("setup: apt-get could not install", done.stderr.splitlines()[-1])
        self.assertNotIn("ready", done.stdout)

    def test_lists_that_cannot_be_renewed_are_used_as_they_are(self):
        self.install("libyaml-cpp-dev")
        self.put("no-lists")
        self.run_setup()

    def test_what_apt_installed_where_the_compiler_does_not_look_is_named(self):
        self.install("libyaml-cpp-dev")
        self.put("useless-apt")
        done = self.run_setup(code=1)
        self.assertIn("though apt-get installed them", done.stderr)
        self.assertIn("yaml-cpp/yaml.h", done.stderr)


class Versions(Setup):
    def setUp(self):
        super().setUp()
        self.install()

    def test_open_mpi_4_5_and_6_will_do(self):
        for version in ("4.1.2", "4.1.4", "5.0.7", "6.0.0rc2"):
            self.put("mpi-version", f"mpirun (Open MPI) {version}\n")
            self.run_setup()

    def test_another_mpi_and_older_tools_are_refused_by_name(self):
        for name, text, words in (("mpi-version", "HYDRA build details:\n    Version: 4.0.2\n", ["mpirun", "Open MPI 4 or later"]),
                                  ("mpi-version", "mpirun (Open MPI) 3.1.6\n", ["Open MPI 4 or later"]),
                                  ("cmake-version", "3.18.4\n", ["cmake is 3.18", "3.22"]), ("gcc-version", "10\n", ["is 10", "GCC 11"])):
            self.setUp()
            self.put(name, text)
            done = self.run_setup(code=1)
            for word in words:
                self.assertIn(word, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)

    def test_a_wrong_argument_is_a_usage_error(self):
        self.assertIn("--bulid", self.run_setup("--bulid", code=2).stderr)


class Torch(Setup):
    def setUp(self):
        super().setUp()
        self.install()

    def test_a_plain_machine_fetches_the_side_of_the_cpu(self):
        for requirements, wanted in ((CUDA_13, "cuda-toolkit[cudart,cupti]==13.0.2"), (CUDA_12, "nvidia-cuda-runtime-cu12==12.8.90 nvidia-cuda-cupti-cu12==12.8.90")):
            self.setUp()
            self.wheel(requirements)
            done = self.run_setup()
            self.assertEqual(self.asked_of_pip(), [f"torch=={TORCH}", wanted])
            self.assertIn(f"ready: LibTorch {TORCH} in {self.path('checkout/.deps/lib/python3.12/site-packages/torch')}", done.stdout)
            self.run_setup()
            self.assertEqual(self.log(), [])

    def test_a_gpu_nvcc_or_the_users_word_fetch_the_side_of_cuda(self):
        for requirements in (CUDA_12, CUDA_13):
            wanted = " ".join(line for line in requirements if not line.startswith("triton"))
            for there, options in (("dev/nvidia0", []), ("dev/dxg", []), ("bin/nvcc", []), ("usr/local/cuda/bin/nvcc", []), ("dev/null", ["--cuda"])):
                self.setUp()
                self.wheel(requirements)
                self.put(there, STAND_INS["nvcc"])
                os.chmod(self.path(there), 0o755)
                self.run_setup(*options)
                self.assertEqual(self.asked_of_pip(), [f"torch=={TORCH}", wanted])
        self.run_setup("-DPRECIS_CUDA=off")  # all of it will do for less
        self.assertEqual(self.log("pip"), [])

    def test_the_users_no_keeps_cuda_away_and_a_gpu_that_comes_later_fetches_it(self):
        self.put("bin/nvcc", STAND_INS["nvcc"])
        self.run_setup("-DPRECIS_CUDA=off")
        self.assertEqual(self.asked_of_pip()[1:], ["cuda-toolkit[cudart,cupti]==13.0.2"])
        self.run_setup()
        self.assertEqual(self.asked_of_pip()[1:], [" ".join(CUDA_13)])

    def test_the_torch_that_is_there_is_taken_and_one_too_old_passed_over(self):
        self.torch("mine", "2.10.0")
        self.put("python-torch", self.path("mine") + "\n")
        self.assertIn(f"ready: LibTorch 2.10.0 in {self.path('mine')}", self.run_setup().stdout)
        self.torch("mine", "2.4.1")
        done = self.run_setup()
        self.assertIn("is passed over", done.stderr)
        self.assertIn(f"ready: LibTorch {TORCH}", done.stdout)
        done = self.run_setup(f"-DPRECIS_TORCH_DIR={self.path('mine')}", code=1)
        self.assertIn("2.4.1", done.stderr)

    def test_the_version_that_is_asked_for_is_fetched_though_another_is_there(self):
        self.torch("mine", "2.9.1")
        self.put("python-torch", self.path("mine") + "\n")
        self.wheel(CUDA_13)
        done = self.run_setup(PRECIS_TORCH_VERSION=TORCH)
        self.assertEqual(self.asked_of_pip()[0], f"torch=={TORCH}")
        self.assertIn(f"ready: LibTorch {TORCH} in {self.path('checkout/.deps/')}", done.stdout)
        self.assertIn("ready: LibTorch 2.9.1", self.run_setup(PRECIS_TORCH_VERSION="2.9").stdout)
        self.assertEqual(self.log("pip"), [])
        done = self.run_setup(PRECIS_TORCH_VERSION="2.4.1", code=2)
        self.assertIn("PRECIS_TORCH_VERSION is 2.4.1, and Precis builds with LibTorch 2.7 to 2.11", done.stderr)

    def test_what_was_fetched_for_another_version_does_not_stay(self):
        self.run_setup()
        self.put("checkout/.deps/lib/python3.12/site-packages/nvidia/cu13/lib/libcublas.so.13")
        self.torch("wheel/torch", "2.10.0")
        self.assertIn("ready: LibTorch 2.10.0", self.run_setup(PRECIS_TORCH_VERSION="2.10.0").stdout)
        self.assertFalse(os.path.exists(self.path("checkout/.deps/lib/python3.12/site-packages/nvidia")))

    def test_nvcc_is_fetched_for_cuda_13_where_the_systems_is_of_another(self):
        asked = ["cuda-toolkit[nvcc,nvvm,crt,cccl,cudart]==13.0.*"]
        for cuda, system, wanted in (("13.0", "12.4", asked), ("13.0", "13.1", []), ("12.8", "13.0", []), ("12.8", "12.8", []), ("13.0", None, asked)):
            self.setUp()
            self.torch("mine")
            self.put("mine/lib/libtorch_cuda.so")
            self.put("mine/version.py", f"__version__ = '2.11.0'\ncuda: Optional[str] = '{cuda}'\n")
            self.put("python-torch", self.path("mine") + "\n")
            self.put("dev/nvidia0")
            if system is not None:
                self.put("usr/local/cuda-1/bin/nvcc", f"#!/bin/bash\necho Cuda compilation tools, release {system}, V{system}.88\n")
            self.run_setup()
            self.assertEqual(self.asked_of_pip(), wanted, (cuda, system))
            self.run_setup()
            self.assertEqual(self.log("pip"), [])  # once
            self.run_setup("-DPRECIS_CUDA=off")
            self.assertEqual(self.log("pip"), [])
        os.remove(self.path("dev/nvidia0"))
        shutil.rmtree(self.path("checkout/.deps"))
        self.run_setup()
        self.assertEqual(self.log("pip"), [])  # neither a GPU nor nvcc: nothing to compile for

    def test_pip_and_venv_that_fail_are_named(self):
        self.put("pip-fails")
        done = self.run_setup(code=1)
        self.assertIn("no network", done.stderr)
        self.assertIn(f"pip could not fetch torch {TORCH}", done.stderr.splitlines()[-1])
        self.remove("pip-fails")
        self.run_setup()  # goes on where it ended

    def test_python_without_venv_is_mended_by_apt(self):
        self.remove("ensurepip")
        self.run_setup()
        self.assertTrue(any("python3-venv" in line for line in self.log("apt-get")))


class Build(Setup):
    def setUp(self):
        super().setUp()
        self.install()
        self.torch("torch")
        self.put("python-torch", self.path("torch") + "\n")

    def test_a_log_gets_a_few_lines_of_progress(self):
        done = self.run_setup("--build")
        lines = done.stdout.splitlines()
        self.assertLessEqual(len(lines), 13, done.stdout)
        self.assertEqual(lines[-1], "setup: 140 of 140 steps done")
        self.assertEqual([line.split()[-1] for line in self.log("ninja")], ["programs"])
        self.assertIn("-DPRECIS_TESTS=OFF", self.log("cmake")[0])
        self.run_setup("--build")
        self.assertEqual(self.log("cmake"), [])  # it is configured

    def test_the_tests_and_the_users_options_are_passed_on(self):
        self.run_setup("--tests", "--build", "-DPRECIS_WERROR=ON")
        self.assertIn("-DPRECIS_WERROR=ON -DPRECIS_TESTS=ON", self.log("cmake")[0])
        self.assertTrue(self.log("ninja")[0].endswith(" all"))
        self.run_setup("--tests", "--configure", "-DPRECIS_WERROR=OFF")
        self.assertEqual((len(self.log("cmake")), self.log("ninja")), (1, []))

    def test_what_the_compiler_says_is_shown_whole(self):
        self.put("ninja-fails")
        done = self.run_setup("--build", code=1)
        self.assertIn("FAILED: 65.o\n65.cpp:1:2: error: [7/9] no such thing\n    1 | x\n", done.stdout)
        self.assertIn("setup: the build in", done.stderr)

    def test_why_it_is_no_gpu_build_is_said(self):
        for reason in ("nvcc was not found", "/usr/bin/nvcc is of CUDA 11.8, but LibTorch 2.11.0 is built with CUDA 13.0: take nvcc 13.x (CUDACXX names it)"):
            self.setUp()
            self.put("cmake-says", f"-- CUDA: off ({reason})\n-- Configuring done\n")
            done = self.run_setup("--build")
            self.assertIn(f"setup: CUDA: off ({reason})\n", done.stdout)
            self.assertNotIn("Configuring done", done.stdout)
            self.assertNotIn("THIS BUILD", done.stderr)
            self.put("dev/nvidia0")
            self.assertIn(f"THIS BUILD DOES NOT USE THE GPU OF THIS MACHINE: {reason}\n", self.run_setup("--build").stderr)
            self.assertNotIn("THIS BUILD", self.run_setup("--build", "-DPRECIS_CUDA=off").stderr)

    def test_a_failing_configuration_is_shown(self):
        self.put("cmake-fails")
        done = self.run_setup("--build", code=1)
        self.assertIn("CMake Error: broken", done.stderr)
        self.assertIn("could not configure", done.stderr)


if __name__ == "__main__":
    unittest.main()
