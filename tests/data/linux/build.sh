#!/bin/sh
# Builds the programs of this folder: gcc (Debian 12.2), clang and lld 22. Run it here; then make_expected.py.
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
map="-ffile-prefix-map=$work=/shapes -ffile-prefix-map=$PWD/src=/shapes/src -ffile-prefix-map=$PWD=/shapes"
common="-ffreestanding -fno-exceptions -fno-stack-protector -fasynchronous-unwind-tables -fno-ident $map"
trap 'rm -rf "$work"' EXIT

clang() { # NAME TARGET FLAGS LINK_FLAGS
  clang++-22 --target="$2" $common -fno-rtti $3 -I src -c src/shapes.cpp -o "$work/shapes.o"
  clang-22 --target="$2" $common $3 -I src -c src/plain.c -o "$work/plain.o"
  ld.lld-22 --eh-frame-hdr --build-id=sha1 $4 -o "$1" "$work/shapes.o" "$work/plain.o"
}

gcc_() { # NAME FLAGS LINK_FLAGS
  here=$PWD
  (cd "$work" && g++ $common -fno-rtti $2 -I "$here/src" -c "$here/src/shapes.cpp" -o shapes.o)
  (cd "$work" && gcc $common $2 -I "$here/src" -c "$here/src/plain.c" -o plain.o)
  ld -z noseparate-code --eh-frame-hdr --build-id=sha1 --hash-style=gnu $3 -o "$1" "$work/shapes.o" "$work/plain.o"
}

clang clang5_amd64 x86_64-linux-gnu "-O2 -gdwarf-5 -fPIC" "-shared --compress-debug-sections=zlib"
clang clang4_amd64 x86_64-linux-gnu "-O1 -gdwarf-4 -ffunction-sections" "--gc-sections"
clang clang5_arm64 aarch64-linux-gnu "-O2 -gdwarf-5 -mbranch-protection=standard -fPIC" "-shared"
clang clang4_arm thumbv7-linux-gnueabi "-O2 -gdwarf-4 -mcpu=cortex-a15" ""
clang clang5_x86 i686-linux-gnu "-O2 -gdwarf-5 -fomit-frame-pointer" ""
gcc_ gcc5_amd64 "-O2 -gdwarf-5 -fPIC" "-shared"
gcc_ gcc4_amd64 "-O2 -gdwarf-4 -fno-asynchronous-unwind-tables -fno-pie" ""
gcc_ gcc2_amd64 "-O1 -gdwarf-2 -gstrict-dwarf" ""
gcc_ gcc64bit_amd64 "-O2 -gdwarf64 -gdwarf-5" ""
gcc_ types_amd64 "-Os -gdwarf-5 -fdebug-types-section" ""
gcc_ split_amd64 "-O2 -gdwarf-5 -gsplit-dwarf" ""

# The same program, compressed by the other method.
llvm-objcopy-22 --decompress-debug-sections clang5_amd64 "$work/plain"
llvm-objcopy-22 --compress-debug-sections=zstd "$work/plain" zstd_amd64

# The same program stripped, with its debug information in a file of its own.
llvm-objcopy-22 --only-keep-debug gcc5_amd64 gcc5_amd64.debug
llvm-objcopy-22 --strip-all --add-gnu-debuglink=gcc5_amd64.debug gcc5_amd64 gcc5_amd64.stripped

# Names of local functions packed as distributions do it (mini debug info).
llvm-objcopy-22 --only-keep-debug --strip-debug clang4_amd64 "$work/mini"
xz -9 -k "$work/mini"
llvm-objcopy-22 --strip-all clang4_amd64 "$work/bare"
llvm-objcopy-22 --add-section .gnu_debugdata="$work/mini.xz" "$work/bare" mini_amd64
# What two programs have in common moved to a third file, as Fedora and others do it (dwz 0.15).
llvm-objcopy-22 --only-keep-debug gcc2_amd64 "$work/dwz_amd64.debug"
llvm-objcopy-22 --only-keep-debug gcc4_amd64 "$work/other.debug"
(cd "$work" && dwz -m dwz_common.debug -M dwz_common.debug dwz_amd64.debug other.debug)
cp "$work/dwz_amd64.debug" "$work/dwz_common.debug" .

chmod -x -- *_amd64* *_arm* *_x86
