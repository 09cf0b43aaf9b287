"""The child process that inspects one file: `python -m broker.inspection.child`.

It reads one task as JSON from its standard input, and writes one answer as JSON to its standard
output. It confines itself before it imports a decoder.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NoReturn

from broker.inspection.answer import inspected_answer, rejected_answer
from broker.inspection.confinement import confine
from broker.inspection.inspected import Inspected, Rejected, Request
from broker.inspection.task import Task, read_task

Inspect = Callable[[Request], Inspected]
OUT_OF_MEMORY = 12  # the exit status after a MemoryError


def main(load: Callable[[], Inspect]) -> NoReturn:
    """Do one task and end the process.

    Args:
        load: imports the decoders and returns the function that inspects.
    """
    # What a library prints must not become part of the answer.
    answer_to = os.dup(1)
    os.dup2(2, 1)
    task = read_task(sys.stdin.buffer.read())
    status = 1
    try:
        answer = _do(task, load)
        # It stays open until the process ends: at the end of the output the parent kills it.
        with open(answer_to, "wb", closefd=False) as stream:
            stream.write(json.dumps(answer).encode())
        status = 0
    except MemoryError:
        status = OUT_OF_MEMORY
    except BaseException:
        traceback.print_exc()
    finally:
        # Skip the clean-up of interpreter and libraries, which takes milliseconds.
        sys.stderr.flush()
        os._exit(status)


def _do(task: Task, load: Callable[[], Inspect]) -> dict[str, Any]:
    request = task.request
    source = request.source if request else None
    confinement = confine(task.limits, parent=task.parent, source=source, directory=task.directory)
    if request is None:
        from broker.inspection.readable import readable_types

        return {"confinement": asdict(confinement), "content_types": readable_types()}
    inspect = load()
    try:
        return inspected_answer(inspect(request))
    except Rejected as rejected:
        return rejected_answer(rejected)


def _load() -> Inspect:
    from broker.inspection.inspect import inspect

    return inspect


if __name__ == "__main__":
    main(_load)
