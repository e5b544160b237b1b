"""Words added to a trained model without training: their clips' features, and a model that answers with them too."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from camfuse.clips.labels import normal_label
from camfuse.data.inputs import Inputs
from camfuse.errors import WeightsError
from camfuse.files import atomic
from camfuse.predict.calibration import Calibration
from camfuse.predict.facts import ModelFacts
from camfuse.predict.feature_space import FeatureSpace, checkpoint_hash, read_arrays
from camfuse.predict.network import Network

log = logging.getLogger(__name__)

FILE = "enrolled.npz"
"""Its name in the training's folder, beside ``best.ckpt``."""


class FeatureNetwork(Network, Protocol):
    """A model that shows the features that its heads see."""

    def features(self, inputs: Inputs) -> NDArray[np.float32]:
        """Return the pooled features (V, D) of the V samplings of one clip."""
        ...


@dataclass(frozen=True)
class EnrolledWords:
    """The clips of added words, in the order in which they came.

    Attributes
    ----------
    weights
        Hash of the checkpoint whose features they are.
    words
        Of each of the n clips.
    features
        (n, D).
    clips
        SHA-256 of each of the n videos; empty where it is not known, as in files of earlier versions.
    """

    weights: str
    words: tuple[str, ...] = ()
    features: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    clips: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.clips:
            object.__setattr__(self, "clips", ("",) * len(self.words))

    @property
    def labels(self) -> tuple[str, ...]:
        """Each added word once, in the order in which they came."""
        return tuple(dict.fromkeys(self.words))

    def with_clips(self, word: str, features: NDArray[np.float32], clips: Sequence[str] | None = None) -> Self:
        """Return these with further clips (n, D) of a word, and the SHA-256 of each where it is known."""
        rows = np.concatenate([self.features, features]) if self.words else features
        hashes = (*self.clips, *(clips or [""] * len(features)))
        return replace(self, words=(*self.words, *[word] * len(features)), features=rows, clips=hashes)

    def without(self, word: str) -> Self:
        """Return these without the clips of a word."""
        kept = [number for number, one in enumerate(self.words) if one != word]
        words, clips = (tuple(values[number] for number in kept) for values in (self.words, self.clips))
        return replace(self, words=words, features=self.features[kept], clips=clips)

    def word_of(self, clip: str) -> str | None:
        """Return the word that a video of this SHA-256 was enrolled as; None where it was not."""
        return dict(zip(self.clips, self.words, strict=True)).get(clip)

    def places(self, space: FeatureSpace) -> NDArray[np.float64]:
        """Return the place (E, D) of each added word: the mean of its clips' places, brought to length 1."""
        placed, of = space.place(self.features), np.array(self.words)
        means = np.stack([placed[of == label].mean(0) for label in self.labels])
        return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12))

    def save(self, folder: Path) -> None:
        """Write them into a training's folder; remove the file where there are none."""
        path = folder / FILE
        if not self.words:
            path.unlink(missing_ok=True)
            return
        with atomic(path) as part, part.open("wb") as file:
            words, clips = np.array(self.words), np.array(self.clips)
            np.savez(file, weights=self.weights, words=words, features=self.features, clips=clips)

    @classmethod
    def stored(cls, checkpoint: Path) -> Self | None:
        """Read the words of a checkpoint, whichever weights they were enrolled with; None where there is no file.

        Raises
        ------
        WeightsError
            If the file is damaged.
        """
        path = checkpoint.with_name(FILE)
        if not path.is_file():
            return None
        values = read_arrays(path, ("weights", "words", "features"), ("clips",))
        words, clips = values["words"], values.get("clips", np.full(values["words"].shape, ""))
        if values["features"].ndim != 2 or not words.shape == clips.shape == values["features"].shape[:1]:
            raise WeightsError(
                f"{path}: expected a word for each clip's features, found otherwise; delete it and enroll again"
            )
        return cls(str(values["weights"]), tuple(words.tolist()), values["features"], tuple(clips.tolist()))

    @classmethod
    def beside(cls, checkpoint: Path, weights: str) -> Self:
        """Read the words of a checkpoint; none, with a warning, where they were enrolled with other weights.

        Raises
        ------
        WeightsError
            If the file is damaged.
        """
        found = cls.stored(checkpoint)
        if found is None:
            return cls(weights)
        if found.weights != weights:
            note = "this model was trained again since %s were enrolled: enroll them again, or forget them"
            log.warning(f"%s: {note}", checkpoint.with_name(FILE), ", ".join(found.labels))
            return cls(weights)
        return found


class EnrolledNetwork:
    """A model with added words: to prediction, one that knows them all.

    Parameters
    ----------
    network
        The trained model.
    space
        Of its features.
    enrolled
        The added words, one or more.
    only
        Whether the trained words are left out of the answers.

    Raises
    ------
    WeightsError
        If the trained words shall be answered and have no place in the space.
    """

    def __init__(self, network: FeatureNetwork, space: FeatureSpace, enrolled: EnrolledWords, *, only: bool) -> None:
        if not only and len(space.means) == 0:
            raise WeightsError(
                f"{', '.join(enrolled.labels)}: enrolled without the run's clips, so that they cannot be weighed "
                "against the trained words: use --only-enrolled, or enroll once where the run's shards are"
            )
        facts = network.facts
        if len(space.means) not in (0, len(facts.classes)):
            raise WeightsError(f"expected places of {len(facts.classes)} trained words, found {len(space.means)}")
        self._network, self._space, self._only = network, space, only
        self._places = enrolled.places(space)
        classes = enrolled.labels if only else (*facts.classes, *enrolled.labels)
        # the answer is calibrated already; the threshold was chosen for trained words: others alone have none
        chosen = Calibration() if only else replace(facts.calibration, temperature=1.0, weights=None)
        self._facts = replace(facts, classes=classes, heads={"words": 1.0}, calibration=chosen)

    @property
    def network(self) -> FeatureNetwork:
        """The trained model without the added words."""
        return self._network

    @property
    def facts(self) -> ModelFacts:
        """What travels with the model, its words those that are answered."""
        return self._facts

    def probabilities(self, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        """Return the probabilities (1, C + E), or of the added words alone (1, E)."""
        features = self._network.features(inputs).mean(0)
        if self._only:
            return {"words": self._space.added_alone(features, self._places)[None]}
        trained = self._network.facts.combined(self._network.probabilities(inputs))
        return {"words": self._space.together(features, self._places, trained)[None]}


Added = tuple[FeatureSpace, EnrolledWords]
"""Added words, and the space in which they lie."""


def added_values(space: FeatureSpace, enrolled: EnrolledWords) -> dict[str, Any]:
    """Return added words as plain values, for a file to give away: where each lies, nothing of its single clips."""
    return {
        "weights": space.weights,
        "words": list(enrolled.labels),
        "places": _plain(enrolled.places(space)),
        "centre": _plain(space.centre),
        "scale": _plain(space.scale),
        "means": _plain(space.means),
        "temperature": space.temperature,
    }


def added_of(values: Mapping[str, Any]) -> Added:
    """Take added words out of what `added_values` gave.

    Raises
    ------
    ValueError, KeyError, TypeError
        If something is missing, or does not fit.
    """
    words = tuple(str(word) for word in values["words"])
    centre, scale, places = (np.array(values[name], np.float32) for name in ("centre", "scale", "places"))
    size = len(centre)
    means = np.array(values["means"], np.float32).reshape(-1, size)
    temperature = float(values["temperature"])
    if not (words and len(set(words)) == len(words) and places.shape == (len(words), size) and scale.shape == (size,)):
        raise ValueError(f"{len(words)} words with places of shape {places.shape} in a space of shape {scale.shape}")
    if not (np.isfinite(places).all() and np.isfinite(centre).all() and (scale > 0).all() and temperature > 0):
        raise ValueError("numbers that are none, or not above 0")
    space = FeatureSpace(str(values["weights"]), centre, scale, means, temperature)
    # one clip a word, which lies where the word does
    return space, EnrolledWords(space.weights, words, centre + scale * places)


def _plain(values: NDArray[Any]) -> Any:
    """Return an array as lists of numbers of seven digits; None for what is not there."""
    if values.ndim > 1:
        return [_plain(row) for row in values]
    return [float(f"{value:.7g}") if np.isfinite(value) else None for value in values.tolist()]


def added_beside(checkpoint: Path) -> Added | None:
    """Return the words enrolled beside a checkpoint, and their space; None where there are none.

    Raises
    ------
    WeightsError
        If a file is damaged.
    """
    if not checkpoint.with_name(FILE).is_file():
        return None
    enrolled = EnrolledWords.beside(checkpoint, checkpoint_hash(checkpoint))
    if not enrolled.words:
        return None
    space = FeatureSpace.beside(checkpoint, enrolled.weights)
    return space or FeatureSpace.empty(enrolled.weights, enrolled.features.shape[1]), enrolled


def with_enrolled(network: FeatureNetwork, checkpoint: Path, *, only: bool = False) -> Network:
    """Return a model with the words that are enrolled beside its checkpoint; as it is where there are none.

    Raises
    ------
    WeightsError
        If only added words are asked for and there are none, or they do not belong to this training.
    """
    return with_added(network, added_beside(checkpoint), checkpoint, only=only)


def with_added(network: FeatureNetwork, added: Added | None, source: Path, *, only: bool) -> Network:
    """Return a model with added words; as it is where there are none.

    Raises
    ------
    WeightsError
        If only added words are asked for and there are none, or they cannot be weighed against the trained ones.
    """
    if added is None:
        if only:
            raise WeightsError(f"{source}: expected enrolled words, found none; add some with `camfuse enroll`")
        return network
    return EnrolledNetwork(network, *added, only=only)


def check_word(
    word: str, classes: Sequence[str], kept_out: Collection[str] = (), enrolled: Collection[str] = ()
) -> str:
    """Return the word as it is answered, without blanks around it.

    Parameters
    ----------
    word
        As it was given.
    classes, kept_out
        The model's own words, and those of them that were kept out of its training.
    enrolled
        The words added so far, to each of which more clips may come.

    Raises
    ------
    WeightsError
        If it is empty, or among the model's words: trained, or kept out of training (`train.unknown_words`); or if
        nothing but its case tells it from one of these or from an enrolled one.
    """
    word = normal_label(word)
    if not word or not word.isprintable():
        raise WeightsError(f"expected a word of printable characters to enroll, found {word!r}")
    if word in kept_out:
        raise WeightsError(f"{word}: among the model's words, though kept out of training: train without unknown_words")
    if word in classes:
        raise WeightsError(f"{word}: the model was trained on it; enroll words that it does not know")
    if word in enrolled:
        return word
    twins = {one.casefold(): one for one in (*enrolled, *classes)}
    if (twin := twins.get(word.casefold())) is not None:
        remedy = "enroll words that it does not know" if twin in classes else f"give its clips as {twin}"
        raise WeightsError(f"{word}: the model has the word {twin}, which differs in nothing but case; {remedy}")
    return word
