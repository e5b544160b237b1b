"""From the heads' probabilities to those of the result table's rows."""

from torch import Tensor

from camfuse.config import STREAMS
from camfuse.evaluate.rows import FUSED, LATE, ROWS
from camfuse.metrics import weighted_mean
from camfuse.predict.probabilities import HeadPredictions

Weights = dict[str, dict[str, float]]
"""Of the probabilities behind the rows `fused` and `late`, by head or stream."""


def row_sources(predictions: HeadPredictions) -> dict[str, dict[str, Tensor]]:
    """Return the probabilities that are averaged for the rows `fused` and `late`, as far as there are these rows."""
    sources = {FUSED: predictions.of("fusion"), LATE: _alone(predictions)}
    return {row: heads for row, heads in sources.items() if len(heads) > (row == LATE)}


def _alone(predictions: HeadPredictions) -> dict[str, Tensor]:
    return {head: values for stream in STREAMS for head, values in predictions.of(stream).items()}


def combine(predictions: HeadPredictions, weights: Weights) -> dict[str, Tensor]:
    """Return the probabilities (n, C) of each row of the result table.

    Parameters
    ----------
    predictions
        What every head found.
    weights
        Of what `row_sources` gives.
    """
    rows = _alone(predictions)
    rows |= {f"fusion/{head}": values for head, values in predictions.of("fusion").items()}
    for row, heads in row_sources(predictions).items():
        rows[row] = weighted_mean(heads, [weights[row][head] for head in heads])
    return {name: rows[name] for name in ROWS if name in rows}
