#!/bin/sh
# Builds the programs and their PDBs from src/ into this folder. Needs clang-22, lld-22, llvm-22; no Windows SDK.
# The result is the same bytes on every machine: paths in the PDBs read C:\shop\..., time stamps are hashes.
# dumper.exe, which make_dumps.py needs, goes where the first argument says; it is not kept here.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tools=$(mkdir -p "${1:?usage: build.sh FOLDER-FOR-DUMPER}" && cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/src/* "$work"
cd "$work"

compile() { # CPU OPTIONS SOURCE...: writes SOURCE.CPU.obj
    cpu=$1 options=$2
    shift 2
    for source in "$@"; do
        case $source in
        *.cpp) language="-std=c++20 -fexceptions -fcxx-exceptions" ;;
        *) language=-std=c17 ;;
        esac
        clang-22 "--target=$cpu-pc-windows-msvc" $language -fms-extensions -fno-builtin -nostdinc -Wall -Wextra -Werror \
            -Wno-ignored-attributes -Wno-infinite-recursion -g -gcodeview -gno-codeview-command-line \
            "-ffile-prefix-map=$work=C:\\shop" '-fdebug-compilation-dir=C:\shop' $options \
            -c "$source" -o "${source%.*}.$cpu.obj"
    done
}

imports() { # CPU: makes an import library of each .def
    for def in *.def; do
        dll=${def%.def}
        if [ "$1" = x86_64 ]; then
            sed 's/@[0-9]*$//' "$def" >"$dll.x64"
            llvm-dlltool-22 -m i386:x86-64 -d "$dll.x64" -l "$dll.$1.lib"
        else
            llvm-dlltool-22 -m i386 -k -d "$def" -l "$dll.$1.lib"
        fi
    done
}

link() { # CPU FOLDER PROGRAM INPUT...
    cpu=$1 folder=$2 program=$3
    shift 3
    lld-link-22 -Brepro -debug "-pdb:$program.pdb" '-pdbaltpath:%_PDB%' '-pdbsourcepath:C:\shop' "-out:$program.exe" \
        -subsystem:console,6.0 -entry:mainCRTStartup -nodefaultlib -safeseh:no "$@" runtime.$cpu.obj kernel32.$cpu.lib
    chmod 644 "$program.exe"
    mv "$program.exe" "$program.pdb" "$folder"
}

llvm-rc-22 -FO version.res version.rc
fault_parts="faults memory control shapes threads throw"

build() { # CPU SUFFIX
    imports "$1"
    compile "$1" "-O2 -fomit-frame-pointer" runtime.c shop.cpp faults.c memory.c control.c shapes.c threads.c throw.cpp
    compile "$1" "-O2 -fomit-frame-pointer -ffunction-sections" folded.cpp
    compile "$1" -O1 dumper.c
    link "$1" "$here" "shop$2" "shop.$1.obj" version.res
    link "$1" "$here" "faults$2" $(printf "%s.$1.obj " $fault_parts) version.res "vcruntime140.$1.lib" "msvcrt.$1.lib"
    link "$1" "$here" "folded$2" "folded.$1.obj" -opt:ref,icf
    link "$1" "$tools" "dumper$2" "dumper.$1.obj" "dbghelp.$1.lib"
}

build x86_64 ""
build i686 32
