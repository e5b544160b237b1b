"""Looking at one clip: skeleton, crop box, crops and heatmaps, drawn."""
