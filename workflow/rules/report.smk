# What people look at.


rule report:
    input:
        clips=f"{OUT}/clips/clips.csv",
        coverage=f"{OUT}/clips/coverage.csv",
        duplicates=f"{OUT}/clips/duplicates.csv",
        notes=f"{OUT}/clips/notes.txt",
        pose=shards_of("pose"),
        crops=shards_of("crops"),
        heatmaps=shards_of("heatmaps"),
        curves=expand(
            f"{OUT}/train/{{part}}/curves.csv", part=["rgb", "pose", "fusion"]
        ),
        results=rules.evaluate.output,
        experiments=rules.experiments.output if SETTINGS.experiments else [],
    output:
        report(
            f"{OUT}/report/index.html",
            caption="../report/page.rst",
            category="Report",
            labels={"page": "the whole run"},
        ),
    log:
        f"{OUT}/logs/report.log",
    benchmark:
        f"{OUT}/benchmarks/report.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        config=CONFIG,
        fingerprint=of("report"),
    shell:
        "python -m camfuse report --config {params.config} --output {output} --log {log}"
