"""Where the streams of a fused model look in one sign."""

import torch

from camfuse.data.inputs import Inputs
from camfuse.model.attention import read_attention
from camfuse.predict.enrolled import EnrolledNetwork
from camfuse.predict.recognise import TrainedModel
from camfuse.predict.torch_network import TorchNetwork
from camfuse.report.attention import attention_sheet
from camfuse.show.draw import Image


def draw_looks(model: TrainedModel, inputs: Inputs) -> Image | None:
    """Draw the first sampling of a sign; None where no stream of the model looks at another."""
    network = model.network.network if isinstance(model.network, EnrolledNetwork) else model.network
    if not isinstance(network, TorchNetwork):
        return None
    recogniser = network.model
    device = next(recogniser.parameters()).device
    one = {name: torch.from_numpy(values[:1]).to(device) for name, values in inputs.items()}
    with torch.inference_mode(), read_attention(recogniser) as maps:
        recogniser(**one)
    if not maps:
        return None
    grids = {name: one[name][0] for name in ("rgb", "heatmaps") if name in one}
    zoomed = model.config.heatmaps.hands is not None
    return attention_sheet("Where the streams look", "one sampling", maps, **grids, zoomed=zoomed)
