"""The recogniser: two 3D ResNets and the cross-attention between them."""
