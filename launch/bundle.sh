#!/usr/bin/env bash
# launch/bundle.sh pack FILE BUILD_DIR TORCH_DIR TORCH_VERSION TESTS: what launch/setup.sh --bundle does. Packs the programs, if TESTS is
# yes those tests that need a GPU, and all shared libraries they load, Open MPI with its plug-ins among them; not LibTorch, nor the C
# and C++ runtimes.
# launch/bundle.sh unpack FILE: what launch/setup.sh --from-bundle does. Unpacks into build-bundle/ and puts the programs
# at the root of the checkout, for a LibTorch of the same version; build-bundle/gpu-tests runs the tests.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=launch/mpirun.sh
. "$root/launch/mpirun.sh"

fail() {
  echo "setup: $*" >&2
  exit 1
}

# The libraries that FILES load, but for those of LibTorch and the runtimes that every system has.
libraries_of() {
  local torch_dir=$1
  shift
  ldd "$@" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u |
    grep -vE "^$(dirname "$torch_dir")/|/(libc|libm|libdl|librt|libpthread|libresolv|libgcc_s|libstdc\+\+|libgomp)\.so" || true
}

pack() {
  local file=$1 build=$2 torch_dir=$3 version=$4 stage programs=() tests=() plugins data
  stage=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$stage'" EXIT
  mkdir -p "$stage"/{bin,lib,openmpi/bin,openmpi/plugins,openmpi/share,openmpi/etc,openmpi/prte}
  for program in trainer summarize rouge convert bpe; do
    [[ -x $build/bin/$program ]] && programs+=("$build/bin/$program")
  done
  ((${#programs[@]})) || fail "there are no programs in $build/bin to pack"
  cp "${programs[@]}" "$stage/bin/"
  for test in "$build"/tests/gpu_*_test; do
    [[ $5 == yes && -x $test ]] && tests+=("$test")
  done
  if ((${#tests[@]})); then mkdir "$stage/gpu" && cp "${tests[@]}" "$stage/gpu/"; fi
  plugins=$(ompi_info --path pkglibdir --parsable | sed 's/^path:pkglibdir://')
  cp -L "$plugins"/*.so "$stage/openmpi/plugins/"
  cp -rL "$(ompi_info --path sysconfdir --parsable | sed 's/^path:sysconfdir://')/." "$stage/openmpi/etc/" 2>/dev/null || true
  data=$(ompi_info --path pkgdatadir --parsable | sed 's/^path:pkgdatadir://')
  cp -rL "$data/." "$stage/openmpi/share/"
  cp -rL "$data/../prte/." "$stage/openmpi/prte/" 2>/dev/null || true
  for program in mpirun orted prterun prte prted; do # version 4 has orted, the later ones have the last three
    if command -v $program >/dev/null; then cp -L "$(command -v $program)" "$stage/openmpi/bin/"; fi
  done
  # shellcheck disable=SC2046
  cp -L $(libraries_of "$torch_dir" "${programs[@]}" "${tests[@]}" "$stage"/openmpi/bin/* "$plugins"/*.so) "$stage/lib/"
  strip --strip-debug "$stage"/bin/* "$stage"/gpu/* "$stage"/lib/* 2>/dev/null || true
  echo "$version" >"$stage/torch_version"
  open_mpi_major >"$stage/mpi_major"
  tar -C "$stage" -czf "$file.part" . && mv "$file.part" "$file"
  echo "setup: packed $(du -h "$file" | cut -f 1) into $file, for LibTorch $version"
}

unpack() {
  local file=$1 target=$root/build-bundle torch_dir wanted found missing programs
  [[ -f $file ]] || fail "there is no bundle $file"
  rm -rf "$target" && mkdir -p "$target"
  tar -C "$target" -xzf "$file" || fail "$file is not a bundle, or is cut short"
  torch_dir=${PRECIS_TORCH_DIR:-$(python3 -c "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')")}
  [[ -n $torch_dir ]] || fail "python3 has no torch; PRECIS_TORCH_DIR=... names the folder of LibTorch"
  wanted=$(cat "$target/torch_version")
  found=$({ cat "$torch_dir"/include/torch/{headeronly,csrc/api/include/torch}/version.h 2>/dev/null || true; } | # one or both
    awk '/define TORCH_VERSION_(MAJOR|MINOR|PATCH) / {v = v "." $3} END {split(v, n, "."); print n[2] "." n[3] "." n[4]}')
  [[ $found == "$wanted" ]] ||
    fail "$file is for LibTorch $wanted, but $torch_dir is $found: build anew with launch/setup.sh --build --bundle FILE"
  cat >"$target/env.sh" <<ENV
# Open MPI and the libraries of the bundle, for this shell: source $target/env.sh
export PATH=$target/openmpi/bin:\$PATH
export LD_LIBRARY_PATH=$target/lib:$torch_dir/lib$(printf ':%s' "$(dirname "$torch_dir")"/nvidia/*/lib):\${LD_LIBRARY_PATH-}
export OPAL_BINDIR=$target/openmpi/bin OPAL_LIBDIR=$target/lib OPAL_PKGLIBDIR=$target/openmpi/plugins
export OPAL_PKGDATADIR=$target/openmpi/share OPAL_SYSCONFDIR=$target/openmpi/etc
export PRTE_BINDIR=$target/openmpi/bin PRTE_LIBDIR=$target/lib PRTE_PKGDATADIR=$target/openmpi/prte
export PMIX_MCA_pcompress_base_silence_warning=1  # it looks for zlib's plug-in, which one machine does not need
. $root/launch/mpirun.sh
open_mpi_environment $(cat "$target/mpi_major")
ENV
  for program in "$target"/bin/*; do
    rm -f "$root/$(basename "$program")"
    printf '#!/bin/sh\n. %s/env.sh\nexec %s "$@"\n' "$target" "$program" >"$root/$(basename "$program")"
    chmod +x "$root/$(basename "$program")"
  done
  programs=("$target"/bin/*)
  if [[ -d $target/gpu ]]; then
    programs+=("$target"/gpu/*)
    cat >"$target/gpu-tests" <<TESTS
#!/bin/sh
# The tests that need a GPU; arguments go to each.
. $target/env.sh
code=0
for test in $target/gpu/*; do "\$test" "\$@" || code=1; done
exit \$code
TESTS
    chmod +x "$target/gpu-tests"
  fi
  # shellcheck source=/dev/null
  missing=$(. "$target/env.sh"; ldd "${programs[@]}" | grep 'not found' | sort -u || true)
  [[ -z $missing ]] || fail "the programs of $file do not find all they need here: $missing"
  echo "setup: ready: the programs of $file, with LibTorch $wanted in $torch_dir"
  echo "setup: start them with launch/local.sh RANKS ./trainer CONFIG, or after: source $target/env.sh"
  if [[ -d $target/gpu ]]; then echo "setup: build-bundle/gpu-tests tests the GPU's kernels on this machine, in a minute"; fi
}

case ${1-} in
  pack | unpack) "$@" ;;
  *) fail "usage: launch/setup.sh --bundle FILE, or --from-bundle FILE" ;;
esac
