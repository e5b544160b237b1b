"""Estimator `rtmlib`: RTMW and RTMPose whole-body through rtmlib (docs/rtmlib.md)."""
