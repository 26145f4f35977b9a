# launch/mpirun.sh: all that differs between Open MPI 4, 5 and 6, for the scripts that start ranks. To be sourced; sh will do.
# shellcheck shell=sh

# Prints the major version of the Open MPI whose mpirun is in PATH; nothing where there is none, or that of another MPI.
open_mpi_major() {
  mpirun --version 2>/dev/null | sed -n '1s/^mpirun (Open MPI) \([0-9][0-9]*\)\..*/\1/p'
}

# Whether a container filters system calls and withholds CAP_SYS_PTRACE (bit 19): it may forbid process_vm_readv.
copies_are_forbidden() {
  grep -q '^Seccomp:[^0-9]*2$' /proc/self/status && ! grep -q '^CapEff:.*[89a-f]....$' /proc/self/status
}

# Whether no other machine takes part, as far as can be seen from here.
is_one_machine() {
  [ -z "${PRECIS_MPIRUN_OPTIONS-}${SLURM_JOB_ID-}${PBS_JOBID-}${LSB_JOBID-}" ]
}

# open_mpi_environment MAJOR: exports what mpirun and the ranks need, unless the user has set it. All of it are variables,
# so that PRECIS_MPIRUN_OPTIONS may say otherwise: from 5 on mpirun refuses an option that is given twice.
# - As root mpirun starts nothing without these two.
# - It would bind each of 1 or 2 ranks to one core, and refuse more ranks than cores (hardware threads do not count there).
# - The program says itself why it ends: mpirun's own words below that are turned off, where they can be (see quiet_errors).
# - Without ssh version 4 does not start even on one machine; any command that exists will do there.
# - From 5 on each rank may complain of the network between ranks, which one machine does not use.
# - A temporary folder that is set to nothing means / to Open MPI.
open_mpi_environment() {
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  if [ "$1" -le 4 ]; then
    export OMPI_MCA_hwloc_base_binding_policy="${OMPI_MCA_hwloc_base_binding_policy:-none}"
    export OMPI_MCA_rmaps_base_oversubscribe="${OMPI_MCA_rmaps_base_oversubscribe:-1}"
    export OMPI_MCA_orte_execute_quiet="${OMPI_MCA_orte_execute_quiet:-1}"
    if ! command -v ssh >/dev/null && ! command -v rsh >/dev/null; then
      export OMPI_MCA_plm_rsh_agent="${OMPI_MCA_plm_rsh_agent:-cat}"
    fi
    if copies_are_forbidden; then
      export OMPI_MCA_btl_vader_single_copy_mechanism="${OMPI_MCA_btl_vader_single_copy_mechanism:-none}"
    fi
  else
    export PRTE_MCA_hwloc_default_binding_policy="${PRTE_MCA_hwloc_default_binding_policy:-none}"
    export PRTE_MCA_rmaps_default_mapping_policy="${PRTE_MCA_rmaps_default_mapping_policy:-:oversubscribe}"
    if is_one_machine; then export OMPI_MCA_btl="${OMPI_MCA_btl:-^tcp}"; fi
    if copies_are_forbidden; then export OMPI_MCA_smsc="${OMPI_MCA_smsc:-^cma}"; fi
  fi
  [ -n "${TMPDIR-}" ] || unset TMPDIR
  [ -n "${TEMP-}" ] || unset TEMP
  [ -n "${TMP-}" ] || unset TMP
}

# quiet_errors MAJOR: passes lines of standard input on to standard error, but for the blocks with which mpirun from 5 on
# follows the program's own last words (version 4 has been told to leave them out).
quiet_errors() {
  rule='--------------------------------------------------------------------------'
  while IFS= read -r line || [ -n "$line" ]; do
    if [ "$1" -ge 5 ] && [ "$line" = "$rule" ] && IFS= read -r line; then
      case $line in
        'prterun detected that one or more processes exited'* | 'MPI_ABORT was invoked on rank'* | \
          'prterun has exited due to process rank'*)
          while IFS= read -r line && [ "$line" != "$rule" ]; do :; done
          continue
          ;;
      esac
      printf '%s\n' "$rule" >&2
    fi
    case $line in
      *'PMIX ERROR: PMIX_ERR_UNREACH in file'*) ;;  # a rank has left before it could be told
      *) printf '%s\n' "$line" >&2 ;;
    esac
  done
}

# temporary_folder_fault MAJOR: prints what is wrong with the folder in which mpirun keeps the files of a run, and the
# remedy; nothing where all is well. (lib/comm/temporary_folder.cpp looks after programs that are started without mpirun.)
temporary_folder_fault() {
  case ${PRECIS_MPIRUN_OPTIONS-} in *tmpdir*) return 0 ;; esac
  if [ "$1" -le 4 ]; then
    setting=OMPI_MCA_orte_tmpdir_base folder=${OMPI_MCA_orte_local_tmpdir_base:-${OMPI_MCA_orte_tmpdir_base-}}
  else
    setting=PRTE_MCA_prte_tmpdir_base folder=${PRTE_MCA_prte_local_tmpdir_base:-${PRTE_MCA_prte_tmpdir_base-}}
  fi
  if [ -z "$folder" ]; then
    setting=TMPDIR folder=${TMPDIR:-${TEMP:-${TMP:-/tmp}}}
  fi
  reason=$({ mkdir -p -- "$folder" && made=$(mktemp -d -- "$folder/precis-XXXXXX") && rmdir -- "$made"; } 2>&1) ||
    echo "Open MPI cannot use the temporary folder $folder: ${reason##*: }. Set $setting to a folder that can be written," \
      "as in $setting=/tmp"
}
