#!/usr/bin/env bash
# the wheel's metadata asks for packages that Holistic does not use (envs/mediapipe.txt)
set -euo pipefail
"$CONDA_PREFIX/bin/python" -m pip install --no-deps mediapipe==0.10.21
