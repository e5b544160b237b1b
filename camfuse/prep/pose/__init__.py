"""From frames to 133 whole-body keypoints: a folder per estimator, named as its config key, and what they share."""
