#!/usr/bin/env bash
# Builds the pages into web/dist, unless nothing in web/ is newer than the last build.
set -euo pipefail
cd "$(dirname "$0")/../web"

built=dist/index.html
if [ -f "$built" ] && [ -z "$(find . -path ./node_modules -prune -o -path ./dist -prune -o -type f -newer "$built" -print -quit)" ]; then
  printf '== The pages are up to date\n'
  exit 0
fi
printf '== Building the pages\n'
npm run --silent build
# Vite keeps the time of copied files, and this one has to be newer than every source.
touch "$built"
