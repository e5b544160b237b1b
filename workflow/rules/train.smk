# The three-stage recipe and the test.


rule train_rgb:
    input:
        clips=f"{OUT}/clips/clips.csv",
        classes=f"{OUT}/clips/classes.csv",
        crops=shards_of("crops"),
    output:
        best=f"{OUT}/train/rgb/best.ckpt",
        curves=report(
            f"{OUT}/train/rgb/curves.csv",
            caption="../report/curves.rst",
            category="Training",
            labels={"training": "rgb"},
        ),
    log:
        f"{OUT}/logs/train_rgb.log",
    benchmark:
        f"{OUT}/benchmarks/train_rgb.tsv"
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
        "python -m camfuse train-part rgb --config {params.config}"
        " --output {params.folder} --log {log}"


rule train_pose:
    input:
        clips=f"{OUT}/clips/clips.csv",
        classes=f"{OUT}/clips/classes.csv",
        heatmaps=shards_of("heatmaps"),
    output:
        best=f"{OUT}/train/pose/best.ckpt",
        curves=report(
            f"{OUT}/train/pose/curves.csv",
            caption="../report/curves.rst",
            category="Training",
            labels={"training": "pose"},
        ),
    log:
        f"{OUT}/logs/train_pose.log",
    benchmark:
        f"{OUT}/benchmarks/train_pose.tsv"
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
        "python -m camfuse train-part pose --config {params.config}"
        " --output {params.folder} --log {log}"


rule train_fusion:
    input:
        clips=f"{OUT}/clips/clips.csv",
        classes=f"{OUT}/clips/classes.csv",
        crops=shards_of("crops"),
        heatmaps=shards_of("heatmaps"),
        rgb=rules.train_rgb.output.best,
        pose=rules.train_pose.output.best,
    output:
        best=f"{OUT}/train/fusion/best.ckpt",
        curves=report(
            f"{OUT}/train/fusion/curves.csv",
            caption="../report/curves.rst",
            category="Training",
            labels={"training": "fusion"},
        ),
    log:
        f"{OUT}/logs/train_fusion.log",
    benchmark:
        f"{OUT}/benchmarks/train_fusion.tsv"
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
        fingerprint=of("train_fusion"),
    shell:
        "python -m camfuse train-part fusion --config {params.config}"
        " --init {input.rgb} --init {input.pose} --output {params.folder} --log {log}"


rule evaluate:
    input:
        clips=f"{OUT}/clips/clips.csv",
        classes=f"{OUT}/clips/classes.csv",
        crops=shards_of("crops"),
        heatmaps=shards_of("heatmaps"),
        rgb=rules.train_rgb.output.best,
        pose=rules.train_pose.output.best,
        fusion=rules.train_fusion.output.best,
    output:
        results=report(
            f"{OUT}/evaluate/results.csv",
            caption="../report/results.rst",
            category="Results",
            labels={"table": "accuracy"},
        ),
        json=f"{OUT}/evaluate/results.json",
        predictions=report(
            f"{OUT}/evaluate/predictions.csv",
            caption="../report/predictions.rst",
            category="Results",
            labels={"table": "predictions"},
        ),
        confusion=report(
            f"{OUT}/evaluate/confusion.csv",
            caption="../report/confusion.rst",
            category="Results",
            labels={"table": "confusion"},
        ),
    log:
        f"{OUT}/logs/evaluate.log",
    benchmark:
        f"{OUT}/benchmarks/evaluate.tsv"
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
        "python -m camfuse evaluate --config {params.config} {params.checkpoints}"
        " --output {params.folder} --log {log}"
