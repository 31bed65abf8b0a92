#!/usr/bin/env bash
# Installs libjacinth into a temporary prefix with `cargo cinstall`, and builds and runs the examples against the files
# there, in the ways in which C and C++ programs find a library. Not one of cargo's tests, since it needs
# cargo-c, CMake and pkg-config.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in cargo-cinstall:cargo-c cmake:cmake pkg-config:pkg-config readelf:binutils; do
  command -v "${tool%:*}" >/dev/null || {
    echo "${tool%:*} is not here: install ${tool#*:}" >&2
    exit 1
  }
done

cc=${CC:-cc} cxx=${CXX:-c++}
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' ../Cargo.toml)
soname=libjacinth.so.${version%.*}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "package: $*" >&2
  exit 1
}

# A program of the examples: it must run to its end, and link the library as it is said to.
runs() { # PROGRAM shared|static
  local needed words
  needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(libjacinth.*\)\]/\1/p')
  case $2 in
    shared) [ "$needed" = "$soname" ] || fail "$1 needs '$needed', not $soname" ;;
    static) [ -z "$needed" ] || fail "$1 needs '$needed', and should have the library in it" ;;
  esac
  words=$(timeout 60 "$1") || fail "$1 fails"
  grep -q 'nothing lost$' <<<"$words" || fail "$1 says: $words"
  echo "  runs: ${1#"$work"/}, $2"
}

install() { cargo cinstall --release --locked "$@" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }; }

echo "what is installed"
prefix=$work/prefix
install --prefix="$prefix" --libdir=lib
diff -r include "$prefix/include" || fail "the headers that are installed are not those of include/"
lib=$prefix/lib
for link in libjacinth.so "$soname"; do
  [ "$(readlink "$lib/$link")" = "libjacinth.so.$version" ] || fail "$link does not lead to libjacinth.so.$version"
done
readelf -d "$lib/libjacinth.so" | grep -q "(SONAME).*\[$soname\]" || fail "the soname is not $soname"
# Only the calls: other names could clash with those of the program or of other Rust libraries.
others=$(nm -D --defined-only "$lib/libjacinth.so" | awk '{ print $3 }' | grep -vE '^(_?zx_|jacinth_)' || true)
[ -z "$others" ] || fail "libjacinth.so exports more than its calls: $others"

echo "with the compiler alone"
$cc -I "$prefix/include" examples/quickstart.c -L "$lib" -ljacinth -lpthread -o "$work/plain-c"
LD_LIBRARY_PATH=$lib runs "$work/plain-c" shared
$cxx -std=c++17 -I "$prefix/include" examples/quickstart.cc -L "$lib" -ljacinth -lpthread -o "$work/plain-cpp"
LD_LIBRARY_PATH=$lib runs "$work/plain-cpp" shared

echo "with pkg-config"
export PKG_CONFIG_PATH=$lib/pkgconfig
[ "$(pkg-config --modversion jacinth)" = "$version" ] || fail "jacinth.pc is of another version"
# shellcheck disable=SC2046 # pkg-config's output is several words.
$cc examples/quickstart.c $(pkg-config --cflags --libs jacinth) -Wl,-rpath,"$lib" -o "$work/pkg-config-c"
runs "$work/pkg-config-c" shared
# shellcheck disable=SC2046
$cc examples/quickstart.c $(pkg-config --cflags --static --libs jacinth | sed 's/-ljacinth/-l:libjacinth.a/') \
  -o "$work/pkg-config-static"
runs "$work/pkg-config-static" static
# With only the static library installed, no option is needed.
install --prefix="$work/only-static" --libdir=lib --library-type=staticlib
export PKG_CONFIG_PATH=$work/only-static/lib/pkgconfig
# shellcheck disable=SC2046
$cc examples/quickstart.c $(pkg-config --cflags --static --libs jacinth) -o "$work/pkg-config-only-static"
runs "$work/pkg-config-only-static" static

echo "with CMake, in a prefix that has been moved"
# As a distribution does it: made for /usr, put into a folder, and unpacked somewhere else.
install --destdir="$work/dest" --prefix=/usr --libdir=lib64
mv "$work/dest/usr" "$work/moved"
cmake -S examples -B "$work/cmake" -DCMAKE_PREFIX_PATH="$work/moved" -DCMAKE_C_COMPILER="${cc%% *}" \
  -DCMAKE_CXX_COMPILER="${cxx%% *}" >"$work/log" || { cat "$work/log" >&2; exit 1; }
cmake --build "$work/cmake" >"$work/log" || { cat "$work/log" >&2; exit 1; }
runs "$work/cmake/quickstart-c" shared
runs "$work/cmake/quickstart-cpp" shared
runs "$work/cmake/quickstart-static" static

echo "CMake's versions"
mkdir "$work/request"
cat >"$work/request/CMakeLists.txt" <<'EOF'
cmake_minimum_required(VERSION 3.13)
project(request LANGUAGES C)
find_package(jacinth ${REQUEST} CONFIG QUIET)
if(jacinth_FOUND)
  message(STATUS "found ${jacinth_VERSION}")
endif()
EOF
finds() { # REQUEST
  cmake -S "$work/request" -B "$work/request/build" -DCMAKE_PREFIX_PATH="$work/moved" -DREQUEST="${1// /;}" \
    >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  sed -n 's/^-- found //p' "$work/log"
}
IFS=. read -r major minor patch <<<"$version"
for request in "" "$major" "$major.$minor" "$version" "$version EXACT"; do
  [ "$(finds "$request")" = "$version" ] || fail "find_package(jacinth $request) does not find $version"
done
for request in "$major.$((minor + 1))" "$((major + 1)).0" "$major.$minor.$((patch + 1))"; do
  [ -z "$(finds "$request")" ] || fail "find_package(jacinth $request) finds $version"
done

echo "the package is as it should be"
