#!/bin/bash
# Godot 4 without root: Debian's packages, unpacked into a folder. Nothing else on the machine is touched.
#
#   bash infra/install_godot4.sh PREFIX [SUITE]     SUITE: forky (default) or sid; 171 MB to fetch, 650 MB on disk
#   export PATH=PREFIX:$PATH                        then `godot4` runs
#
# Debian stable has no Godot 4. The program and all its libraries, the C library included, come from SUITE and are
# started through that suite's own loader, so they do not mix with the machine's. Xvfb is the machine's: apt-get install xvfb.
set -euo pipefail

[ $# -ge 1 ] || { sed -n 2,5p "$0"; exit 2; }
command -v apt-get >/dev/null || { echo "install_godot4.sh: apt-get is missing: this needs Debian or Ubuntu" >&2; exit 3; }
PREFIX=$(realpath -m "$1")
SUITE=${2:-forky}
APT=$PREFIX/.apt
mkdir -p "$APT/lists/partial" "$APT/cache/archives/partial" "$APT/state" "$PREFIX/root"
: > "$APT/status"

MIRROR=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -1 || true) # the one this machine uses
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${MIRROR:-http://deb.debian.org/debian} $SUITE main" > "$APT/sources.list"
OPTIONS=(
    -o "Dir::State=$APT/state" -o "Dir::State::Lists=$APT/lists" -o "Dir::State::status=$APT/status"
    -o "Dir::Cache=$APT/cache" -o "Dir::Etc::sourcelist=$APT/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferencesparts=/dev/null -o APT::Install-Recommends=false -o Debug::NoLocking=1
)
apt-get "${OPTIONS[@]}" -qq update
apt-get "${OPTIONS[@]}" -qq -y --download-only install godot libgl1 libegl1 libgl1-mesa-dri libgles2 mesa-vulkan-drivers libvulkan1
for package in "$APT"/cache/archives/*.deb; do
    dpkg -x "$package" "$PREFIX/root"
done
rm -rf "$APT"

cat > "$PREFIX/godot4" <<WRAPPER
#!/bin/bash
ROOT=$PREFIX/root
LIBRARIES=\$ROOT/usr/lib/x86_64-linux-gnu
export LIBGL_DRIVERS_PATH=\$LIBRARIES/dri GBM_BACKENDS_PATH=\$LIBRARIES/gbm
export __EGL_VENDOR_LIBRARY_FILENAMES=\${__EGL_VENDOR_LIBRARY_FILENAMES:-\$ROOT/usr/share/glvnd/egl_vendor.d/50_mesa.json}
export VK_DRIVER_FILES=\${VK_DRIVER_FILES:-\$ROOT/usr/share/vulkan/icd.d/lvp_icd.json}
export XKB_CONFIG_ROOT=\$ROOT/usr/share/X11/xkb XLOCALEDIR=\$ROOT/usr/share/X11/locale
exec "\$LIBRARIES/ld-linux-x86-64.so.2" --library-path "\$LIBRARIES:\$LIBRARIES/pulseaudio:\$LIBRARIES/blas:\$LIBRARIES/lapack" \\
    --argv0 godot4 "\$ROOT/usr/bin/godot" "\$@"
WRAPPER
chmod +x "$PREFIX/godot4"
"$PREFIX/godot4" --version
