#!/bin/sh
# Compiles the library and the reference engine with Mono into the folder given: sh build.sh FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$1
mkdir -p "$work"
options="-langversion:7 -warn:4 -warnaserror -optimize+ -nologo"

mcs $options -target:library -out:"$work/F2P.Bridge.dll" "$here"/F2P.Bridge/*.cs

# The drawing code goes into the program as resources too: its hash is the engine's build.
set --
for source in "$here"/ReferenceEngine/*.cs; do
    set -- "$@" "-resource:$source,$(basename "$source")"
done
mcs $options -target:exe -reference:"$work/F2P.Bridge.dll" -out:"$work/sketch.exe" "$@" "$here"/ReferenceEngine/*.cs
