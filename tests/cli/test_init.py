"""`camfuse init` on a folder of videos: what it says, and a config that a run takes."""

from pathlib import Path

import pytest
from made_videos import write_numbers
from run_command import camfuse

from camfuse.clips.refresh import read_table, refresh
from camfuse.config import load_config
from camfuse.errors import ConfigError, TableError
from camfuse.run.trainable import training_problems


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """A folder of two words by two people, and a broken video."""
    made = write_numbers(tmp_path / "made.mp4", frames=12)
    for word in ("hello", "thanks"):
        for name in ("anna_1", "anna_2", "ben_1", "ben_2"):
            (tmp_path / "signs" / word).mkdir(parents=True, exist_ok=True)
            (tmp_path / "signs" / word / f"{name}.mp4").write_bytes(made.read_bytes())
    (tmp_path / "signs" / "thanks" / "ben_2.mp4").write_bytes(made.read_bytes()[:700])
    return tmp_path / "signs"


def test_from_a_folder_to_a_config(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = camfuse("init", "signs", "--guess-signers")
    assert "8 videos of 2 words, 4 to 4 each." in said
    assert "Signers, guessed: 2: anna 4, ben 4." in said
    assert "Broken: 1:\n  thanks/ben_2.mp4: " in said
    assert "\n  1 video cannot be decoded, and the split counts it all the same: thanks 1 of 4.\n" in said
    assert "Signers are kept apart: 1 in train" in said
    assert "Written: signs.yaml. Now: camfuse run signs.yaml" in said
    config = load_config(tmp_path / "signs.yaml")
    assert (config.recipe, config.bad_clips, str(config.output)) == ("auto", "skip", "results/signs")
    table = read_table(config)
    assert set(table.rows["signer"]) == {"anna", "ben"}
    assert set(table.rows["video"].map(Path).map(Path.is_file)) == {True}


def test_signers_are_not_guessed_unless_told(videos: Path, tmp_path: Path) -> None:
    said = camfuse("init", videos, "--output", tmp_path / "a.yaml")
    assert "no clip has a signer" in said and "are in training too" in said
    config = load_config(tmp_path / "a.yaml")
    assert config.clips.folder is not None
    assert (config.clips.folder.signer, config.clips.folder.videos) == (None, videos)


def test_a_pattern_of_ones_own(videos: Path, tmp_path: Path) -> None:
    assert "its signers are not in training" in camfuse(
        "init", videos, "--output", tmp_path / "a.yaml", "--signer", "/(a|b)"
    )


def test_names_that_tell_nobody(videos: Path, tmp_path: Path) -> None:
    (videos / "hello" / "carl.mp4").write_bytes(b"")
    assert "nothing in the names looks like people" in camfuse(
        "init", videos, "--output", tmp_path / "a.yaml", "--guess-signers"
    )


@pytest.mark.bad_input("a config of `camfuse init` that is there already", "refused; `--force` replaces it")
def test_no_config_is_replaced_unasked(videos: Path, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        camfuse("init", videos, "--output", tmp_path / "a.yaml")
    assert (tmp_path / "a.yaml").read_text() == "mine"
    camfuse("init", videos, "--output", tmp_path / "a.yaml", "--force")
    assert (tmp_path / "a.yaml").read_text() != "mine"


def test_a_folder_without_words(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="expected a folder per label"):
        camfuse("init", tmp_path, "--output", tmp_path / "a.yaml")


def test_videos_beside_the_folders_are_named(tmp_path: Path) -> None:
    write_numbers(tmp_path / "one.mp4", frames=4)
    with pytest.raises(TableError, match=r"found 1 video that lies in none: one\.mp4"):
        camfuse("init", tmp_path, "--output", tmp_path / "a.yaml")


def test_odd_names_of_folder_and_config(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = videos.rename(tmp_path / "my signs {2}")
    monkeypatch.chdir(tmp_path)
    assert "Now: camfuse run 'my signs {2}.yaml'" in camfuse("init", odd)
    assert str(load_config(tmp_path / "my signs {2}.yaml").output) == "results/my signs _2_"


def test_a_config_of_another_name_has_results_of_its_own(videos: Path, tmp_path: Path) -> None:
    camfuse("init", videos, "--output", tmp_path / "new" / "other.yaml")
    assert str(load_config(tmp_path / "new" / "other.yaml").output) == "results/other"


@pytest.mark.parametrize("pattern", ["(", "anna"])
def test_a_pattern_that_finds_nobody(videos: Path, tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ConfigError, match="--signer: expected a regular expression"):
        camfuse("init", videos, "--output", tmp_path / "a.yaml", "--signer", pattern)


def test_a_folder_is_no_config(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--output: expected a file to write, found the folder"):
        camfuse("init", videos, "--output", tmp_path, "--force")


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (("hello/anna_1", "thanks/anna_1"), "expected at least one clip of split `test`, found none"),
        (("hello/anna_1", "hello/anna_2", "hello/ben_1"), "expected training clips of at least two words"),
    ],
)
def test_what_no_run_could_train_is_said(videos: Path, tmp_path: Path, kept: tuple[str, ...], said: str) -> None:
    for video in videos.rglob("*.mp4"):
        if str(video.relative_to(videos).with_suffix("")) not in kept:
            video.unlink()
    found = camfuse("init", videos, "--output", tmp_path / "a.yaml")
    assert f"A training would stop here: {said}" in found
    assert "a.yaml. First, record what is missing, and call `camfuse init` again" in found and "Now: " not in found
    assert "0 clips" not in found


def test_two_people_with_words_of_their_own(videos: Path, tmp_path: Path) -> None:
    """No training could run until signers are mixed, which the written config then does."""
    for word, other in (("hello", "ben"), ("thanks", "anna")):
        for video in (videos / word).glob(f"{other}_*"):
            video.unlink()
        for number in (3, 4, 5):
            name = "anna" if other == "ben" else "ben"
            (videos / word / f"{name}_{number}.mp4").write_bytes((videos / "hello" / "anna_1.mp4").read_bytes())
    config = tmp_path / "a.yaml"
    found = camfuse("init", videos, "--output", config, "--signer", "/([a-z]+)_")
    assert "A training would stop here: expected a test clip of a word that is trained, found none." in found
    assert "put `by: label` below `folder:` in it" in found and f"Then: camfuse run {config}" in found
    config.write_text(config.read_text().replace("folder:\n", "folder:\n    by: label\n"))
    table = read_table(load_config(config))
    assert training_problems(load_config(config), table.rows, table.classes) == []


def test_a_word_whose_training_clips_are_all_broken(videos: Path, tmp_path: Path) -> None:
    for video in (videos / "thanks").iterdir():
        video.write_bytes(b"")
    found = camfuse("init", videos, "--output", tmp_path / "a.yaml")
    assert "  4 videos cannot be decoded, and the split counts them all the same: thanks 4 of 4.\n" in found
    assert "  1 of 2 words has no training clip: it cannot be learned: thanks.\n" in found
    assert "A training would stop here: expected training clips of at least two words" in found


def test_from_a_table_to_a_config(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns, signers and parts of videos as in the table; what is missing or broken is said and left out."""
    monkeypatch.chdir(tmp_path)
    rows = [
        f"{word}/{name}_{number}.mp4,{word},{name},{0.2 if name == 'ben' else ''}"
        for word in ("hello", "thanks")
        for name in ("anna", "ben")
        for number in (1, 2)
    ]
    (videos / "words.csv").write_text("\n".join(["video,label,signer,start", *rows, "hello/gone.mp4,hello,anna,"]))
    said = camfuse("init", "signs/words.csv")
    assert f"Relative paths of the table start in {tmp_path / 'signs'}.\n9 videos of 2 words, 4 to 5 each.\n" in said
    assert "Missing: 1: hello/gone.mp4.\n" in said and "Broken: 1:\n  thanks/ben_2.mp4, from 0.2 s: " in said
    assert "  2 videos are missing or cannot be decoded, and the split counts them all the same: " in said
    assert "Signers are kept apart: 1 in train" in said and "its signers are not in training" in said
    assert "Written: words.yaml. Now: camfuse run words.yaml" in said
    config = load_config(tmp_path / "words.yaml")
    assert (config.bad_clips, config.clips.missing, str(config.output)) == ("skip", "drop", "results/words")
    assert len(refresh(config).rows) == 8


def test_a_table_that_says_who_is_tested(videos: Path, tmp_path: Path) -> None:
    table = tmp_path / "words.csv"
    clips = [
        ("hello", "anna", "train"),
        ("thanks", "anna", "train"),
        ("hello", "ben", "val"),
        ("hello", "anna", "test"),
    ]
    rows = [f"{word}/{who}_{1 + (split == 'test')}.mp4,{word},{who},{split}" for word, who, split in clips]
    table.write_text("\n".join(["video,label,signer,split", *rows]))
    said = camfuse("init", table, "--videos", videos, "--output", tmp_path / "a.yaml")
    assert "1 of 1 clip of test is by people who are in training too: anna" in said
    assert "Test: 1 clip, 100.0 points each; the people of the test are in training too" in said


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a folder of words or a table, found none; looked for /"):
        camfuse("init", tmp_path / "nosuch.csv")


def test_options_that_do_not_go_together(videos: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("video,label\n")
    with pytest.raises(ConfigError, match="a table says who signs in a column `signer`"):
        camfuse("init", tmp_path / "t.csv", "--guess-signers", "--output", tmp_path / "a.yaml")
    with pytest.raises(ConfigError, match="--videos is for a table"):
        camfuse("init", videos, "--videos", videos, "--output", tmp_path / "a.yaml")
