# What people look at.


rule report:
    input:
        clips=RUN.clip_files.clips,
        coverage=RUN.clip_files.coverage,
        duplicates=RUN.clip_files.duplicates,
        notes=RUN.clip_files.notes,
        pose=shards_of("pose"),
        shards=shards_for("fusion"),
        curves=[RUN.training(part).curves for part in SETTINGS.model.parts],
        results=rules.evaluate.output,
        experiments=rules.experiments.output if SETTINGS.experiments else [],
    output:
        report(
            str(RUN.report),
            caption="../report/page.rst",
            category="Report",
            labels={"page": "the whole run"},
        ),
    log:
        log_of("report"),
    benchmark:
        benchmark_of("report")
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
        "python -m camfuse report --config {params.config:q} --output {output:q} --log {log:q}"


onsuccess:
    for said in (foretold(), result_text(RUN, BEGAN)):
        if said:
            print(said, file=sys.stderr)


onerror:
    # before Snakemake says that a job failed
    if INTERRUPTED.is_set():
        print("Stopped. The same command goes on where it was.", file=sys.stderr)
        sys.exit(EXIT)
    stopped = problems(RUN, BEGAN)
    if stopped:
        print(problem_text(stopped), file=sys.stderr)
        if not any(BUG in message for message in stopped.values()):
            sys.exit(2)
