#!/bin/sh
# Builds the programs and makes the cores of this folder: gcc 12.2 (Debian), QEMU's user mode emulation for arm64.
# The system must write cores as the file `core` of the current folder. Run it here; then make_expected.py.
set -e
cd "$(dirname "$0")"
here=$PWD
work=/tmp/crash  # a core holds the path of the program, and the environment: none
mkdir "$work"
trap 'rm -rf "$work"' EXIT
flags="-g -O1 -ffreestanding -nostdlib -fno-stack-protector -fasynchronous-unwind-tables -fno-ident -Wl,--eh-frame-hdr
  -ffile-prefix-map=$here/src=/crash -ffile-prefix-map=$here=/crash"

gcc $flags -static -no-pie -Wl,--build-id=sha1 -Wl,-z,noseparate-code -o crash_amd64 src/crash.c
gcc $flags -static-pie -fPIE -Wl,--build-id=sha1 -o crash_amd64_pie src/crash.c
objcopy --only-keep-debug --compress-debug-sections crash_amd64_pie crash_amd64_pie.debug
strip --strip-all crash_amd64_pie
objcopy --add-gnu-debuglink=crash_amd64_pie.debug crash_amd64_pie
aarch64-linux-gnu-gcc $flags -static -no-pie -Wl,-z,max-page-size=4096 -Wl,--build-id=sha1 -Wl,-z,noseparate-code -o crash_arm64 src/crash.c
gcc -m32 $flags -static -no-pie -Wl,--build-id=sha1 -Wl,-z,noseparate-code -o crash_x86 src/crash_x86.c
objcopy --compress-debug-sections crash_amd64
aarch64-linux-gnu-objcopy --compress-debug-sections crash_arm64

core() { # NAME COMMAND...: run where the program is known by its name alone, and keep the core
  name=$1
  shift
  (cd "$work" && ulimit -c unlimited && { env -i "$@" 2>/dev/null || true; })
  found=$(ls "$work"/qemu_*.core "$work"/core* 2>/dev/null | grep . | sort -r | head -1)  # QEMU leaves one of its own too
  mv "$found" "$work/kept"
  rm -f "$work"/*core*
  xz -9e --check=crc32 -c "$work/kept" > "$here/$name.core.xz"
}

cp crash_amd64 crash_amd64_pie crash_arm64 crash_x86 "$work"
for how in segv fpe ill jump handler handled-jump sys bus overflow; do
  core "$how" ./crash_amd64 "$how"
done
core abort-threads ./crash_amd64 abort threads
core pie-segv-threads ./crash_amd64_pie segv threads "an argument that is longer than what the kernel keeps in the notes of a core"
core arm64-abort-threads qemu-aarch64 ./crash_arm64 abort threads
core arm64-handler qemu-aarch64 ./crash_arm64 handler
core x86-segv ./crash_x86
