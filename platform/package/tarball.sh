#!/usr/bin/env bash
# Packs build/BOARD/obj/drey-static with manual page, completions, units and the example drey.conf into
# build/BOARD/drey-VERSION-ARCHITECTURE.tar.gz.   Usage: tarball.sh BOARD (make tarball)
set -euo pipefail
cd "$(dirname "$0")/../.."
board=${1:?usage: tarball.sh BOARD}
obj=build/$board/obj
strip=$(sed -n 's/^CMAKE_STRIP:[A-Z]*=//p' "$obj/CMakeCache.txt")
"$strip" -s -R .comment -o "build/$board/drey-static" "$obj/drey-static"

. platform/package/target.sh "$board"
version=$($runner "build/$board/drey-static" --version | awk '{ print $2 }')
name=drey-$version-$architecture
dir=build/$board/$name
rm -rf "$dir"
mkdir -p "$dir"
cp "build/$board/drey-static" "$dir/drey"
for what in man bash zsh fish; do $runner "$dir/drey" completion $what >"$dir/drey.$what"; done
mv "$dir/drey.man" "$dir/drey.1"
cp LICENSE README.md platform/package/drey{,-notify}.service platform/package/drey.{sysusers,tmpfiles} \
  platform/package/drey.conf.example "$dir/"
tar -C "build/$board" --owner=0 --group=0 --sort=name -czf "build/$board/$name.tar.gz" "$name"
rm -rf "$dir"
ls -l "build/$board/$name.tar.gz" "build/$board/drey-static" | awk '{ print $NF, $5, "bytes" }'
