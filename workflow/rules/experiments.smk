# Further runs on the same shards: the config's `experiments`, and the matrix of `ablation`. A training is named by its
# fingerprint, so that runs share those that are the same; the shells are those of the main run's rules.


use rule train_rgb as experiment_rgb with:
    output:
        best=str(RUN.shared_training("rgb", "{training}").best),
        curves=str(RUN.shared_training("rgb", "{training}").curves),
    log:
        log_of("experiment_rgb/{training}"),
    benchmark:
        benchmark_of("experiment_rgb/{training}")
    params:
        config=training_config("rgb"),
        fingerprint="{training}",


use rule train_pose as experiment_pose with:
    output:
        best=str(RUN.shared_training("pose", "{training}").best),
        curves=str(RUN.shared_training("pose", "{training}").curves),
    log:
        log_of("experiment_pose/{training}"),
    benchmark:
        benchmark_of("experiment_pose/{training}")
    params:
        config=training_config("pose"),
        fingerprint="{training}",


use rule train_sequence as experiment_sequence with:
    output:
        best=str(RUN.shared_training("sequence", "{training}").best),
        curves=str(RUN.shared_training("sequence", "{training}").curves),
    log:
        log_of("experiment_sequence/{training}"),
    benchmark:
        benchmark_of("experiment_sequence/{training}")
    params:
        config=training_config("sequence"),
        fingerprint="{training}",


use rule train_fusion as experiment_fusion with:
    input:
        clips=trainable_clips,
        classes=RUN.clip_files.classes,
        shards=shards_of_fusion,
        streams=streams_of_fusion,
    output:
        best=str(RUN.shared_training("fusion", "{training}").best),
        curves=str(RUN.shared_training("fusion", "{training}").curves),
    log:
        log_of("experiment_fusion/{training}"),
    benchmark:
        benchmark_of("experiment_fusion/{training}")
    params:
        config=training_config("fusion"),
        init=lambda w, input: [
            word for path in input.streams for word in ("--init", path)
        ],
        fingerprint="{training}",


use rule evaluate as experiment_evaluate with:
    input:
        **{part: part_of_run(part) for part in PARTS},
        clips=RUN.clip_files.clips,
        classes=RUN.clip_files.classes,
        coverage=RUN.clip_files.coverage,
        shards=shards_of_run,
    output:
        results=report(
            str(RUN.experiment("{kind}", "{name}").table),
            caption="../report/results.rst",
            category="Experiments",
            subcategory="{kind}",
            labels={"run": "{name}"},
        ),
        json=str(RUN.experiment("{kind}", "{name}").results),
        predictions=str(RUN.experiment("{kind}", "{name}").predictions),
        confusion=str(RUN.experiment("{kind}", "{name}").confusion),
    log:
        log_of("experiment_evaluate/{kind}-{name}"),
    benchmark:
        benchmark_of("experiment_evaluate/{kind}-{name}")
    params:
        config=run_config,
        fingerprint=lambda w: run_of(w).fingerprint,


rule experiments:
    input:
        main=rules.evaluate.output.json,
        results=results_of("experiments"),
    output:
        report(
            str(RUN.experiments),
            caption="../report/experiments.rst",
            category="Experiments",
            labels={"run": "all"},
        ),
    log:
        log_of("experiments"),
    benchmark:
        benchmark_of("experiments")
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        config=CONFIG,
        runs=fingerprints_of("experiments"),
    shell:
        "python -m camfuse experiments --config {params.config:q} --output {output:q} --log {log:q}"


rule ablation:
    input:
        results=results_of("ablation"),
    output:
        table=report(
            str(RUN.ablation),
            caption="../report/ablation.rst",
            category="Ablation",
            labels={"table": "mean and spread"},
        ),
        text=str(RUN.ablation.with_suffix(".md")),
        runs=report(
            str(RUN.ablation.with_name("runs.csv")),
            caption="../report/ablation_runs.rst",
            category="Ablation",
            labels={"table": "single runs"},
        ),
    log:
        log_of("ablation"),
    benchmark:
        benchmark_of("ablation")
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        config=CONFIG,
        runs=fingerprints_of("ablation"),
        rows=list(SETTINGS.ablation.streams) if SETTINGS.ablation else [],
    shell:
        "python -m camfuse ablation --config {params.config:q} --output {output.table:q} --log {log:q}"
