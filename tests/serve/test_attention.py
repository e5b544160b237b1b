"""Where the streams look in one sign."""

from pathlib import Path

from made_training import MadeRun

from camfuse.predict.recognise import TrainedModel, clip_of
from camfuse.predict.spans import whole_video
from camfuse.serve.attention import draw_looks
from camfuse.serve.work import Worker


def test_a_fused_model_shows_where_it_looks(worker: Worker, video: Path, trained: MadeRun) -> None:
    for part, there in (("fusion", True), ("pose", False)):
        model = TrainedModel.load(trained.run.training(part).best)  # type: ignore[arg-type]
        observed = model.observe(clip_of(video))
        inputs = model.inputs("c", *observed.part(whole_video(observed.frames)))
        assert (draw_looks(model, inputs) is not None) is there
