"""Where the streams of a fused model look in one sign."""

import torch

from camfuse.data.inputs import Inputs
from camfuse.model.attention import read_attention
from camfuse.predict.enrolled import EnrolledNetwork
from camfuse.predict.recognise import TrainedModel
from camfuse.predict.torch_network import TorchNetwork
from camfuse.report.attention import attention_sheet, sum_up
from camfuse.show.draw import Image


def draw_looks(model: TrainedModel, inputs: Inputs) -> Image | None:
    """Draw the first sampling of a sign; None where the model has no attention between images and heatmaps."""
    network = model.network.network if isinstance(model.network, EnrolledNetwork) else model.network
    if not isinstance(network, TorchNetwork) or not {"rgb", "heatmaps"} <= inputs.keys():
        return None
    recogniser = network.model
    device = next(recogniser.parameters()).device
    one = {name: torch.from_numpy(values[:1]).to(device) for name, values in inputs.items()}
    with torch.inference_mode(), read_attention(recogniser) as maps:
        recogniser(**one)
    if not maps:
        return None
    rgb, heatmaps, zoomed = one["rgb"][0].cpu(), one["heatmaps"][0].cpu(), model.config.heatmaps.hands is not None
    return attention_sheet("Where the streams look", "one sampling", rgb, heatmaps, sum_up(maps), zoomed=zoomed)
