"""Reading job files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

from campaigns.errors import JobError


def read_job(file: BinaryIO) -> Any:
    """The job in a JSON file, in UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

    Text in `image` is a path relative to the folder of the file. In the API and in submitted jobs it is never a path,
    so that a job cannot make a worker read a file. Raises JobError.
    """
    try:
        job = json.loads(file.read())
    except UnicodeDecodeError:
        raise JobError({"file": ["is not UTF-8 text: save the job file as UTF-8"]}) from None
    except ValueError as error:
        raise JobError({"file": [f"is not JSON: {error}"]}) from None
    except RecursionError:
        raise JobError({"file": ["is nested too deeply"]}) from None
    if isinstance(job, dict) and isinstance(job.get("image"), str) and job["image"]:
        folder = Path(getattr(file, "name", "") or ".").parent if file.name != "<stdin>" else Path()
        job["image"] = folder / job["image"]
    return job
