"""CAMFuse: cross-attention modal fusion of RGB and whole-body pose for sign language recognition."""

__version__ = "0.1.0"
