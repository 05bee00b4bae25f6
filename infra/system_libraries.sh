#!/usr/bin/env bash
# opencv-python wants two libraries that desktops have and slim containers lack. Installs them where it may, else says how.
# usage: infra/system_libraries.sh PYTHON
set -euo pipefail
python="$1"
if "$python" -c 'import cv2' 2>/dev/null; then exit 0; fi
packages="libgl1 libglib2.0-0"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
  "$python" -c 'import cv2'
else
  echo "opencv cannot load its system libraries; run: sudo apt-get install $packages" >&2
  exit 1
fi
