"""How the two streams meet: a file for each way of fusing, `base.FusionBlock` their common face, `mode` the choice."""
