"""Run by `test_export.py` with MMAction2 on the path: load a pickle of ours, draw heatmaps; print the outcome.

python mmaction_heatmaps.py PICKLE
"""

import json
import sys

import numpy as np
from mmaction_peer import import_mmaction

PIPELINE = [
    {"type": "UniformSampleFrames", "clip_len": 8},
    {"type": "PoseDecode"},
    {"type": "PoseCompact", "hw_ratio": 1.0, "allow_imgpad": True},
    {"type": "Resize", "scale": (64, 64), "keep_ratio": False},
    {"type": "GeneratePoseTarget", "sigma": 0.6, "use_score": True, "with_kp": True, "with_limb": False},
    {"type": "FormatShape", "input_format": "NCTHW_Heatmap"},
]


def main(pickle: str) -> None:
    """Print the number of clips, and of the first its label, its heatmaps' shape and their peak."""
    import_mmaction()
    from mmaction.datasets import PoseDataset
    from mmengine.registry import init_default_scope

    init_default_scope("mmaction")
    vars(np)["Inf"] = np.inf  # MMAction2 1.2.0's PoseCompact is of numpy 1's time
    data = PoseDataset(ann_file=pickle, pipeline=PIPELINE, split="train", test_mode=True)
    first = data[0]
    found = {"clips": len(data), "label": int(first["label"]), "shape": first["imgs"].shape}
    print(json.dumps(found | {"peak": float(first["imgs"].max())}))


if __name__ == "__main__":
    main(sys.argv[1])
