#!/bin/bash
# Godot 3, a virtual screen and software OpenGL on Debian or Ubuntu, as root: what --engine godot3 needs.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -y --no-install-recommends install godot3-runner xvfb xauth libgl1-mesa-dri libgl1
godot3-runner --version
