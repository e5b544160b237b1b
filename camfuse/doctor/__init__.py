"""`camfuse doctor`: what is installed and works here, and what to do about what does not."""
