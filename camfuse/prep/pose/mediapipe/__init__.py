"""Estimator `mediapipe`: MediaPipe Holistic, for any video on any machine."""
