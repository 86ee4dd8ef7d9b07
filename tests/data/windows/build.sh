#!/bin/sh
# Builds the programs and their PDBs from src/ into this folder. Needs clang-22, lld-22, llvm-22; no Windows SDK.
# The result is the same bytes on every machine: paths in the PDBs read C:\shop\..., time stamps are hashes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/src/* "$work"
cd "$work"

compile() { # CPU SOURCE OBJECT OPTION...
    cpu=$1 source=$2 object=$3
    shift 3
    case $source in
    *.cpp) language="-std=c++20 -fexceptions -fcxx-exceptions" ;;
    *) language=-std=c11 ;;
    esac
    clang-22 --target="$cpu-pc-windows-msvc" $language -fms-extensions -nostdinc -Wall -Wextra -Werror \
        -Wno-ignored-attributes -g -gcodeview -gno-codeview-command-line \
        -ffile-prefix-map="$work=C:\\shop" -fdebug-compilation-dir='C:\shop' "$@" -c "$source" -o "$object"
}

imports() { # CPU
    for dll in kernel32 dbghelp; do
        if [ "$1" = x86_64 ]; then
            sed 's/@[0-9]*$//' $dll.def >$dll.$1.def
            llvm-dlltool-22 -m i386:x86-64 -d $dll.$1.def -l $dll.$1.lib
        else
            llvm-dlltool-22 -m i386 -k -d $dll.def -l $dll.$1.lib
        fi
    done
}

link() { # CPU PROGRAM OPTION-OR-OBJECT...
    cpu=$1 program=$2
    shift 2
    lld-link-22 -Brepro -debug -pdb:"$program.pdb" -pdbaltpath:%_PDB% '-pdbsourcepath:C:\shop' -out:"$program.exe" \
        -subsystem:console,6.0 -entry:mainCRTStartup -nodefaultlib "$@" kernel32.$cpu.lib
    cp "$program.exe" "$program.pdb" "$here"
}

imports x86_64
compile x86_64 runtime.c runtime.obj -O2
compile x86_64 shop.cpp shop.obj -O2
link x86_64 shop shop.obj runtime.obj
compile x86_64 dumper.c dumper.obj -O1
link x86_64 dumper dumper.obj runtime.obj dbghelp.x86_64.lib
