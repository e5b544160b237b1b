"""Files of trained weights that a config names."""
