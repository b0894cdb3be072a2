# shellcheck shell=bash
# common.sh - what all tools share: where we are, what must be installed, how to build.
# Sourced, not run. Works from any folder, also when the path has a space.
# shellcheck disable=SC2034 # what is set here is used there
set -euo pipefail

top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
build=$top/build
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

# Debian 12 names, by what they are for.
declare -A packages=(
    [build]="dpkg-dev gcc libc6-dev meson ninja-build pkg-config libzmq3-dev libmsgpack-dev
        libsodium-dev libsqlite3-dev libmicrohttpd-dev libgnutls28-dev libcurl4-gnutls-dev
        libjansson-dev libyaml-dev libxxhash-dev libcriterion-dev python3"
    [test]="binutils busybox curl debootstrap git iproute2 libfaketime libjemalloc2
        libmimalloc2.0 libnss-wrapper mandoc musl-tools netbase openjdk-17-jre-headless openssl
        procps python3-jsonschema strace util-linux valgrind gcc-12-multilib libc6-dev-i386
        gcc-12-aarch64-linux-gnu gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
        g++ relacy-dev"
    [check]="binutils clang clang-format clang-tidy git libclang-rt-dev llvm mandoc python3
        shellcheck"
    # Half a gigabyte, for tests/system/test_programs.py alone.
    [programs]="apache2-utils aria2 bash chromium curl default-jre-headless default-mysql-client git
        haproxy iperf3 iputils-ping ldap-utils lftp libc-bin lua-socket lua5.4 lynx
        mosquitto-clients netcat-openbsd nginx-light nodejs openssh-client openssl perl php-cli
        postgresql-client python3 redis-tools rsync ruby socat stunnel4 tcl telnet wget"
    [quickstart]="curl iproute2 python3 util-linux"
    [bench]="iproute2 python3 strace util-linux valgrind"
)

say() {
    printf '%s\n' "$*" >&2
}

die() {
    say "$(basename -- "$0"): $*"
    exit 70
}

# usage TEXT ARGUMENT...: prints TEXT and leaves when an argument asks for help.
usage() {
    local text=$1 word
    shift
    for word; do
        case $word in
        -h | --help)
            printf '%s\n' "$text"
            exit 0
            ;;
        esac
    done
}

# refuse TEXT WORD: a word that no option is.
refuse() {
    say "$(basename -- "$0"): '$2' is no option"
    say "$1"
    exit 64
}

# need GROUP...: installs what is missing of these groups, and nothing when nothing is.
need() {
    local group name missing=()
    for group; do
        for name in ${packages[$group]}; do
            [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
                [[ " ${missing[*]} " == *" $name "* ]] || missing+=("$name")
        done
    done
    need_packages "${missing[@]}"
}

# need_packages NAME...: installs these.
need_packages() {
    local apt=(apt-get -o DPkg::Lock::Timeout=300 -q -y)
    [ $# -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || die "not installed: $*; run as root, or install them"
    say "installing: $*"
    export DEBIAN_FRONTEND=noninteractive
    # Lists that are missing or stale are the usual reason for a failure: once more with new ones.
    "${apt[@]}" install --no-install-recommends "$@" >/dev/null 2>&1 && return
    "${apt[@]}" update >/dev/null
    "${apt[@]}" install --no-install-recommends "$@" >/dev/null
}

# build_in FOLDER MESON_OPTION...: configures once and builds all, or only=TARGET. Quiet, unless it
# fails.
build_in() {
    local folder=$1 log
    shift
    log=$folder.log
    mkdir -p "$(dirname -- "$folder")"
    if [ ! -f "$folder/build.ninja" ]; then
        meson setup "$folder" "$top" "$@" >"$log" 2>&1 || {
            tail -n 40 "$log" >&2
            return 1
        }
    fi
    ninja -k 0 -C "$folder" ${only:+"$only"} >"$log" 2>&1 || {
        grep -E -A 4 'error:|undefined reference|ninja: error' "$log" | head -n 100 >&2
        return 1
    }
    rm -f "$log"
}
