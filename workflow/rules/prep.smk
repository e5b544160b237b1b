# From videos to heatmaps, one job per stage and shard.


if DRAWN:

    rule avatars:
        input:
            clips=RUN.clip_files.shard("{shard}"),
        output:
            directory(str(RUN.avatars("{shard}"))),
        log:
            log_of("avatars/{shard}"),
        benchmark:
            benchmark_of("avatars/{shard}")
        conda:
            "../../envs/prep.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            config=CONFIG,
            fingerprint=of("avatars"),
        shell:
            "python -m camfuse avatars --config {params.config:q} --clips {input.clips:q}"
            " --output {output:q} --log {log:q}"


rule frames:
    input:
        clips=RUN.clip_files.shard("{shard}"),
        drawn=rules.avatars.output if DRAWN else [],
    output:
        shard("frames") if SETTINGS.frames.keep else temp(shard("frames")),
    log:
        log_of("frames/{shard}"),
    benchmark:
        benchmark_of("frames/{shard}")
    cache: CACHED
    conda:
        "../../envs/prep.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        config=CONFIG,
        fingerprint=of("frames"),
    shell:
        "python -m camfuse frames --config {params.config:q} --clips {input.clips:q}"
        " --output {output:q} --log {log:q}"


# `update` keeps the old shard until the new one is renamed over it: unchanged clips are reused
rule pose:
    input:
        clips=RUN.clip_files.shard("{shard}"),
        frames=rules.frames.output,
    output:
        update(shard("pose")),
    log:
        log_of("pose/{shard}"),
    benchmark:
        benchmark_of("pose/{shard}")
    cache: CACHED
    conda:
        f"../../envs/{POSE.environment}.yaml"
    threads: POSE.threads
    resources:
        mem_mb=POSE.memory,
        runtime=POSE.minutes,
        gpu=POSE.gpus,
    params:
        config=CONFIG,
        fingerprint=of("pose"),
    shell:
        "python -m camfuse pose --config {params.config:q} --clips {input.clips:q} --frames {input.frames:q}"
        " --output {output:q} --log {log:q}"


rule crops:
    input:
        clips=RUN.clip_files.shard("{shard}"),
        frames=rules.frames.output,
        pose=rules.pose.output,
    output:
        shard("crops"),
    log:
        log_of("crops/{shard}"),
    benchmark:
        benchmark_of("crops/{shard}")
    cache: CACHED
    conda:
        "../../envs/prep.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        config=CONFIG,
        fingerprint=of("crops"),
    shell:
        "python -m camfuse crops --config {params.config:q} --clips {input.clips:q} --frames {input.frames:q}"
        " --pose {input.pose:q} --output {output:q} --log {log:q}"


rule heatmaps:
    input:
        clips=RUN.clip_files.shard("{shard}"),
        crops=rules.crops.output,
    output:
        shard("heatmaps"),
    log:
        log_of("heatmaps/{shard}"),
    benchmark:
        benchmark_of("heatmaps/{shard}")
    cache: CACHED
    conda:
        "../../envs/prep.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        config=CONFIG,
        fingerprint=of("heatmaps"),
    shell:
        "python -m camfuse heatmaps --config {params.config:q} --clips {input.clips:q} --crops {input.crops:q}"
        " --output {output:q} --log {log:q}"


# Snakemake's cache between workflows takes only rules without a benchmark. Its directive takes no empty value, and there
# is no public way to take a benchmark from a rule.
if CACHED:
    for stage in ("frames", "pose", "crops", "heatmaps"):
        workflow.get_rule(stage)._benchmark = None
