#!/usr/bin/env bash
# Installs what is missing, through the system's own package managers, and says what it does. The second
# time it finds everything in place and needs no network.
#   tools/setup.sh run    what building and running need
#   tools/setup.sh test   that, and what the tests need
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-run}
say() { printf '== %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Running: poppler draws the pages of documents. Word, PowerPoint and Excel files need LibreOffice besides
# (libreoffice-impress, -writer, -calc: 500 MB), which is not installed here; without it the page says so.
# Building: ffmpeg-next binds to FFmpeg's own headers (clang reads them), ring compiles C.
packages=(gcc libc6-dev pkg-config clang libclang-dev
  libavcodec-dev libavformat-dev libavutil-dev libswscale-dev
  libswresample-dev
  poppler-utils)
# Tests: two browsers, ffprobe, Vietnamese speech, a network of their own, GStreamer as a WHIP publisher.
if [ "$what" = test ]; then
  packages+=(ffmpeg chromium firefox-esr espeak-ng iproute2 util-linux
    python3 python3-gst-1.0 gir1.2-gst-plugins-bad-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good
    gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav gstreamer1.0-nice)
fi

for tool in cargo node npm; do
  command -v "$tool" >/dev/null || fail "$tool is missing. Install Rust (1.95 or later) and Node (20 or later) first."
done
# --locked node modules of Vite need at least this.
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || fail "Node 20 or later is needed, this is $(node --version)."

missing=()
if command -v dpkg-query >/dev/null; then
  for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
else
  say "This is not Debian: install by yourself what corresponds to: ${packages[*]}"
fi
if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "Packages are missing and this user may not install them. As root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing with apt-get: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# Installs the packages of one package-lock.json unless exactly those are installed.
web_packages() {
  local dir=$1 stamp lock
  [ -f "$dir/package-lock.json" ] || fail "$dir/package-lock.json is missing: this checkout is not complete."
  stamp=$dir/node_modules/.installed-lock
  lock=$(sha256sum <"$dir/package-lock.json")
  if [ "$(cat "$stamp" 2>/dev/null || true)" != "$lock" ]; then
    say "Installing web packages of $dir with npm ci"
    (cd "$dir" && npm ci --no-audit --no-fund --loglevel=error)
    printf '%s\n' "$lock" >"$stamp"
  fi
}
web_packages web
if [ "$what" = test ]; then
  web_packages tests/browser
fi

say "Everything that '$what' needs is installed"
