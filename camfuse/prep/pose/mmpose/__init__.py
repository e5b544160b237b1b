"""Estimator `mmpose`: HRNet whole-body through MMPose, the kind of keypoints that the paper has (docs/mmpose.md)."""
