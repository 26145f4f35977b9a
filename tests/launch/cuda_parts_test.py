#!/usr/bin/env python3
"""lib/cmake/CudaParts.cmake on machines that are made up: folders as NVIDIA's wheels of CUDA 12 and 13 and its toolkits make
them, an NCCL that is compiled to say a version, and stand-ins for nvcc and nvidia-smi."""
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
HEADERS = ["cuda_runtime_api.h", "crt/host_defines.h", "nv/target", "cublas_v2.h", "cublasLt.h", "cusparse.h", "cusolverDn.h"]
# Which wheel of CUDA 12 brings which: one folder each. Neither crt nor nv comes with torch.
WHEELS_12 = {"cuda_runtime": ["cuda_runtime_api.h"], "cublas": ["cublas_v2.h", "cublasLt.h"], "cusparse": ["cusparse.h"], "cusolver": ["cusolverDn.h"]}


class CudaParts(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = os.path.realpath(temporary.name)
        self.put("torch/lib/libtorch_cuda.so")
        os.makedirs(self.path("bin"))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def put(self, name, text="", mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def headers(self, folder, version, names=HEADERS):
        major, minor = version.split(".")
        for name in names:
            self.put(f"{folder}/{name}", f"#define CUDART_VERSION {int(major) * 1000 + int(minor) * 10}\n" if name == "cuda_runtime_api.h" else "")

    def nvcc(self, name, version):
        self.put(name, f"#!/bin/sh\necho Cuda compilation tools, release {version}, V{version}.88\n[ $1 = --version ] || printf 'sm_75\\nsm_90\\nsm_120\\n'\n", 0o755)

    def torch(self, cuda):
        self.put("torch/version.py", f"__version__ = '2.11.0'\ncuda: Optional[str] = '{cuda}'\n" if cuda else "")

    def cmake(self, *commands, code=0, **environment):
        """The values that the commands leave in RESULT, MORE and WHY, with the made-up machine for the real one."""
        text = f"""
cmake_minimum_required(VERSION 3.22)
list(APPEND CMAKE_MODULE_PATH {ROOT}/lib/cmake)
include(CudaParts)
set(torch_dir {self.path("torch")})
set(PRECIS_CUDA_ARCHITECTURES default)
set(PRECIS_TORCH_VERSION 2.11.0)
file(GLOB wheel_dirs {self.path("nvidia")}/*)
file(GLOB fetched {self.path("deps")}/*)
list(APPEND wheel_dirs ${{fetched}})
{chr(10).join(commands)}
foreach(name RESULT MORE WHY)
  message("${{name}}=${{${{name}}}}")
endforeach()
"""
        self.put("test.cmake", text)
        system = {"PATH": self.path("bin") + ":" + os.path.dirname(shutil.which("python3")), "HOME": self.folder, "PRECIS_SYSTEM_ROOT": self.folder}
        done = subprocess.run([shutil.which("cmake"), "-P", self.path("test.cmake")], env={**system, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        self.assertEqual(done.returncode, code, done.stdout)
        self.said = done.stdout
        if code:
            return None
        values = dict(line.split("=", 1) for line in done.stdout.splitlines() if line.startswith(("RESULT=", "MORE=", "WHY=")))
        return values["RESULT"].replace(self.folder + "/", ""), values["MORE"], values["WHY"]

    def find_headers(self, major):
        return self.cmake(f"precis_find_cuda_headers(/x/libcudart.so.{major} RESULT MORE WHY)")

    def test_wheels_of_cuda_13_share_a_folder(self):
        self.torch("13.0")
        self.headers("nvidia/cu13/include", "13.0", [name for name in HEADERS if not name.startswith(("crt", "nv"))])
        folder, _, why = self.find_headers(13)
        self.assertEqual(folder, "")
        self.assertIn("crt/host_defines.h is neither in a toolkit", why)  # a torch wheel alone
        self.headers("deps/cu13/include", "13.0", ["crt/host_defines.h", "nv/target"])  # what launch/setup.sh fetches
        self.assertEqual(self.find_headers(13)[:2], ("nvidia/cu13/include;deps/cu13/include", "13.0"))

    def test_wheels_of_cuda_12_have_a_folder_each_and_lack_the_compilers(self):
        self.torch("12.8")
        for wheel, names in WHEELS_12.items():
            self.headers(f"nvidia/{wheel}/include", "12.8", names)
        self.assertIn("crt/host_defines.h", self.find_headers(12)[2])
        self.headers("usr/local/cuda/include", "12.8")  # Kaggle and Colab
        self.assertEqual(self.find_headers(12)[:2], ("usr/local/cuda/include", "12.8"))
        shutil.rmtree(self.path("usr"))
        self.headers("nvidia/cuda_nvcc/include", "12.8", ["crt/host_defines.h"])
        self.headers("nvidia/cuda_cccl/include", "12.8", ["nv/target"])
        folders, version, _ = self.find_headers(12)
        self.assertEqual((len(folders.split(";")), version), (6, "12.8"))

    def test_a_toolkit_of_torchs_version_comes_first_and_one_of_its_major_version_last(self):
        self.torch("13.0")
        self.headers("usr/local/cuda/include", "13.2")
        self.assertEqual(self.find_headers(13)[:2], ("usr/local/cuda/include", "13.2"))
        self.headers("nvidia/cu13/include", "13.0")
        self.assertEqual(self.find_headers(13)[:2], ("nvidia/cu13/include", "13.0"))
        self.headers("usr/local/cuda-13.0/targets/x86_64-linux/include", "13.0")
        self.assertEqual(self.find_headers(13)[:2], ("usr/local/cuda-13.0/targets/x86_64-linux/include", "13.0"))

    def test_headers_of_another_major_version_are_refused(self):
        self.torch("12.8")
        self.headers("usr/local/cuda/include", "13.0")
        folder, _, why = self.find_headers(12)
        self.assertEqual(folder, "")
        self.assertIn("built with CUDA 12.8, but the headers here are of CUDA 13.0", why)

    def test_a_libtorch_archive_tells_its_cuda_by_the_runtime_it_loads(self):
        self.torch(None)
        self.headers("usr/local/cuda/include", "12.6")
        self.assertEqual(self.find_headers(12)[:2], ("usr/local/cuda/include", "12.6"))
        self.assertEqual(self.find_headers(13)[0], "")

    def test_the_nccl_header_is_not_newer_than_the_library(self):
        self.put("nccl.c", "int ncclGetVersion(int* version) { *version = 22703; return 0; }\n")
        os.makedirs(self.path("nvidia/nccl/lib"))
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", self.path("nvidia/nccl/lib/libnccl.so.2"), self.path("nccl.c")], check=True)

        def header(folder, version):
            major, minor, patch = version.split(".")
            self.put(f"{folder}/nccl.h", f"#define NCCL_MAJOR {major}\n#define NCCL_MINOR {minor}\n#define NCCL_PATCH {patch}\n#define NCCL_SUFFIX \"\"\n")

        find = f"precis_find_nccl_header({self.path('nvidia/nccl/lib/libnccl.so.2')} RESULT MORE)"
        self.assertEqual(self.cmake(find)[:2], ("", "22703"))
        header("usr/include", "2.25.1")  # the system's, beside a newer wheel: Kaggle
        self.assertEqual(self.cmake(find)[0], "usr/include")
        header("nvidia/nccl/include", "2.27.3")
        self.assertEqual(self.cmake(find)[0], "nvidia/nccl/include")
        header("nvidia/nccl/include", "2.28.9")  # of a second wheel in the same folder: Colab
        self.assertEqual(self.cmake(find)[0], "usr/include")
        shutil.rmtree(self.path("usr"))
        self.assertEqual(self.cmake(find)[0], "")

    def find_nvcc(self, cuda, **environment):
        found = self.cmake(f"set(PRECIS_CUDA_VERSION {cuda})", f"set(PRECIS_CUDA_MAJOR {cuda.split('.')[0]})", "precis_find_nvcc(RESULT)", **environment)[0]
        return found

    def test_nvcc_is_the_one_of_torchs_cuda(self):
        self.assertEqual(self.find_nvcc("13.0"), "")
        self.assertIn("CUDA: off (nvcc was not found, and LibTorch 2.11.0 is built with CUDA 13.0", self.said)
        self.nvcc("usr/local/cuda/bin/nvcc", "12.4")
        self.assertEqual(self.find_nvcc("12.8"), "usr/local/cuda/bin/nvcc")
        self.assertEqual(self.find_nvcc("13.0"), "")
        self.assertIn("usr/local/cuda/bin/nvcc is of CUDA 12.4", self.said)
        self.nvcc("deps/cu13/bin/nvcc", "13.0")
        self.assertEqual(self.find_nvcc("13.0"), "deps/cu13/bin/nvcc")
        self.nvcc("bin/nvcc", "13.1")
        self.assertEqual(self.find_nvcc("13.0"), "bin/nvcc")
        self.assertEqual(self.find_nvcc("13.0", CUDACXX=self.path("usr/local/cuda/bin/nvcc")), "")  # the user's word

    def test_architectures_are_the_visible_ones_else_what_runs_on_all(self):
        self.nvcc("bin/nvcc", "13.0")
        ask = f"precis_cuda_architectures({self.path('bin/nvcc')} RESULT)"
        self.assertEqual(self.cmake(ask)[0], "75-real;90-real;90-virtual")
        self.put("bin/nvidia-smi", "#!/bin/sh\nprintf '7.5, Tesla T4\\n7.5, Tesla T4\\n9.0, NVIDIA H100\\n'\n", 0o755)
        self.assertEqual(self.cmake(ask)[0], "75;90")
        self.assertEqual(self.cmake("set(PRECIS_CUDA_ARCHITECTURES all)", ask)[0], "75-real;90-real;120-real;90-virtual")  # a bundle
        self.assertEqual(self.cmake("set(PRECIS_CUDA_ARCHITECTURES 80)", ask)[0], "80")

    def test_a_gpu_that_libtorch_has_no_code_for_is_refused_by_name(self):
        self.nvcc("bin/nvcc", "13.0")
        self.put("bin/nvidia-smi", "#!/bin/sh\nprintf '7.5, Tesla T4\\n6.0, Tesla P100-PCIE-16GB\\n'\n", 0o755)
        ask = f"precis_cuda_architectures({self.path('bin/nvcc')} RESULT)"
        self.cmake(ask, code=1)
        said = " ".join(self.said.split())  # CMake breaks lines
        self.assertIn("The GPU Tesla P100-PCIE-16GB is of compute capability 6.0", said)
        self.assertIn("-DPRECIS_CUDA=off", said)
        self.assertEqual(self.cmake("set(PRECIS_CUDA_ARCHITECTURES 75)", ask)[0], "75")

    def test_without_nvcc_the_gpu_build_that_was_asked_for_is_an_error(self):
        self.cmake("set(PRECIS_CUDA on)", "set(PRECIS_CUDA_VERSION 12.8)", "set(PRECIS_CUDA_MAJOR 12)", "precis_find_nvcc(RESULT)", code=1)
        self.assertIn("PRECIS_CUDA=on, but nvcc was not found", " ".join(self.said.split()))


if __name__ == "__main__":
    unittest.main()
