# The recipe, a rule for each part that a model can have, and the test.


rule train_rgb:
    input:
        clips=trainable_clips,
        classes=RUN.clip_files.classes,
        crops=shards_of("crops"),
    output:
        best=str(RUN.training("rgb").best),
        curves=report(
            str(RUN.training("rgb").curves),
            caption="../report/curves.rst",
            category="Training",
            labels={"training": "rgb"},
        ),
    log:
        log_of("train_rgb"),
    benchmark:
        benchmark_of("train_rgb")
    priority: 1  # the longest of the streams' trainings
    conda:
        "../../envs/train.yaml"
    threads: TRAIN_THREADS
    resources:
        mem_mb=16000,
        runtime=2880,
        gpu=TRAIN_GPUS,
    params:
        config=CONFIG,
        folder=subpath(output.best, parent=True),
        fingerprint=of("train_rgb"),
    shell:
        "python -m camfuse train-part rgb --config {params.config:q}"
        " --output {params.folder:q} --log {log:q}"


rule train_pose:
    input:
        clips=trainable_clips,
        classes=RUN.clip_files.classes,
        heatmaps=shards_of("heatmaps"),
    output:
        best=str(RUN.training("pose").best),
        curves=report(
            str(RUN.training("pose").curves),
            caption="../report/curves.rst",
            category="Training",
            labels={"training": "pose"},
        ),
    log:
        log_of("train_pose"),
    benchmark:
        benchmark_of("train_pose")
    conda:
        "../../envs/train.yaml"
    threads: TRAIN_THREADS
    resources:
        mem_mb=16000,
        runtime=2880,
        gpu=TRAIN_GPUS,
    params:
        config=CONFIG,
        folder=subpath(output.best, parent=True),
        fingerprint=of("train_pose"),
    shell:
        "python -m camfuse train-part pose --config {params.config:q}"
        " --output {params.folder:q} --log {log:q}"


rule train_sequence:
    input:
        clips=trainable_clips,
        classes=RUN.clip_files.classes,
        pose=shards_of("pose"),
    output:
        best=str(RUN.training("sequence").best),
        curves=report(
            str(RUN.training("sequence").curves),
            caption="../report/curves.rst",
            category="Training",
            labels={"training": "sequence"},
        ),
    log:
        log_of("train_sequence"),
    benchmark:
        benchmark_of("train_sequence")
    conda:
        "../../envs/train.yaml"
    threads: TRAIN_THREADS
    resources:
        mem_mb=8000,
        runtime=2880,
        gpu=TRAIN_GPUS,
    params:
        config=CONFIG,
        folder=subpath(output.best, parent=True),
        fingerprint=of("train_sequence"),
    shell:
        "python -m camfuse train-part sequence --config {params.config:q}"
        " --output {params.folder:q} --log {log:q}"


rule train_fusion:
    input:
        clips=trainable_clips,
        classes=RUN.clip_files.classes,
        shards=shards_for("fusion"),
        streams=[RUN.training(stream).best for stream in SETTINGS.model.streams],
    output:
        best=str(RUN.training("fusion").best),
        curves=report(
            str(RUN.training("fusion").curves),
            caption="../report/curves.rst",
            category="Training",
            labels={"training": "fusion"},
        ),
    log:
        log_of("train_fusion"),
    benchmark:
        benchmark_of("train_fusion")
    conda:
        "../../envs/train.yaml"
    threads: TRAIN_THREADS
    resources:
        mem_mb=24000,
        runtime=2880,
        gpu=TRAIN_GPUS,
    params:
        config=CONFIG,
        folder=subpath(output.best, parent=True),
        init=lambda w, input: [
            word for path in input.streams for word in ("--init", path)
        ],
        fingerprint=of("train_fusion"),
    shell:
        "python -m camfuse train-part fusion --config {params.config:q}"
        " {params.init:q} --output {params.folder:q} --log {log:q}"


rule evaluate:
    input:
        **{
            part: RUN.training(part).best if part in SETTINGS.model.parts else []
            for part in PARTS
        },
        clips=RUN.clip_files.clips,
        classes=RUN.clip_files.classes,
        coverage=RUN.clip_files.coverage,
        shards=shards_for("fusion"),
    output:
        results=report(
            str(RUN.evaluation.table),
            caption="../report/results.rst",
            category="Results",
            labels={"table": "accuracy"},
        ),
        json=str(RUN.evaluation.results),
        predictions=report(
            str(RUN.evaluation.predictions),
            caption="../report/predictions.rst",
            category="Results",
            labels={"table": "predictions"},
        ),
        confusion=report(
            str(RUN.evaluation.confusion),
            caption="../report/confusion.rst",
            category="Results",
            labels={"table": "confusion"},
        ),
    log:
        log_of("evaluate"),
    benchmark:
        benchmark_of("evaluate")
    conda:
        "../../envs/train.yaml"
    threads: TRAIN_THREADS
    resources:
        mem_mb=16000,
        runtime=720,
        gpu=TRAIN_GPUS,
    params:
        config=CONFIG,
        folder=subpath(output.results, parent=True),
        checkpoints=lambda w, input: checkpoints(input),
        fingerprint=of("evaluate"),
    shell:
        "python -m camfuse evaluate --config {params.config:q} {params.checkpoints:q}"
        " --output {params.folder:q} --log {log:q}"
