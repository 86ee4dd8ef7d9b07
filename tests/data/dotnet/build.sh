#!/bin/sh
# build.sh "CSC": makes shop.dll, shop.pdb and till.dll with the C# compiler that the command CSC runs (Roslyn), e.g.
# "dotnet /usr/share/dotnet/sdk/8.0.100/Roslyn/bincore/csc.dll -r:.../System.Private.CoreLib.dll -r:.../System.Runtime.dll".
# HERE is this folder as the compiler spells it, if that differs.
set -e
cd "$(dirname "$0")"
here=${HERE:-$PWD}
case $here in *\\*) slash=\\ ;; *) slash=/ ;; esac
common="-nologo -deterministic -target:library -pathmap:$here${slash}src=C:\\shop,$here=C:\\shop\\bin"
$1 $common -optimize+ -debug:portable -sourcelink:sourcelink.json -out:shop.dll -pdb:shop.pdb src/Desk.cs src/Till.cs
$1 $common -debug:embedded -embed -checksumalgorithm:SHA256 -out:till.dll src/Desk.cs src/Till.cs
