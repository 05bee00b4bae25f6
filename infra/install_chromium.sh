#!/bin/bash
# Chromium on Debian or Ubuntu, as root: what the tests of the report in a real browser need.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -y --no-install-recommends install chromium
chromium --version
