#!/bin/sh
# What README.md, stellar_core/README.md and the header show is compiled without a warning, and run; and clang warns of views
# that dangle.
#
#   tests/documents.sh LIBRARY_DIRECTORY BUILD      CXX is the compiler
set -eu

library=$1
mkdir -p "$2/documents"
work=$(cd "$2/documents" && pwd)
cd "$(dirname "$0")/.."
INC=$(cd ../../include && pwd)
LIB=$work/lib
export INC LIB
rm -rf "$work"
mkdir -p "$LIB"
for link in libpeer_manager.so libpeer_manager.so.0; do ln -s "$library/libpeer_manager.so" "$LIB/$link"; done
ln -s "$library/libpeer_manager.a" "$LIB/"

fail() {
  echo "$*" >&2
  exit 1
}

# The N-th piece of a document in a language: piece DOCUMENT LANGUAGE N
piece() {
  awk -v n="$3" -v fence="\`\`\`$2" '$0 == fence {on = ++count == n; next} /^```/ {on = 0} on' "$1"
}

# A program that is shown: show NAME [OPTION...] reads it. It runs in a directory of its own; what it prints is in printed.txt
# there, with TIME for each time.
show() {
  name=$1
  shift
  echo "  CXX     $name"
  mkdir "$work/$name"
  cat >"$work/$name/my.cpp"
  [ -s "$work/$name/my.cpp" ] || fail "$name is not shown any more"
  # shellcheck disable=SC2086 # the compiler may have options
  ${CXX:-c++} -std=c++17 -Wall -Wextra -Wpedantic -Werror -I"$INC" "$@" "$work/$name/my.cpp" -o "$work/$name/my" \
    "$LIB/libpeer_manager.so.0" -Wl,-rpath,"$LIB"
  run "$name"
}

run() {
  (cd "$work/$1" && ./my >raw.txt) || fail "$1 failed"
  sed 's/[0-9]*-[0-9][0-9]-[0-9][0-9]T[0-9:]*Z/TIME/g' "$work/$1/raw.txt" >"$work/$1/printed.txt"
}

sed -n '/^ \* @code$/,/^ \* @endcode$/p' "$INC/peer_manager.hpp" | sed '1d; $d; s/^ \*//; s/^ //' | show header
echo 'dial core-live-a.stellar.org:11625' | cmp - "$work/header/printed.txt"

[ "$(grep -c '^```cpp$' README.md)" = 2 ] || fail "README.md has pieces of C++ that are not tested"
piece README.md cpp 1 | show first
piece README.md text 1 | sed 's/[0-9]*-[0-9][0-9]-[0-9][0-9]T[0-9:]*Z/TIME/' | sort >"$work/first/expected.txt"
sort "$work/first/printed.txt" | diff -u "$work/first/expected.txt" -

piece README.md cpp 2 | show second -fno-exceptions -fno-rtti
diff -u - "$work/second/printed.txt" <<'EOF'
[2001:db8::1]:11625 inbound, 0 failures, next attempt TIME
"256.1.1.1" is not a peer address: it ends in a number like an IPv4 address, but is not one
[2001:db8::1]:11625
EOF

# The commands of README.md, each a line, build the same program.
piece README.md sh 1 >"$work/commands"
[ "$(wc -l <"$work/commands")" -eq 2 ] || fail "README.md has other commands than two that compile"
while read -r command; do
  (cd "$work/first" && rm -f my peers.db* && sh -euc "$command") </dev/null
  run first
  sort "$work/first/printed.txt" | diff -u "$work/first/expected.txt" -
done <"$work/commands"

# What the node around it has is made up.
{
  cat <<'EOF'
#include "PeerManager.h"
#include "RandomPeerSource.h"
struct Clock { std::chrono::system_clock::time_point system_now() const { return std::chrono::system_clock::now(); } };
struct App { Clock getClock() const { return {}; } };
int main() {
  App const app;
  stellar::PeerBareAddress const address("8.8.8.8", 11625);
  auto isConnected = [&](stellar::PeerBareAddress const& peer) { return peer == address; };
EOF
  piece stellar_core/README.md cpp 1
  echo '  return toDial.empty() ? 0 : 1; }' # the one peer was reached just now
} | show stellar_core -Istellar_core stellar_core/PeerManager.cpp stellar_core/PeerBareAddress.cpp stellar_core/RandomPeerSource.cpp

if command -v clang++ >/dev/null; then
  views() {
    clang++ -std=c++17 -Wall -Wextra -Werror -I"$INC" -DCASE="$1" -fsyntax-only tests/dangling/views.cpp 2>"$work/views.txt"
  }
  views 0 || fail "$(cat "$work/views.txt")"
  for number in $(sed -n 's/^#elif CASE == //p' tests/dangling/views.cpp); do
    if views "$number"; then fail "clang does not warn of case $number of tests/dangling/views.cpp"; fi
    grep -q 'Werror,-W\(dangling\|return-stack-address\)' "$work/views.txt" || fail "$(cat "$work/views.txt")"
  done
  [ "$number" -ge 6 ]
else
  echo "skipped: views that dangle, because there is no clang++"
fi
