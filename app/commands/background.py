"""`market worker` and `market scheduler`: the processes that run jobs and start what is due."""

from app.console import choose, console
from app.embedded.engines import running_engines
from app.startup import collection_paused

RENDERER_QUEUE = "documents"


def run_worker(queues: tuple[str, ...], *, with_scheduler: bool = False) -> int:
    """Work on `queues`, or on all but the renderer's, until SIGTERM or Ctrl-C; then finish the jobs under way.

    Answers 2 for a queue that does not exist, on which it would wait for ever.
    """
    from app.job_notifier import QUEUES

    unknown = set(queues) - set(QUEUES)
    if unknown:
        names, known = ", ".join(sorted(unknown)), ", ".join(QUEUES)
        console.print(choose(f"No such queue: {names}. There are: {known}", f"没有队列 {names}，可用队列：{known}"))
        return 2
    with running_engines() as settings:
        with collection_paused():
            from app.worker import main

        chosen = queues or tuple(name for name in QUEUES if name != RENDERER_QUEUE)
        main(settings, chosen, with_scheduler=with_scheduler)
    return 0


def run_scheduler() -> int:
    """Schedule until SIGTERM or Ctrl-C."""
    with running_engines() as settings:
        with collection_paused():
            from app.scheduler import main

        main(settings)
    return 0
