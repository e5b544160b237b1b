"""From frames to 133 whole-body keypoints: one file per estimator, one contract (`estimator`)."""
