#!/usr/bin/env bash
# launch/setup.sh [--tests] [--build] [--cuda] [--bundle FILE | --from-bundle FILE] [-DOPTION=VALUE...]
# Makes this checkout ready to build: uses what is there, installs what is missing (launch/packages.txt, and LibTorch).
#   --tests        also what the tests and benchmarks need
#   --build        configure and build in build/ (BUILD_DIR names another), with the tests after --tests
#   --configure    configure only
#   --cuda         fetch the CUDA side of LibTorch even where neither a GPU nor nvcc is seen
#   --bundle FILE  build, and pack the programs, the GPU's tests and the libraries they need, LibTorch apart, for reuse elsewhere
#   --from-bundle FILE  put the programs of such a file here; nothing is installed or built
#   -DNAME=VALUE   goes to CMake as it is: -DPRECIS_CUDA=off, -DPRECIS_TORCH_DIR=...
# A second run finds all in place and takes a second or two. Exit codes: 0 ready, 2 usage, 1 something is missing.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD_DIR:-$root/build}
torch_version=${PRECIS_TORCH_VERSION:-2.11.0} # of the wheel that is fetched
system=${PRECIS_SYSTEM_ROOT-} # of devices and of /usr/local/cuda; a test has another
# shellcheck source=launch/mpirun.sh
. "$root/launch/mpirun.sh"

say() { echo "setup: $*"; }
fail() {
  echo "setup: $*" >&2
  exit 1
}
usage() { sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

want_tests=no want_build=no want_cuda=auto bundle='' cmake_options=()
while (($#)); do
  case $1 in
    --tests) want_tests=yes ;;
    --build) want_build=yes ;;
    --configure) want_build=configured ;;
    --cuda) want_cuda=yes ;;
    --bundle) bundle=${2:?--bundle needs a file name} && shift ;;
    --from-bundle) exec "$root/launch/bundle.sh" unpack "${2:?--from-bundle needs a file name}" ;;
    -DPRECIS_CUDA=[oO][fF][fF]) want_cuda=no cmake_options+=("$1") ;;
    -D?*) cmake_options+=("$1") ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && echo "setup: unknown argument '$1'" >&2 && exit 2 ;;
  esac
  shift
done

[[ $torch_version =~ ^2\.(7|8|9|10|11)(\.[0-9]+)?$ ]] ||
  { echo "setup: PRECIS_TORCH_VERSION is $torch_version, and Precis builds with LibTorch 2.7 to 2.11 (2.10.0 is the last for CUDA 12.8)" >&2 && exit 2; }

# --- What the system lacks -------------------------------------------------------------------------------------------

# Prints the lines of packages.txt (first columns given) whose program or header is not there.
missing_packages() {
  local groups=$1 compiler=${CXX:-g++} group probe rest headers='' gone
  local include_options=()
  local prefixes=${CMAKE_PREFIX_PATH-}
  for prefix in ${CONDA_PREFIX-} ${prefixes//:/ }; do
    include_options+=("-I$prefix/include")
  done
  if command -v mpicxx >/dev/null; then
    for folder in $(mpicxx --showme:incdirs 2>/dev/null); do include_options+=("-I$folder"); done
  fi
  while read -r group probe rest; do
    [[ $group =~ ^($groups)$ ]] || continue
    case $probe in
      program:g++) command -v "$compiler" >/dev/null || echo "$group $probe $rest" ;;
      program:*) command -v "${probe#*:}" >/dev/null || echo "$group $probe $rest" ;;
      python:*) python3 -c "import ${probe#*:}" 2>/dev/null || echo "$group $probe $rest" ;;
      header:*) headers+="#if !__has_include(<${probe#*:}>)"$'\n'"@$group $probe $rest"$'\n#endif\n' ;;
    esac
  done < <(sed 's/#.*//' "$root/launch/packages.txt")
  if gone=$("$compiler" -E -P -x c++ "${include_options[@]}" - <<<"$headers" 2>/dev/null); then
    sed -n 's/^@ *//p' <<<"$gone" | sed 's/ *: */:/g; s/ *\/ */\//g'
  else  # no compiler yet: then the headers are taken for missing
    sed -n 's/^@//p' <<<"$headers"
  fi
}

# What tests need is wished for where a bundle may take those that need a GPU along.
wish_for_tests() {
  if [[ -n $bundle && $want_tests == no ]] && wants_cuda; then sed 's/^tests /wish /'; else cat; fi
}

# Runs a command as root; false where that cannot be.
as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
    sudo "$@"
  else
    return 77
  fi
}

list_missing() {
  printf '  %-32s %-30s %-12s %-18s %s\n' 'needed' 'apt' 'module' 'conda-forge' 'spack'
  while read -r _ probe apt module conda spack; do
    printf '  %-32s %-30s %-12s %-18s %s\n' "$probe" "$apt" "$module" "$conda" "$spack"
  done <<<"$1"
}

# Installs the packages of these lines of packages.txt, where there are any.
apt_install() {
  local packages
  packages=$(awk '{print $3}' <<<"$1" | sort -u | tr '\n' ' ')
  [[ $packages == *[a-z]* ]] || return 0
  say "installing $packages"
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $packages >/dev/null
}

install_packages() {
  local groups=$1 missing why='cannot be installed from here (no apt-get, or neither root nor sudo)'
  missing=$(missing_packages "$groups" | wish_for_tests)
  [[ -n $missing ]] || return 0
  if command -v apt-get >/dev/null && as_root true; then
    as_root apt-get -qq update || true # with the lists that are there it may do
    apt_install "$(sed '/^wish /d' <<<"$missing")" || fail "apt-get could not install what Precis needs (its words are above)"
    apt_install "$(sed -n '/^wish /p' <<<"$missing")" || say "going on without; all works, if not as fast"
    missing=$(missing_packages "$groups" | wish_for_tests)
    why='are not found in PATH or by the compiler, though apt-get installed them'
  fi
  missing=$(sed '/^wish /d' <<<"$missing")
  [[ -n $missing ]] || return 0
  {
    echo "setup: these are missing, and $why:"
    list_missing "$missing"
    echo "setup: install them by one of these names (module load, conda install, spack load), then run this again"
  } >&2
  exit 1
}

check_versions() {
  local cmake_version gcc_version mpi
  cmake_version=$(cmake --version | sed -n '1s/[^0-9]*\([0-9]*\.[0-9]*\).*/\1/p')
  [[ $(printf '%s\n' 3.22 "$cmake_version" | sort -V | head -n 1) == 3.22 ]] ||
    fail "cmake is $cmake_version, and 3.22 or later is needed (module cmake, pip or conda install cmake)"
  gcc_version=$("${CXX:-g++}" -dumpversion)
  ((${gcc_version%%.*} >= 11)) || fail "${CXX:-g++} is $gcc_version, and GCC 11 or later is needed (module gcc; CXX names it)"
  mpi=$(open_mpi_major)
  ((${mpi:-0} >= 4)) ||
    fail "mpirun ($(command -v mpirun)) is not of Open MPI 4 or later, which Precis needs (apt openmpi-bin, module openmpi)"
}

# --- LibTorch --------------------------------------------------------------------------------------------------------

# "FOLDER VERSION" of the LibTorch the build will take; empty where there is none.
locate_torch() {
  local options=() option found
  for option in "${cmake_options[@]}"; do
    [[ $option =~ ^-D(PRECIS_TORCH_DIR|Torch_DIR|CMAKE_PREFIX_PATH)= ]] && options+=("$option")
  done
  found=$(cmake "${options[@]}" -P "$root/lib/cmake/LocateTorch.cmake") || return 1
  grep '^-- ' <<<"$found" | sed 's/^-- /setup: /' >&2 || true
  grep -v '^-- ' <<<"$found" || true
}

# What of torch's requirements its C++ libraries load: all of CUDA, or the two that even libtorch_cpu.so names.
torch_requirements() {
  "$root/.deps/bin/python" - "$1" <<'PYTHON'
import importlib.metadata, re, sys
for requirement in importlib.metadata.requires("torch"):
    name = re.match(r"[\w.-]+", requirement)[0].lower()
    if name == "cuda-toolkit":
        if sys.argv[1] == "cpu":
            requirement = re.sub(r"\[.*?\]", "[cudart,cupti]", requirement)
    elif not name.startswith("nvidia-") or "extra ==" in requirement:
        continue
    elif sys.argv[1] == "cpu" and not re.search("cuda-(runtime|cupti)", name):
        continue
    print(requirement)
PYTHON
}

# The Python environment .deps/, which pip fetches into.
make_environment() {
  install_packages 'torch'
  [[ -x $root/.deps/bin/pip ]] || python3 -m venv "$root/.deps" || fail "python3 -m venv $root/.deps did not work"
}

# LibTorch from the torch wheel, into the git-ignored .deps/. The stamp names what is there in full.
fetch_torch() {
  local side=cpu requirements
  if wants_cuda; then side=cuda; fi
  [[ $(cat "$root/.deps/complete" 2>/dev/null) =~ ^torch\ $torch_version\ ($side|cuda)$ ]] && return 0
  # Another version's libraries of CUDA must not lie beside this one's.
  [[ ! -e $root/.deps/complete || $(cat "$root/.deps/complete") == "torch $torch_version "* ]] || rm -rf "$root/.deps"
  say "fetching LibTorch $torch_version (the torch wheel, $side side) into .deps/"
  make_environment
  "$root/.deps/bin/pip" install -q --no-deps --no-compile "torch==$torch_version" ||
    fail "pip could not fetch torch $torch_version (is there a network? python3 is $(python3 -V), 3.10 or later is needed)"
  mapfile -t requirements < <(torch_requirements $side)
  if ((${#requirements[@]})); then
    "$root/.deps/bin/pip" install -q --no-compile --no-warn-conflicts "${requirements[@]}" || fail "pip could not fetch ${requirements[*]}"
  fi
  echo "torch $torch_version $side" >"$root/.deps/complete"
}

has_gpu_or_nvcc() {
  compgen -G "$system/dev/nvidia[0-9]*" >/dev/null || [[ -e $system/dev/dxg ]] || command -v nvcc >/dev/null ||
    [[ -x $system/usr/local/cuda/bin/nvcc ]]
}

# Whether it is to be a build for GPUs, as far as the machine and the user say.
wants_cuda() { [[ $want_cuda == yes ]] || { [[ $want_cuda == auto ]] && has_gpu_or_nvcc; }; }

# Whether the system has an nvcc of this CUDA major version.
has_nvcc_of() {
  local nvcc
  for nvcc in "${CUDACXX-}" "${CUDA_HOME-}/bin/nvcc" "${CUDA_PATH-}/bin/nvcc" "$system"/usr/local/cuda*/bin/nvcc "$(command -v nvcc || true)"; do
    [[ -x $nvcc && $("$nvcc" --version 2>/dev/null) == *"release $1."* ]] && return 0
  done
  return 1
}

# nvcc and CUDA's headers from NVIDIA's wheels into .deps/, where the side of CUDA is wanted and the system's nvcc is not of
# LibTorch's CUDA. There is none for CUDA 12 among the wheels; the build then says what it does without.
fetch_nvcc() {
  local folder=$1 cuda wheels
  [[ $want_cuda != no && -e $folder/lib/libtorch_cuda.so && -e $folder/version.py ]] || return 0
  wants_cuda || return 0
  cuda=$(sed -n "s/^cuda.*'\([0-9]*\.[0-9]*\)'.*/\1/p" "$folder/version.py")
  [[ -n $cuda ]] && ((${cuda%.*} >= 13)) && ! has_nvcc_of "${cuda%.*}" || return 0
  wheels="cuda-toolkit[nvcc,nvvm,crt,cccl,cudart]==$cuda.*"
  [[ $(cat "$root/.deps/nvcc" 2>/dev/null) == "$wheels" ]] && return 0
  say "fetching nvcc $cuda (NVIDIA's wheels) into .deps/"
  make_environment
  "$root/.deps/bin/pip" install -q --no-compile --no-warn-conflicts "$wheels" || fail "pip could not fetch $wheels"
  echo "$wheels" >"$root/.deps/nvcc"
}

# --- Build -----------------------------------------------------------------------------------------------------------

# Compilers at once: as many as cores, and as memory allows (a file on LibTorch takes about 1.5 GB).
jobs_that_fit() {
  local memory
  memory=$(awk '/MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
  local cores
  cores=$(nproc)
  echo $((memory < 1 ? 1 : memory < cores ? memory : cores))
}

configure() {
  local options=("${cmake_options[@]}") wanted all=no unset=()
  if [[ $want_tests == yes || $packs_tests == yes ]]; then
    options+=(-DPRECIS_TESTS=ON)
  elif ! grep -q '^PRECIS_TESTS:BOOL=ON' "$build/CMakeCache.txt" 2>/dev/null; then
    options+=(-DPRECIS_TESTS=OFF)
  fi
  # A bundle goes to machines that are not known here; the next build is for this one again.
  if [[ " ${options[*]-}" == *" -DPRECIS_CUDA_ARCHITECTURES="* ]]; then
    : # the user's
  elif [[ -n $bundle ]]; then
    all=yes options+=(-DPRECIS_CUDA_ARCHITECTURES=all)
  elif [[ -e $build/for-all ]]; then
    unset=(-U PRECIS_CUDA_ARCHITECTURES)
  fi
  wanted="$torch ${options[*]-}"
  [[ -f $build/build.ninja && $(cat "$build/configured" 2>/dev/null) == "$wanted" ]] && return 0
  mkdir -p "$build"
  if [[ $all == yes ]]; then touch "$build/for-all"; fi
  cmake -S "$root" -B "$build" -G Ninja "${unset[@]}" "${options[@]}" >"$build/configure.log" 2>&1 ||
    { cat "$build/configure.log" >&2 && fail "cmake could not configure $build"; }
  if [[ $all == no ]]; then rm -f "$build/for-all"; fi
  grep -E '^-- (LibTorch|CUDA|Own)' "$build/configure.log" | sed 's/^-- /setup: /' || true
  echo "$wanted" >"$build/configured"
}

# Passes on what ninja prints, but of its lines of progress only one each tenth of the way.
in_tenths() {
  local line tenth shown=0
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\  ]]; then
      tenth=$((10 * BASH_REMATCH[1] / BASH_REMATCH[2]))
      ((tenth > shown)) || continue
      shown=$tenth line="setup: ${BASH_REMATCH[1]} of ${BASH_REMATCH[2]} steps done"
    fi
    printf '%s\n' "$line"
  done
}

# On a terminal ninja itself keeps its progress on one line.
build_all() {
  local command=(ninja -C "$build" -j "$(jobs_that_fit)") targets=(programs)
  if [[ $packs_tests == yes ]]; then targets+=(gpu_tests); fi
  if [[ $want_tests == yes ]]; then targets=(all); fi
  if [[ -t 1 ]]; then "${command[@]}" "${targets[@]}"; else "${command[@]}" "${targets[@]}" | in_tenths; fi ||
    fail "the build in $build did not succeed"
}

groups='build|run|wish'
if [[ $want_tests == yes ]] || { [[ -n $bundle ]] && wants_cuda; }; then groups+='|tests'; fi
install_packages "$groups"
check_versions
packs_tests=no # of a bundle: those that need a GPU
if [[ -n $bundle && -z $(missing_packages tests) ]] && wants_cuda; then packs_tests=yes; fi
if [[ " ${cmake_options[*]} " == *" -DPRECIS_TORCH=OFF "* ]]; then
  torch='none none' # for rouge and bpe alone
else
  torch=$(locate_torch) || exit 1
  asked=${PRECIS_TORCH_VERSION-}
  if [[ -n $asked && ${torch##* } != "$asked" && ${torch##* } != "$asked".* && " ${cmake_options[*]} " != *" -DPRECIS_TORCH_DIR="* ]]; then
    fetch_torch # and not the one that lies about
    cmake_options+=("-DPRECIS_TORCH_DIR=$(echo "$root"/.deps/lib/python3*/site-packages/torch)")
    torch=$(locate_torch)
  elif [[ -z $torch || $torch == "$root/.deps/"* ]]; then
    fetch_torch
    torch=$(locate_torch)
  fi
  [[ -n $torch ]] || fail "LibTorch $torch_version was fetched into .deps/, and yet is not found there"
fi
fetch_nvcc "${torch% *}"
say "ready: LibTorch ${torch##* } in ${torch% *}"
if [[ $want_build != no || -n $bundle ]]; then
  configure
  if [[ $want_build != configured || -n $bundle ]]; then
    rm -rf "$root/build-bundle"
    build_all
  fi
fi
# A build that leaves the machine's GPU idle must not be overlooked.
idle_gpu=''
if [[ $want_build != no && $want_cuda != no ]] && compgen -G "$system/dev/nvidia[0-9]*" >/dev/null; then
  idle_gpu=$(sed -n 's/^-- CUDA: off (\(.*\))$/\1/p' "$build/configure.log")
fi
if [[ -n $idle_gpu ]]; then
  {
    echo "setup: THIS BUILD DOES NOT USE THE GPU OF THIS MACHINE: $idle_gpu"
    echo "setup: mend that and run this again, or say run.device=cpu to train on the CPU"
  } >&2
fi
if [[ -n $bundle ]]; then "$root/launch/bundle.sh" pack "$bundle" "$build" "${torch% *}" "${torch##* }" "$packs_tests"; fi
