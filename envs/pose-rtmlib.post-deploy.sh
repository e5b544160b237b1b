#!/usr/bin/env bash
# what conda's pip section cannot say: --no-deps (envs/rtmlib.txt)
set -euo pipefail
"$CONDA_PREFIX/bin/python" -m pip install --no-deps rtmlib==0.0.16
