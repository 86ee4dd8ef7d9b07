#!/bin/sh
# Builds the images of this folder with clang and lld 22 and dsymutil. Run it here; then trace.py and make_expected.py.
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ln -s "$(command -v llvm-lipo-22)" "$work/lipo" # what dsymutil calls for an image of several CPUs
PATH="$work:$PATH"
map="-ffile-prefix-map=$PWD/src=/frames -ffile-prefix-map=$PWD=/frames -fdebug-compilation-dir=/frames"
map="$map -ffile-prefix-map=../linux/src=/shapes -ffile-prefix-map=src=/frames"
common="-ffreestanding -fno-stack-protector -fno-exceptions -funwind-tables $map -I ../linux/src"

objects() { # ARCH DWARF_VERSION
  for unit in shapes.cpp plain.c; do
    clang-22 --target="$1-apple-macos11" $common -fno-rtti -O2 "-gdwarf-$2" -c "../linux/src/$unit" -o "$work/$1-$unit.o"
  done
  clang-22 --target="$1-apple-macos11" $common -O1 "-gdwarf-$2" -c src/main.c -o "$work/$1-main.o"
  clang-22 --target="$1-apple-macos11" $common -O1 "-gdwarf-$2" -gline-tables-only -fomit-frame-pointer \
    -c src/frames.c -o "$work/$1-bare.o"
  clang-22 --target="$1-apple-macos11" $common -O1 "-gdwarf-$2" -gline-tables-only -fno-omit-frame-pointer -DCHAINED \
    -c src/frames.c -o "$work/$1-chained.o"
}

link() { # ARCH OUTPUT OBJECTS OPTIONS
  arch=$1 output=$2 objects=$3
  shift 3
  (cd "$work" && ld64.lld-22 -arch "$arch" -platform_version macos 11.0 11.0 -undefined dynamic_lookup -oso_prefix "$work/" \
    "$@" -o "$output" "$arch"-$objects.o)
}

objects x86_64 4
objects arm64 5
link x86_64 x64 "[bcm]*" -dylib -install_name @rpath/libframes.dylib
link arm64 arm64 "[bcm]*" -dylib -install_name @rpath/libframes.dylib
link x86_64 frames "*" -e _start
(cd "$work" && llvm-lipo-22 -create x64 arm64 -output libframes.dylib)
(cd "$work" && dsymutil-22 --oso-prepend-path "$work" libframes.dylib && dsymutil-22 --oso-prepend-path "$work" frames)
cp -r "$work/frames" "$work/libframes.dylib" .
for name in frames libframes.dylib; do
  mkdir -p "$name.dSYM/Contents/Resources/DWARF"
  cp "$work/$name.dSYM/Contents/Resources/DWARF/$name" "$name.dSYM/Contents/Resources/DWARF/$name"
done
chmod -x frames libframes.dylib
