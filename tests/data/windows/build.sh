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
        case $1 in
        i686) llvm-dlltool-22 -m i386 -k -d "$def" -l "$dll.$1.lib" ;;
        x86_64) undecorated "$def" | llvm-dlltool-22 -m i386:x86-64 -d /dev/stdin -l "$dll.$1.lib" ;;
        aarch64) undecorated "$def" | llvm-dlltool-22 -m arm64 -d /dev/stdin -l "$dll.$1.lib" ;;
        esac
    done
}

undecorated() { # only x86 has @n after the names of functions
    sed 's/@[0-9]*$//' "$1"
}

link() { # OUTPUT OPTION-OR-INPUT...: writes OUTPUT and its PDB
    output=$1
    shift
    lld-link-22 -Brepro -debug "-pdb:${output%.*}.pdb" '-pdbaltpath:%_PDB%' '-pdbsourcepath:C:\shop' "-out:$output" \
        -subsystem:console,6.0 -nodefaultlib -safeseh:no "$@"
    chmod 644 "$output"
}

build() { # CPU SUFFIX
    cpu=$1 suffix=$2
    imports "$cpu"
    compile "$cpu" "-O2 -fomit-frame-pointer" runtime.c shop.cpp faults.c memory.c control.c shapes.c threads.c \
        throw.cpp host.c plugin.c filters.c watched.c
    compile "$cpu" "-O2 -fomit-frame-pointer -ffunction-sections" folded.cpp
    program="-entry:mainCRTStartup runtime.$cpu.obj kernel32.$cpu.lib"
    link "shop$suffix.exe" $program shop.$cpu.obj version.res
    link "faults$suffix.exe" $program faults.$cpu.obj memory.$cpu.obj control.$cpu.obj shapes.$cpu.obj \
        threads.$cpu.obj throw.$cpu.obj version.res vcruntime140.$cpu.lib msvcrt.$cpu.lib
}

build_more() { # CPU SUFFIX: what only the CPUs that run here need
    cpu=$1 suffix=$2
    link "folded$suffix.exe" $program folded.$cpu.obj -opt:ref,icf -pdbpagesize:$3
    link "watched$suffix.exe" $program watched.$cpu.obj memory.$cpu.obj control.$cpu.obj threads.$cpu.obj throw.$cpu.obj \
        version.res vcruntime140.$cpu.lib msvcrt.$cpu.lib
    link "filters$suffix.dll" -dll -noentry filters.$cpu.obj version.res -implib:filters.lib
    link "plugin$suffix.dll" -dll -noentry plugin.$cpu.obj filters.lib version.res -implib:plugin.lib
    link "host$suffix.exe" $program host.$cpu.obj plugin.lib version.res
    compile "$cpu" -O1 dumper.c
    link "dumper$suffix.exe" $program dumper.$cpu.obj dbghelp.$cpu.lib ntdll.$cpu.lib
    rm "filters$suffix.pdb" "dumper$suffix.pdb"
    mv "dumper$suffix.exe" "$tools"
}

# With GCC's run-time library, whose machine code is in the program: GPL 3 with the GCC Runtime Library Exception. Made
# only where there is a compiler: g++-mingw-w64-x86-64-posix 12.2. (Under a debugger Wine 8 cannot unwind what clang
# makes of it.)
if command -v x86_64-w64-mingw32-g++-posix; then
    x86_64-w64-mingw32-g++-posix -std=c++17 -O1 -s -static -Wl,--no-insert-timestamp -o throws.exe throws.cpp
    chmod 644 throws.exe
fi

llvm-rc-22 -FO version.res version.rc
build x86_64 ""
build_more x86_64 "" 4096
build i686 32
build_more i686 32 8192
build aarch64 _arm64
mv watched*.exe watched*.pdb "$here/../watched"
if [ -e throws.exe ]; then mv throws.exe "$here/../watched"; fi
mv ./*.exe ./*.dll ./*.pdb "$here"
