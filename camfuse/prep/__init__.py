"""From videos to heatmaps: one module per stage. No torch in here but inside an estimator."""
