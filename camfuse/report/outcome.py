"""The result table, and what is said of it."""

from camfuse.evaluate.result_text import (
    missing_text,
    percent,
    result_caption,
    result_cells,
    signers_text,
    untrained_text,
    weights_text,
)
from camfuse.evaluate.results import Results
from camfuse.report.tables import Table


def result_table(results: Results) -> Table:
    """Set the results as the paper's table has them."""
    head, *rows = result_cells(results)
    strong = frozenset({list(results.rows).index(results.main)})
    return Table(result_caption(results), head, rows, strong=strong)


def describe_results(results: Results) -> str:
    """Say how the numbers of the result table came about."""
    union = percent(results.rows[results.main].class_accuracy_union)
    fused = (
        "Each stream is trained alone too, late fusion weights these, fused weights the heads of the fused model."
        if "fused" in results.rows
        else ""
    )
    said = [
        f"Each clip is sampled {results.samplings} times and the probabilities are averaged.",
        fused,
        *weights_text(results),
        "Top-k counts every clip the same, class top-k every class that has clips; PYSKL's and MMAction2's mean class "
        f"accuracy also counts classes that are only predicted, as 0: {union} for the row in bold.",
        "The interval is Wilson's, over the clips; it does not say how much another seed would change.",
    ]
    return " ".join(sentence for sentence in said if sentence)


def describe_signers(results: Results) -> str:
    """Say whether the tested people were trained on; empty where that was not counted."""
    return " ".join(signers_text(results))


def describe_missing(results: Results) -> str:
    """Say which test clips are missing, the numbers with them, and which words no clip was left to train on."""
    said, untrained = missing_text(results), untrained_text(results)
    if not said:
        return " ".join(untrained)
    lists = ["evaluate/results.json, and Clips below"] if results.missing.left_out else []
    lists += ["clips/missing.csv"] if results.missing.not_on_disk else []
    return " ".join([*said, f"They are listed in {' and in '.join(lists)}.", *untrained])
