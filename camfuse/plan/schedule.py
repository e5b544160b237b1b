"""When each job would run on so many cores, and how long all of them take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from camfuse.plan.jobs import Job


@dataclass(frozen=True)
class Load:
    """A job alone on the machine: seconds from begin to end, and seconds of all cores."""

    seconds: float
    cpu_seconds: float

    @property
    def cores(self) -> float:
        """How many cores it keeps busy."""
        return self.cpu_seconds / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Schedule:
    """How long each job takes among the others, by name, and all of them."""

    jobs: Mapping[str, float]
    seconds: float


def schedule(jobs: Sequence[Job], loads: Mapping[str, Load], cores: int, gpus: int = 1) -> Schedule:
    """Start each job as soon as what it needs is done and there is room for it.

    Jobs may keep more cores busy than they ask for (MediaPipe does); then all that run at a time are slowed alike.

    Parameters
    ----------
    jobs
        In the order of the workflow.
    loads
        Of each job, by its name.
    cores
        That the jobs may ask for together.
    gpus
        Likewise.
    """
    waiting, running = list(jobs), dict[str, float]()  # what is left, in seconds alone
    began, took, now, done = dict[str, float](), dict[str, float](), 0.0, set[str]()
    known, asked = {job.name for job in jobs}, {job.name: job for job in jobs}
    while waiting or running:
        for job in list(waiting):
            busy = [asked[name] for name in running]
            fits = sum(one.cpus for one in busy) + min(job.cpus, cores) <= cores
            fits &= sum(one.gpus for one in busy) + job.gpus <= max(gpus, job.gpus)
            if fits and all(name in done for name in job.needs if name in known):
                running[job.name], began[job.name] = loads[job.name].seconds, now
                waiting.remove(job)
        wanted = sum(loads[name].cores for name in running)
        speed = min(1.0, cores / wanted) if wanted else 1.0
        if not running:
            raise ValueError(f"expected jobs that can begin, found {[job.name for job in waiting]}")
        step = min(running.values())
        now += step / speed
        for name in list(running):
            running[name] -= step
            if running[name] <= 1e-9:
                del running[name]
                done.add(name)
                took[name] = now - began[name]
    return Schedule(took, now)
