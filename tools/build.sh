#!/usr/bin/env bash
# Configures where it is needed, and builds. A build folder that was configured for sources elsewhere, as in a checkout
# that was copied or moved, is configured anew: CMake would compile the sources of that other folder.
set -uo pipefail

usage() {
    cat <<'END'
usage: tools/build.sh FOLDER TARGET [options of cmake]

Builds a target in a folder of the repository (build, say). It is configured anew where cmake is given options, such as
--preset ci, where nothing is configured yet, and where the folder was configured for sources in another place.
END
}

# What the folder's cache says of NAME.
cached() { sed -n "s/^$1:INTERNAL=//p" "$folder/CMakeCache.txt"; }
is_of_this_place() { [ "$(cached CMAKE_HOME_DIRECTORY)" -ef . ] && [ "$(cached CMAKE_CACHEFILE_DIR)" -ef "$folder" ]; }

# Removes what CMake made for another place, so that nothing of it is taken for up to date.
forget() {
    find "$folder" -name CMakeFiles -type d -prune -exec rm -rf {} +
    rm -f "$folder/CMakeCache.txt" "$folder/build.ninja" "$folder/Makefile"
}

case ${1:-} in
-h | --help) usage && exit 0 ;;
esac
[ $# -ge 2 ] || { usage >&2 && exit 2; }
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." || exit 1
case $PWD in
*[]\[\$\"\;\|\<\>\*\?\\]*)
    echo "build.sh: CMake cannot build below $PWD: no name may have one of []*?;|<>\$\"\\; rename the folder" >&2
    exit 1
    ;;
esac
folder=$1 target=$2
shift 2
# What is behind a link belongs to others, who may be building there.
[ ! -f "$folder/CMakeCache.txt" ] || [ -L "$folder" ] || is_of_this_place || forget
if [ $# -eq 0 ] && [ ! -f "$folder/build.ninja" ] && [ ! -f "$folder/Makefile" ]; then
    tests=ON
    pkg-config --exists cmocka || tests=OFF
    set -- -S . -B "$folder" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING="$tests"
fi
command -v ninja >/dev/null && export CMAKE_GENERATOR=${CMAKE_GENERATOR-Ninja}
# nproc obeys OMP_NUM_THREADS, which says nothing about compilers.
{ [ $# -eq 0 ] || cmake "$@"; } &&
    cmake --build "$folder" --target "$target" --parallel "$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)"
