# shellcheck shell=bash
# Directory trees for the process tests, and how two of them are compared. Sourced after lib.sh.

# Everything a file system has, in small numbers.
odd_tree() { # odd_tree DIR
  local dir=$1 i deep
  mkdir -p "$dir"/{empty,modes,links,sparse,names,times,many}
  : >"$dir/zero bytes"
  printf 'one line\n' >"$dir/names/plain"
  printf 'x' >"$dir/names/"$'new\nline'
  printf 'x' >"$dir/names/"$'not utf-8 \xff\xfe\x80'
  printf 'x' >"$dir/names/"$'tab\tquote"back\\slash'
  printf 'x' >"$dir/names/-rf * ?[a]"
  printf 'x' >"$dir/names/$(printf 'n%.0s' {1..255})"
  printf 'x' >"$dir/names/Grüße aus München"
  for i in 600 644 400 755 4755 1777 000; do
    printf 'mode %s' "$i" >"$dir/modes/$i"
    chmod "$i" "$dir/modes/$i"
  done
  mkdir "$dir/modes/closed directory" && printf x >"$dir/modes/closed directory/in it"
  chmod 0500 "$dir/modes/closed directory"
  ln -s plain "$dir/links/relative"
  ln -s /nowhere/at/all "$dir/links/dangling"
  ln -s . "$dir/links/loop"
  printf 'shared' >"$dir/links/hard 1"
  ln "$dir/links/hard 1" "$dir/links/hard 2"
  ln "$dir/links/hard 1" "$dir/empty/hard 3"
  mkfifo -m 0640 "$dir/links/fifo"
  head -c 100000 /dev/urandom >"$dir/sparse/data with a hole after"
  truncate -s 12M "$dir/sparse/data with a hole after"
  truncate -s 9M "$dir/sparse/only a hole"
  printf end | dd of="$dir/sparse/hole in front" bs=1 seek=7000000 status=none
  touch -d '2001-02-03 04:05:06.123456789 UTC' "$dir/times/old"
  touch -d '1969-12-31 23:59:58.5 UTC' "$dir/times/before 1970"
  touch -d '2100-01-01 00:00:00.000000001 UTC' "$dir/times/far ahead"
  touch -h -d '2011-11-11 11:11:11.111111111 UTC' "$dir/links/dangling"
  if setfattr -n user.drey.word -v "value" "$dir/names/plain" 2>/dev/null; then
    setfattr -n user.binary -v 0x00ff00fe "$dir/names/plain"
    setfattr -n user.on_directory -v "$(printf 'v%.0s' {1..500})" "$dir/empty"
  else
    echo "  (this file system has no user attributes: not tested)"
  fi
  deep=$dir/deep
  for ((i = 0; i < 60; ++i)); do deep+=/d$((i % 7)); done
  mkdir -p "$deep" && printf 'at the bottom' >"$deep/file"
  if [ -n "${DREY_REAL_ROOT:-}" ]; then
    mknod "$dir/links/null" c 1 3
    chown 12345:54321 "$dir/names/plain" && chown -h 12345:54321 "$dir/links/relative"
  fi
  touch -d '2005-05-05 05:05:05.050505050 UTC' "$dir/times" "$dir/names"
  return 0
}

# COUNT files of SIZE random bytes, 500 to a directory.
many_files() { # many_files DIR COUNT SIZE
  mkdir -p "$1" || return 1
  local folder=0 left=$2 here
  while [ "$left" -gt 0 ]; do
    here=$((left < 500 ? left : 500))
    mkdir -p "$1/$folder" || return 1
    head -c $((here * $3)) /dev/urandom |
      split -a 4 -d -b "$3" - "$1/$folder/file-" || return 1
    left=$((left - here))
    folder=$((folder + 1))
  done
}

# A working directory as people have them: text that compresses, small files, some of 100s of KiB.
document_tree() { # document_tree DIR
  mkdir -p "$1/text"
  many_files "$1/small" 1500 700 || return 1
  many_files "$1/medium" 40 150000 || return 1
  seq 600000 | split -a 3 -d -l 1500 --additional-suffix=' list.txt' - "$1/text/"
}

# Prints what differs between two trees and fails: contents, types, modes, owners, nanosecond
# mtimes, links, which names are hard links of each other, attributes, and that holes are holes.
same_tree() { # same_tree A B
  local list side
  for list in listing contents hardlinks attributes; do
    for side in 1 2; do
      (cd "${!side}" && "list_$list") >"$WORK/$list.$side" || return 1
    done
    cmp -s "$WORK/$list.1" "$WORK/$list.2" && continue
    echo "the $list differ:"
    diff -a <(tr '\0' '\n' <"$WORK/$list.1") <(tr '\0' '\n' <"$WORK/$list.2") | head -n 20
    return 1
  done
  [ -s "$WORK/listing.1" ] || { echo "nothing to compare in $1"; return 1; }
  same_holes "$1" "$2"
}
list_listing() {
  # Sizes of directories are the file system's own affair; so are owners to who cannot give a file
  # to others.
  local owner=
  [ -z "${DREY_REAL_ROOT:-}" ] || owner='%U:%G'
  find . \( -type f -printf "%y %#m $owner %T@ %s %P\0" \) -o \
    -printf "%y %#m $owner %T@ %l %P\0" | sort -z
}
list_contents() { find . -type f -print0 | sort -z | xargs -0 -r sha256sum --; }
list_hardlinks() {
  declare -A first=()
  local inode path
  while IFS=' ' read -r -d '' inode path; do
    first[$inode]=${first[$inode]:-$path}
    printf '%s = %s\0' "$path" "${first[$inode]}"
  done < <(find . ! -type d -links +1 -printf '%P %i\0' | sort -z |
    sed -z 's/^\(.*\) \([0-9]*\)$/\2 \1/')
}
list_attributes() {
  find . -print0 | sort -z | xargs -0 -r getfattr -h -d -m - -e hex -- 2>/dev/null
  return 0
}
# A restored file takes at most what its source takes, plus some slack for block sizes.
same_holes() {
  local size blocks path restored
  while IFS=' ' read -r -d '' blocks size path; do
    [ $((blocks * 512)) -lt $((size * 9 / 10)) ] || continue
    restored=$(stat -c %b "$2/$path") || return 1
    if [ $((restored * 512)) -gt $((blocks * 512 + size / 50 + 1048576)) ]; then
      echo "holes are lost: $path takes $((restored / 2)) KiB, its source $((blocks / 2)) KiB"
      return 1
    fi
  done < <(cd "$1" && find . -type f -size +1024k -printf '%b %s %P\0')
}

# The tree at $1 as snapshot $3 of device $2 restores it, compared.
restores_as() { # restores_as SOURCE NAME SNAP
  local target=$WORK/restored.$2
  rm -rf "$target"
  expect 0 drey_at "$2" --json restore "$3" --target "$target"
  same_tree "$1" "$target$1" >"$OUT" 2>&1 || fail "what $2 restored of $3 is not equal to $1"
  chmod -R u+rwX "$target" && rm -rf "$target"
}
