# Further runs on the same shards: the config's `experiments`, and the matrix of `ablation`. A training is named by its
# fingerprint, so that runs share those that are the same; the shells are those of the main run's rules.


SHARED = f"{OUT}/experiments/train"


use rule train_rgb as experiment_rgb with:
    output:
        best=f"{SHARED}/rgb/{{training}}/best.ckpt",
        curves=f"{SHARED}/rgb/{{training}}/curves.csv",
    log:
        f"{OUT}/logs/experiment_rgb/{{training}}.log",
    benchmark:
        f"{OUT}/benchmarks/experiment_rgb/{{training}}.tsv"
    params:
        config=training_config("rgb"),
        fingerprint="{training}",


use rule train_pose as experiment_pose with:
    output:
        best=f"{SHARED}/pose/{{training}}/best.ckpt",
        curves=f"{SHARED}/pose/{{training}}/curves.csv",
    log:
        f"{OUT}/logs/experiment_pose/{{training}}.log",
    benchmark:
        f"{OUT}/benchmarks/experiment_pose/{{training}}.tsv"
    params:
        config=training_config("pose"),
        fingerprint="{training}",


use rule train_fusion as experiment_fusion with:
    input:
        clips=f"{OUT}/clips/clips.csv",
        classes=f"{OUT}/clips/classes.csv",
        crops=shards_of("crops"),
        heatmaps=shards_of("heatmaps"),
        rgb=stream_of_fusion("rgb"),
        pose=stream_of_fusion("pose"),
    output:
        best=f"{SHARED}/fusion/{{training}}/best.ckpt",
        curves=f"{SHARED}/fusion/{{training}}/curves.csv",
    log:
        f"{OUT}/logs/experiment_fusion/{{training}}.log",
    benchmark:
        f"{OUT}/benchmarks/experiment_fusion/{{training}}.tsv"
    params:
        config=training_config("fusion"),
        fingerprint="{training}",


use rule evaluate as experiment_evaluate with:
    input:
        clips=f"{OUT}/clips/clips.csv",
        classes=f"{OUT}/clips/classes.csv",
        crops=shards_of("crops"),
        heatmaps=shards_of("heatmaps"),
        rgb=part_of_run("rgb"),
        pose=part_of_run("pose"),
        fusion=part_of_run("fusion"),
    output:
        results=report(
            f"{OUT}/{{kind}}/{{name}}/evaluate/results.csv",
            caption="../report/results.rst",
            category="Experiments",
            subcategory="{kind}",
            labels={"run": "{name}"},
        ),
        json=f"{OUT}/{{kind}}/{{name}}/evaluate/results.json",
        predictions=f"{OUT}/{{kind}}/{{name}}/evaluate/predictions.csv",
        confusion=f"{OUT}/{{kind}}/{{name}}/evaluate/confusion.csv",
    log:
        f"{OUT}/logs/experiment_evaluate/{{kind}}/{{name}}.log",
    benchmark:
        f"{OUT}/benchmarks/experiment_evaluate/{{kind}}-{{name}}.tsv"
    params:
        config=run_config,
        fingerprint=lambda w: run_of(w).fingerprint,


rule experiments:
    input:
        main=rules.evaluate.output.json,
        results=results_of("experiments"),
    output:
        report(
            f"{OUT}/experiments/results.csv",
            caption="../report/experiments.rst",
            category="Experiments",
            labels={"run": "all"},
        ),
    log:
        f"{OUT}/logs/experiments.log",
    benchmark:
        f"{OUT}/benchmarks/experiments.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        config=CONFIG,
        runs=marks_of("experiments"),
    shell:
        "python -m camfuse experiments --config {params.config} --output {output} --log {log}"


rule ablation:
    input:
        results=results_of("ablation"),
    output:
        table=report(
            f"{OUT}/ablation/ablation.csv",
            caption="../report/ablation.rst",
            category="Ablation",
            labels={"table": "mean and spread"},
        ),
        text=f"{OUT}/ablation/ablation.md",
        runs=report(
            f"{OUT}/ablation/runs.csv",
            caption="../report/ablation_runs.rst",
            category="Ablation",
            labels={"table": "single runs"},
        ),
    log:
        f"{OUT}/logs/ablation.log",
    benchmark:
        f"{OUT}/benchmarks/ablation.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        config=CONFIG,
        runs=marks_of("ablation"),
        rows=list(SETTINGS.ablation.streams) if SETTINGS.ablation else [],
    shell:
        "python -m camfuse ablation --config {params.config} --output {output.table} --log {log}"
