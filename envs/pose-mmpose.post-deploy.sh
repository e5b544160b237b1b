#!/usr/bin/env bash
# what conda's pip section cannot say: --no-deps and a build against this numpy (envs/mmpose.txt, envs/mmpose-build.txt)
set -euo pipefail
"$CONDA_PREFIX/bin/python" -m pip install --no-deps --no-build-isolation --no-binary xtcocotools xtcocotools==1.14.3
"$CONDA_PREFIX/bin/python" -m pip install --no-deps mmengine==0.10.7 mmcv-lite==2.1.0 mmdet==3.3.0 mmpose==1.3.2
