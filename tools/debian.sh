#!/usr/bin/env bash
# Runs the two commands of the README on another release of Debian, in a fresh root below a temporary folder. It holds
# its mounts in a name space of its own, which ends with the last process: none is left, however this script ends.
set -euo pipefail

usage() {
    cat <<'END'
usage: tools/debian.sh [RELEASE] [COMMAND]

Makes a root of a release of Debian (trixie; on trixie bookworm), copies the repository into it, and runs COMMAND there
with bash. By default: a sweep from spec to picture, then of the tests those that depend on the system. Needs root and
debootstrap; exits 77 with a word where that cannot be. Downloads some 700 MB and takes some ten minutes.
END
}

skip() { echo "skipped: $1" && exit 77; }

# Devices that programs expect, of this machine's own, and what belongs to the name space.
mount_system() { # ROOT
    mount -t proc proc "$1/proc"
    mount -t sysfs -o ro sysfs "$1/sys"
    mount -t tmpfs -o mode=755 tmpfs "$1/dev"
    local device
    for device in null zero full random urandom; do
        touch "$1/dev/$device"
        mount --bind "/dev/$device" "$1/dev/$device"
    done
    mkdir "$1/dev/shm" "$1/dev/pts"
    mount -t tmpfs tmpfs "$1/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$1/dev/pts"
    ln -s pts/ptmx "$1/dev/ptmx"
    ln -s /proc/self/fd "$1/dev/fd"
}

# In the name space: makes the root, and becomes the command in it. Neither needs what dpkg writes to be on disk.
inside() { # ROOT RELEASE COMMAND
    debootstrap --variant=minbase --include=ca-certificates "$2" "$1" >"$1.log" 2>&1 </dev/null ||
        { cat "$1.log" && skip "Debian $2 cannot be fetched: $(tail -1 "$1.log")"; }
    printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/doc/*' 'path-exclude=/usr/share/man/*' \
        >"$1/etc/dpkg/dpkg.cfg.d/fast"
    cp /etc/resolv.conf /etc/hosts "$1/etc/"
    mkdir "$1/wgf"
    bash tools/files.sh | tar --null --files-from=- -cf - | tar -C "$1/wgf" -xf -
    mount_system "$1"
    exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" CI="${CI:-}" bash -c "cd /wgf && $3"
}

case ${1:-} in
-h | --help) usage && exit 0 ;;
--inside) inside "${@:2}" ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."
grep -qsx VERSION_CODENAME=trixie /etc/os-release && other=bookworm || other=trixie
[ "$(id -u)" -eq 0 ] || skip 'only root can make a root of Debian'
command -v debootstrap >/dev/null || skip 'no debootstrap (tools/setup.sh --test)'
unshare --mount --pid --fork true 2>/dev/null || skip 'no name spaces of its own are allowed here'
scratch=$(mktemp -d)
trap 'rm -rf --one-file-system "$scratch"' EXIT
unshare --mount --pid --fork --kill-child bash tools/debian.sh --inside "$scratch/root" "${1:-$other}" \
    "${2:-bash slurm/sweep.sh sweeps/step_size.yaml && bash tools/test.sh --system}" </dev/null
