#!/usr/bin/env bash
# Fetches the library ONNX Runtime, which the classifier runs on: the pinned wheel from the Python package index, of which only the
# library is kept. Safe to run again. Prints where the library is; Tamiz looks there by itself.
#
#   scripts/onnxruntime.sh [DIRECTORY]     default: $XDG_DATA_HOME/tamiz/onnxruntime/VERSION (or ~/.local/share/…)
#
# For a GPU, or OpenVINO, take the library of the wheel onnxruntime-gpu or onnxruntime-openvino instead, and name it with
# `classifier.library` (docs/classifier.md).
set -euo pipefail

version=1.32.0
say() { printf 'onnxruntime: %s\n' "$*" >&2; }
fail() {
    say "$@"
    exit 1
}

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64)
        platform=manylinux_2_28_x86_64
        hash=5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d
        ;;
    Linux-aarch64)
        platform=manylinux_2_28_aarch64
        hash=2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c
        ;;
    *) fail "no library is pinned for $(uname -s) on $(uname -m): install ONNX Runtime $version yourself and name it with classifier.library" ;;
esac

folder=${1:-${XDG_DATA_HOME:-$HOME/.local/share}/tamiz/onnxruntime/$version}
library=$folder/libonnxruntime.so.$version
if [ -s "$library" ]; then
    echo "$library"
    exit 0
fi
command -v python3 >/dev/null || fail "python3 is missing: it fetches the wheel"
python3 -m pip --version >/dev/null 2>&1 || fail "pip is missing: it fetches the wheel (Debian: python3-pip)"

draft=$(mktemp -d)
trap 'rm -rf "$draft"' EXIT
say "fetching version $version (27 MB)"
# The wheel of one Python, whichever is here: only the library in it is used.
echo "onnxruntime==$version --hash=sha256:$hash" >"$draft/requirements.txt"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
    --python-version 3.11 --implementation cp --abi cp311 --platform "$platform" \
    --dest "$draft" --requirement "$draft/requirements.txt" || fail "the wheel could not be fetched; Tamiz works without, by rules and its linear stage"
python3 - "$draft"/onnxruntime-*.whl "onnxruntime/capi/libonnxruntime.so.$version" "$draft/library" <<'PYTHON'
import sys, zipfile
wheel, member, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive, open(target, "wb") as out:
    out.write(archive.read(member))
PYTHON
mkdir -p "$folder"
# Whole at once: nobody sees half a library.
mv "$draft/library" "$library.tmp" && mv "$library.tmp" "$library"
echo "$library"
