"""A page on which people try a trained model: a video or a camera in, the answer and how it came about out."""
