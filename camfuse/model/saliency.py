"""What a sequence stream's answer rests on: how much each channel at each moment adds to its most likely word."""

import torch
from torch import Tensor

from camfuse.model.recogniser import Recogniser


def sequence_saliency(recogniser: Recogniser, sequence: Tensor) -> Tensor:
    """Return the size of gradient times input for the log-probability of each clip's most likely word.

    Parameters
    ----------
    recogniser
        With a sequence stream, ready for prediction; its parameters and their gradients stay as they are.
    sequence
        (B, F, L), as it takes them.

    Returns
    -------
    Tensor
        (B, F, L), 0 or more: to the first order, by how much the answer would change without that value.

    Raises
    ------
    ValueError
        If the recogniser has no sequence stream.
    """
    if recogniser.sequence is None:
        raise ValueError(f"expected a recogniser with a sequence stream, found one for {recogniser.part}")
    values = sequence.detach().clone().requires_grad_()
    with torch.enable_grad():
        logits = recogniser(sequence=values)["sequence"]
        (gradient,) = torch.autograd.grad(logits.log_softmax(1).amax(1).sum(), values)
    return (gradient * values).abs().detach()
