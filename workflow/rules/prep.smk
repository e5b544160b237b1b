# From videos to heatmaps, one job per stage and shard.


if DRAWN:

    rule avatars:
        input:
            clips=f"{OUT}/clips/shards/{{shard}}.csv",
        output:
            directory(f"{OUT}/avatars/{{shard}}"),
        log:
            f"{OUT}/logs/avatars/{{shard}}.log",
        benchmark:
            f"{OUT}/benchmarks/avatars/{{shard}}.tsv"
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
            "python -m camfuse avatars --config {params.config} --clips {input.clips}"
            " --output {output} --log {log}"


rule frames:
    input:
        clips=f"{OUT}/clips/shards/{{shard}}.csv",
        drawn=rules.avatars.output if DRAWN else [],
    output:
        f"{OUT}/frames/{{shard}}.h5"
        if SETTINGS.frames.keep
        else temp(f"{OUT}/frames/{{shard}}.h5"),
    log:
        f"{OUT}/logs/frames/{{shard}}.log",
    benchmark:
        f"{OUT}/benchmarks/frames/{{shard}}.tsv"
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
        "python -m camfuse frames --config {params.config} --clips {input.clips}"
        " --output {output} --log {log}"


# `update` keeps the old shard until the new one is renamed over it: unchanged clips are reused
rule pose:
    input:
        clips=f"{OUT}/clips/shards/{{shard}}.csv",
        frames=rules.frames.output,
    output:
        update(f"{OUT}/pose/{{shard}}.h5"),
    log:
        f"{OUT}/logs/pose/{{shard}}.log",
    benchmark:
        f"{OUT}/benchmarks/pose/{{shard}}.tsv"
    cache: CACHED
    conda:
        f"../../envs/{POSE_ENV}.yaml"
    threads: SETTINGS.machine.threads if NETWORK else 1
    resources:
        mem_mb=12000 if NETWORK else 6000,
        runtime=2880 if NETWORK else 720,
        gpu=POSE_GPUS,
    params:
        config=CONFIG,
        fingerprint=of("pose"),
    shell:
        "python -m camfuse pose --config {params.config} --clips {input.clips} --frames {input.frames}"
        " --output {output} --log {log}"


rule crops:
    input:
        clips=f"{OUT}/clips/shards/{{shard}}.csv",
        frames=rules.frames.output,
        pose=rules.pose.output,
    output:
        f"{OUT}/crops/{{shard}}.h5",
    log:
        f"{OUT}/logs/crops/{{shard}}.log",
    benchmark:
        f"{OUT}/benchmarks/crops/{{shard}}.tsv"
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
        "python -m camfuse crops --config {params.config} --clips {input.clips} --frames {input.frames}"
        " --pose {input.pose} --output {output} --log {log}"


rule heatmaps:
    input:
        clips=f"{OUT}/clips/shards/{{shard}}.csv",
        crops=rules.crops.output,
    output:
        f"{OUT}/heatmaps/{{shard}}.h5",
    log:
        f"{OUT}/logs/heatmaps/{{shard}}.log",
    benchmark:
        f"{OUT}/benchmarks/heatmaps/{{shard}}.tsv"
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
        "python -m camfuse heatmaps --config {params.config} --clips {input.clips} --crops {input.crops}"
        " --output {output} --log {log}"


# Snakemake's cache between workflows takes only rules without a benchmark. Its directive takes no empty value, and there
# is no public way to take a benchmark from a rule.
if CACHED:
    for stage in ("frames", "pose", "crops", "heatmaps"):
        workflow.get_rule(stage)._benchmark = None
