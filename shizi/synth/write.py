"""Write a set in parts, in parallel, so that a stopped run goes on where it was."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2

from shizi.bar import bar
from shizi.errors import DataError
from shizi.files import write_text

Job = Callable[[Path, int], str]
SHARD = 500  # samples a part


def write_shards(
    job: Job, out_dir: Path, count: int, labels: str, workers: int, title: str
) -> None:
    """Run ``job(out_dir, index)`` for 0..count-1 and join the rows it returns in ``labels``.

    A part's rows are written, atomically, after its pictures; a part that has its rows is not
    made again.

    Raises:
        DataError: ``out_dir`` holds a set made by another job.
    """
    parts = out_dir / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    _claim(out_dir / "made_by.txt", repr(job))
    spans = [(a, min(a + SHARD, count)) for a in range(0, count, SHARD)]
    names = {span: parts / f"{span[0]:07d}-{span[1]:07d}.txt" for span in spans}
    todo = [span for span in spans if not names[span].exists()]
    for folder in {(out_dir / "images" / f"{i // 1000:03d}") for i in range(0, count, SHARD)}:
        folder.mkdir(parents=True, exist_ok=True)
    tasks = [(job, out_dir, names[span], span) for span in todo]
    with bar(count, title) as shown:
        shown.add(count - sum(b - a for a, b in todo))
        for made in _run(tasks, workers):
            shown.add(made)
    write_text(out_dir / labels, "".join(names[s].read_text(encoding="utf-8") for s in spans))


def _run(tasks: list[tuple[Job, Path, Path, tuple[int, int]]], workers: int) -> Iterator[int]:
    if workers <= 1 or len(tasks) <= 1:
        yield from map(_shard, tasks)
        return
    # Processes are spawned: forking a process that has threads (OpenCV's) can hang.
    with multiprocessing.get_context("spawn").Pool(
        workers, initializer=cv2.setNumThreads, initargs=(1,)
    ) as pool:
        yield from pool.imap_unordered(_shard, tasks)


def _shard(task: tuple[Job, Path, Path, tuple[int, int]]) -> int:
    job, out_dir, part, (start, stop) = task
    write_text(part, "".join(job(out_dir, i) + "\n" for i in range(start, stop)))
    return stop - start


def _claim(path: Path, maker: str) -> None:
    """Note what makes the set, or refuse to mix it with another."""
    if path.exists() and path.read_text(encoding="utf-8") != maker:
        raise DataError(f"{path.parent} holds a set made with other options; name another folder")
    write_text(path, maker)
