"""What the messages of ST-CAF carry, on unseen signers: each head with them, without them, and with another clip's.

    python -m benchmarks.messages --data DIR --sets asl24 --seeds 1

The fused models are those that `real_people` trains; what its --work has is not trained again. A stream that is told
another clip's messages shows what it takes from them: if it answers that clip's word, they carry the word.
"""

import argparse
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # without it, torch is many times slower on a busy machine

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.real_people_grids import ROWS, Grids, task_of
from benchmarks.real_people_sets import SETS
from camfuse.data.batch import collate, inputs_of
from camfuse.data.dataset import ClipDataset
from camfuse.files import write_text
from camfuse.model.attention import AttentionMap, read_attention
from camfuse.model.checkpoint import load_trained
from camfuse.model.fusion.sequence_exchange import SequenceExchange
from camfuse.model.fusion.st_caf import CrossModalFusion
from camfuse.model.recogniser import Recogniser
from camfuse.run.layout import Run

HERE = Path(__file__).parent
SAME, OTHER = "of the same word", "of another word"
WAYS = ("as trained", "none", SAME, OTHER)
"""Which messages a stream is told: its clip's, none, or those of another clip."""
FUSED = [title for title, fused in ROWS.items() if fused.mode == "divided"]
Labels = NDArray[np.int64]
Change = Callable[[Tensor], Tensor]


def main() -> None:
    options = arguments().parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    sections = []
    for name in options.sets:
        people = SETS[name].read(options.data, options.work)
        grids = Grids(SETS[name], people, options.work / "runs" / name)
        for title in FUSED:
            if ROWS[title].needs_videos and not people.has_videos:
                continue
            found = [
                told(grids.trained_run(ROWS[title], task_of(people, fold), seed))
                for fold in people.folds
                for seed in options.seeds
            ]
            sections.append(section(f"{SETS[name].title}; {title}", found))
            print(sections[-1], flush=True)
    write_text(options.output, TEMPLATE.format(sections="\n\n".join(sections)))


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/ and keypoints/")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=["asl24"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--work", type=Path, default=Path("results/real_people"), help="that of `real_people`")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "messages.md")
    return parser


@dataclass(frozen=True)
class Told:
    """What one fused model's heads say of its test clips.

    Attributes
    ----------
    labels
        (n,) of the clips.
    senders
        By way, (n,): whose messages each clip's streams were told.
    answers
        By way and head, (n,): the most likely class.
    sizes
        By stream and place: how large the messages are beside the features that they are added to.
    looks
        By who looks at what: the share of its keys that a query looks at, by the entropy of its weights; 1: all alike.
    """

    labels: Labels
    senders: dict[str, Labels]
    answers: dict[tuple[str, str], Labels]
    sizes: dict[str, float]
    looks: dict[str, float]


def told(run: Run) -> Told:
    """Ask a fused model for its test clips with each of `WAYS`; views of a clip are averaged, as in every test."""
    model = load_trained(run.training("fusion").best, "fusion", run.config, run.classes()).recogniser()
    rows = run.clips()
    dataset = ClipDataset(
        rows[rows["split"] == "test"], run, part="fusion", augment=False, samplings=run.config.evaluate.samplings
    )
    batch = collate([dataset[row] for row in range(len(dataset))])
    given = {name: values for name, values in inputs_of(batch).items() if values is not None}
    inputs = {name: values.unflatten(0, (len(dataset), -1)) for name, values in given.items()}  # (B V, ...)
    labels, views = np.array(dataset.labels), range(dataset.samplings)
    senders = {way: partners(labels, way) for way in WAYS}
    answers: dict[tuple[str, str], Labels] = {}
    for way in WAYS:
        with torch.inference_mode(), changed_messages(model, change_of(way, senders[way])):
            seen = [model(**{name: values[:, view] for name, values in inputs.items()}) for view in views]
        for head in seen[0]:
            mean = torch.stack([logits[head].float().softmax(1) for logits in seen]).mean(0)
            answers[way, head] = mean.argmax(1).numpy()
    with torch.inference_mode(), measured_messages(model) as sizes, read_attention(model) as maps:
        model(**{name: values[:, 0] for name, values in inputs.items()})
    looks = {f"{one.queries} in {one.keys}, {one.stage} {one.kind}": share_of_keys(one) for one in maps}
    return Told(labels, senders, answers, sizes, looks)


def partners(labels: Labels, way: str) -> Labels:
    """Return whose messages each clip gets: itself where there is no other of that kind."""
    rng, own = np.random.default_rng(0), np.arange(len(labels))
    if way not in (SAME, OTHER):
        return own
    wanted = labels[:, None] == labels if way == SAME else labels[:, None] != labels
    wanted = wanted & ~np.eye(len(labels), dtype=bool)
    return np.array([rng.choice(np.flatnonzero(row)) if row.any() else clip for clip, row in enumerate(wanted)])


def change_of(way: str, senders: Labels) -> Change:
    if way == "none":
        return torch.zeros_like
    return lambda messages: messages[torch.from_numpy(senders)]


@contextmanager
def changed_messages(model: Recogniser, change: Change) -> Iterator[None]:
    """Within this context each message (B, ...) is what `change` makes of it."""
    with ExitStack() as hooks:
        for layer in senders_of(model):
            hooks.enter_context(layer.register_forward_hook(lambda _layer, _inputs, told: change(told)))
        yield


def senders_of(model: Recogniser) -> list[nn.Module]:
    """Return the layers that messages come out of, batch first."""
    layers: list[nn.Module] = []
    for module in model.modules():
        if isinstance(module, CrossModalFusion):
            layers += [module.out_rgb, module.out_pose]
        elif isinstance(module, SequenceExchange):
            layers += [module.out_grid, module.out_sequence]
    return layers


@contextmanager
def measured_messages(model: Recogniser) -> Iterator[dict[str, float]]:
    """Collect, of each pass in this context, how large messages are beside the features: ratio of root mean squares."""
    sizes: dict[str, float] = {}

    def between_grids(stage: str) -> Callable[..., None]:
        def note(_module: nn.Module, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, Tensor]) -> None:
            for name, before, after in zip(("RGB", "pose"), inputs, outputs, strict=False):
                sizes[f"{name}, {stage}"] = ratio(after - before, before)

        return note

    def of_sequence(grid: str) -> Callable[..., None]:
        def note(_module: nn.Module, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, Tensor]) -> None:
            sizes[f"{grid}, from the sequence"] = ratio(outputs[0], inputs[0])
            sizes[f"sequence, from {grid}"] = ratio(outputs[1], inputs[1])

        return note

    with ExitStack() as hooks:
        for stage, block in model.fusion.items():
            hooks.enter_context(block.register_forward_hook(between_grids(stage)))
        for grid, exchange in (model.exchange or {}).items():
            hooks.enter_context(exchange.register_forward_hook(of_sequence({"rgb": "RGB"}.get(grid, grid))))
        yield sizes


def share_of_keys(one: AttentionMap) -> float:
    """Return the mean of exp(entropy) / M over the queries that see any of their M keys."""
    weights_NM = one.weights.flatten(one.first_key_axis).flatten(0, -2)
    seen = weights_NM[weights_NM.sum(-1) > 0.5]
    entropy = -(seen * seen.clamp_min(1e-12).log()).sum(-1)
    return float(entropy.exp().mean() / weights_NM.shape[-1])


def ratio(message: Tensor, features: Tensor) -> float:
    return float(message.float().square().mean().sqrt() / features.float().square().mean().sqrt())


# ------------------------------------------------------------------------------------------- the page


def section(title: str, found: list[Told]) -> str:
    """Return the table of all folds and seeds of one fused model."""
    heads = [head for way, head in found[0].answers if way == WAYS[0]]
    lines = [
        f"## {title}",
        "",
        f"{sum(len(one.labels) for one in found)} answers of {len(found)} trainings. Right, in percent; in brackets "
        "the sender's word instead:",
        "",
        "| messages | " + " | ".join(heads) + " |",
        "|---|" + "---|" * len(heads),
    ]
    for way in WAYS:
        cells = []
        for head in heads:
            right = np.concatenate([one.answers[way, head] == one.labels for one in found])
            follows = np.concatenate([one.answers[way, head] == one.labels[one.senders[way]] for one in found])
            other = f" ({100 * follows.mean():.1f})" if way == OTHER else ""
            cells.append(f"{100 * right.mean():.1f}{other}")
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    sizes = means([one.sizes for one in found])
    looks = means([one.looks for one in found])
    return "\n".join(
        [
            *lines,
            "",
            f"Size of the messages beside the features they are added to: {sizes}.",
            "",
            f"Share of the keys that a query looks at: {looks}.",
        ]
    )


def means(found: list[dict[str, float]]) -> str:
    return ", ".join(f"{name} {np.mean([one[name] for one in found]):.2f}" for name in found[0])


TEMPLATE = """# What the messages of ST-CAF carry

Written by the command

    python -m benchmarks.messages --data DIR

Each test clip of the fused models of `real_people` is asked with its own messages, without any, and with another
clip's. What follows from it stands in [streams](real_people_streams.md).

{sections}
"""

if __name__ == "__main__":
    main()
