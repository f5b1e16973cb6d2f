#!/usr/bin/env bash
# Starts a program on several ranks by the mpirun that is there: Open MPI 4 or 5, MPICH, or another. It becomes mpirun
# (exec): signals and exit codes are mpirun's own. src/schedule/README.md "Facts about Open MPI".
set -uo pipefail

usage() {
    cat <<'END'
usage: tools/mpirun.sh RANKS PROGRAM [ARGUMENT]...

Runs PROGRAM on RANKS processes of this machine or of the batch job, which may be more than cores and are bound to none.
The options of mpirun are those of the MPI that `mpirun --version` names.
END
}

case ${1:-} in
-h | --help) usage && exit 0 ;;
*[!0-9]* | '') usage >&2 && exit 2 ;;
esac
options=(-n "$1")
case $(mpirun --version 2>&1) in
*'(Open MPI)'*)
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    options+=(--oversubscribe --bind-to none)
    ! mpirun --quiet --version >/dev/null 2>&1 || options+=(--quiet) # gone in version 5
    ! printenv COLUMNS >/dev/null || options+=(-x COLUMNS)
    # On one node nothing goes over TCP, and version 5 complains of a network card with addresses of both families.
    [ "${SLURM_JOB_NUM_NODES:-1}" -gt 1 ] ||
        export OMPI_MCA_btl_tcp_disable_family="${OMPI_MCA_btl_tcp_disable_family-6}"
    ;;
*HYDRA*) options+=(-bind-to none) ;;
*'command not found'*)
    echo 'mpirun.sh: no mpirun is found; load an MPI module, or install one (Debian: openmpi-bin)' >&2
    exit 1
    ;;
esac
exec mpirun "${options[@]}" "${@:2}"
