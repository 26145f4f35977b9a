#!/usr/bin/env python3
"""launch/setup.sh --bundle and --from-bundle on machines that are made up (setup_test.py): what is built and packed, what is put where,
and how the build goes on afterwards. The programs are scripts, so that they can be started."""
import os
import shutil
import subprocess
import tarfile
import unittest

import setup_test
from setup_test import STAND_INS

REAL = "tar gzip du cut strip".split()
PROGRAMS = ("trainer", "summarize", "rouge", "convert", "bpe")
OMPI_INFO = """#!/bin/bash
case $2 in
  pkglibdir) echo path:pkglibdir:@M@/openmpi/plugins ;;
  sysconfdir) echo path:sysconfdir:@M@/openmpi/etc ;;
  pkgdatadir) echo path:pkgdatadir:@M@/openmpi/share ;;
esac"""
LDD = """#!/bin/bash
echo "ldd $*" >>@M@/log
for file in "$@"; do
  case $file in
    */gpu_*) printf '\\tlibgtest.so.1 => @M@/system/libgtest.so.1 (0x1)\\n' ;;
    */trainer) printf '\\tlibmpi.so.40 => @M@/system/libmpi.so.40 (0x1)\\n\\tlibc.so.6 => /lib/libc.so.6 (0x1)\\n' ;;
  esac
done
cat @M@/ldd-says 2>/dev/null || true"""
# Makes what it is asked for, as scripts that say where they lie and what they are given.
NINJA = """#!/bin/bash
echo "ninja $*" >>@M@/log
while (($#)); do
  case $1 in
    -C) build=$2 && shift ;;
    programs | all) names+=(bin/{trainer,summarize,rouge,convert,bpe}) ;;
    gpu_tests) names+=(tests/gpu_operations_test) ;;
  esac
  shift
done
mkdir -p "$build/bin" "$build/tests"
for name in "${names[@]}"; do
  printf '#!/bin/sh\\necho "%s $*"\\n[ ! -e @M@/gpu-differs ]\\n' "${name##*/}" >"$build/$name"
  chmod +x "$build/$name"
done"""


class Bundle(setup_test.Setup):
    def setUp(self):
        super().setUp()
        self.install()
        for name in REAL:
            os.symlink(shutil.which(name), self.path("bin", name))
        for name, text in (("ompi_info", OMPI_INFO), ("ldd", LDD), ("ninja", NINJA)):
            self.put(f"bin/{name}", text.replace("@M@", self.folder))
        for name in ("openmpi/plugins/mca_btl_sm.so", "openmpi/share/help.txt", "openmpi/etc/openmpi-mca-params.conf", "system/libgtest.so.1",
                     "system/libmpi.so.40"):
            self.put(name)
        self.torch("site/torch")
        self.put("python-torch", self.path("site/torch") + "\n")
        self.put("bin/nvcc", STAND_INS["nvcc"])

    def bundle(self, *options):
        """Packs one; the names in it."""
        self.run_setup("--bundle", self.path("bundle.tar.gz"), *options)
        with tarfile.open(self.path("bundle.tar.gz")) as file:
            return {name[2:] for name in file.getnames()}

    def start(self, name, *arguments, code=0):
        done = subprocess.run([self.path("checkout", name), *arguments], env={"PATH": "/usr/bin:/bin"}, stdout=subprocess.PIPE, universal_newlines=True)
        self.assertEqual(done.returncode, code)
        return done.stdout

    def test_programs_tests_and_libraries_are_packed_and_start_elsewhere(self):
        names = self.bundle()
        self.assertIn("-DPRECIS_TESTS=ON", self.log("cmake")[0])
        self.assertEqual(self.log("ninja")[0].split()[-2:], ["programs", "gpu_tests"])
        self.assertLessEqual({*(f"bin/{name}" for name in PROGRAMS), "gpu/gpu_operations_test", "lib/libgtest.so.1", "lib/libmpi.so.40",
                              "openmpi/plugins/mca_btl_sm.so", "openmpi/bin/mpirun"}, names)
        self.assertNotIn("lib/libc.so.6", names)
        shutil.rmtree(self.path("checkout/build"))
        done = self.run_setup("--from-bundle", self.path("bundle.tar.gz"))
        self.assertIn("build-bundle/gpu-tests", done.stdout)
        self.assertEqual(self.start("trainer", "a.yaml"), "trainer a.yaml\n")
        self.assertEqual(self.start("build-bundle/gpu-tests", "--gtest_list_tests"), "gpu_operations_test --gtest_list_tests\n")
        self.assertIn("build-bundle/gpu/gpu_operations_test", self.log("ldd")[0])  # what it lacks is found at once
        self.put("gpu-differs")
        self.start("build-bundle/gpu-tests", code=1)

    def test_a_build_for_cpus_has_no_tests_to_pack(self):
        self.bundle()
        self.assertFalse({name for name in self.bundle("-DPRECIS_CUDA=off") if name.startswith("gpu")})  # though one lies in the folder
        self.assertEqual(self.log("ninja")[0].split()[-1], "programs")
        self.assertNotIn("gpu-tests", self.run_setup("--from-bundle", self.path("bundle.tar.gz")).stdout)
        self.assertFalse(os.path.exists(self.path("checkout/build-bundle/gpu-tests")))

    def test_without_googletest_the_programs_are_packed_alone(self):
        self.remove("include/gtest/gtest.h")
        self.put("not-in-apt", "libgtest-dev\n")
        self.assertFalse({name for name in self.bundle() if name.startswith("gpu")})
        self.assertIn("-DPRECIS_TESTS=OFF", self.log("cmake")[0])
        self.remove("not-in-apt")
        self.assertIn("gpu/gpu_operations_test", self.bundle())  # installed now
        self.assertTrue(any("libgtest-dev" in line for line in self.log("apt-get")))

    def test_a_library_that_is_not_there_is_named(self):
        self.bundle()
        self.put("ldd-says", "\tlibcudart.so.13 => not found\n")
        self.assertIn("libcudart.so.13", self.run_setup("--from-bundle", self.path("bundle.tar.gz"), code=1).stderr)

    def test_another_torch_is_refused(self):
        self.bundle()
        self.torch("site/torch", "2.10.0")
        self.assertIn("is for LibTorch 2.11.0, but", self.run_setup("--from-bundle", self.path("bundle.tar.gz"), code=1).stderr)

    def test_the_build_after_a_bundle_is_for_this_machine_again(self):
        everywhere, forget = "-DPRECIS_CUDA_ARCHITECTURES=all", "-U PRECIS_CUDA_ARCHITECTURES"
        self.run_setup("--build")
        self.assertNotIn("ARCHITECTURES", self.log("cmake")[0])
        self.bundle()
        self.assertIn(everywhere, self.log("cmake")[0])
        self.run_setup("--build")
        self.assertIn(forget, self.log("cmake")[0])
        self.assertNotIn(everywhere, self.log("cmake")[0])
        self.run_setup("--build")
        self.assertEqual(self.log("cmake"), [])

    def test_architectures_that_the_user_named_stay(self):
        self.bundle("-DPRECIS_CUDA_ARCHITECTURES=90")
        self.assertIn("-DPRECIS_CUDA_ARCHITECTURES=90", self.log("cmake")[0])
        self.assertNotIn("=all", self.log("cmake")[0])
        self.run_setup("--build")
        self.assertNotIn("ARCHITECTURES", self.log("cmake")[0])  # CMake remembers
        self.bundle()
        self.run_setup("--build", "-DPRECIS_CUDA_ARCHITECTURES=75")
        self.run_setup("--build")
        self.assertNotIn("ARCHITECTURES", self.log("cmake")[0])


if __name__ == "__main__":
    unittest.main()
