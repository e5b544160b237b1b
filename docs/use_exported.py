"""Use a model of `camfuse export` without CAMFuse: python use_exported.py model.onnx clip.npz (numpy, onnxruntime)."""

import json
import sys

import numpy as np
import onnxruntime
from use_exported_sequence import answer, channels, drawn, sampled

session = onnxruntime.InferenceSession(sys.argv[1])
facts = json.loads(session.get_modelmeta().custom_metadata_map["camfuse"])
clip = np.load(sys.argv[2])  # crops (T, S, S, 3) uint8, RGB; keypoints (T, 133, 3): x, y in crop pixels, score
pose = np.linspace(*sampled(clip["keypoints"], facts), facts["config"]["sampling"]["pose_frames"]).round().astype(int)
groups = pose.reshape(facts["config"]["sampling"]["rgb_frames"], -1)  # of each the middle frame is seen as an image
points, sigma = np.nan_to_num(drawn(clip["keypoints"], facts)[pose]), facts["config"]["heatmaps"]["sigma"]
away = np.arange(clip["crops"].shape[1] // 4) - ((points[..., :2, None] + 0.5) / 4 - 0.5)  # (P, 133, 2, S / 4)
across, down = np.moveaxis(np.exp(-((away / sigma) ** 2) / 2) * (abs(away) <= 3 * sigma), 2, 0)
maps = 255 * points[..., 2].clip(0, 1)[..., None, None] * down[..., :, None] * across[..., None, :]
rgb, heatmaps = clip["crops"][groups[:, groups.shape[1] // 2]].transpose(3, 0, 1, 2), maps.swapaxes(0, 1)
given = {"rgb": rgb[None], "heatmaps": heatmaps.round().astype(np.uint8)[None]}
given["sequence"] = channels(clip["keypoints"], facts, 1) if "sequence" in facts["inputs"] else None
logits = session.run(None, {name: given[name] for name in facts["inputs"]})[: len(facts["heads"])]
probabilities = answer(logits, facts)  # of one sampling; `camfuse predict` takes the mean of several
for index in probabilities.argsort()[::-1][:5]:
    print(facts["classes"][index], f"{probabilities[index]:.3f}")
