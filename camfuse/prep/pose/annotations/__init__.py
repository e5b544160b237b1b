"""Estimator `annotations`: keypoints that exist already, in files."""
