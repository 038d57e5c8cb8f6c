"""Errors as one clear line and an exit code, never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import click

from campaigns.cli.exit_codes import FAILED, INTERRUPTED, NO_CAMPAIGN, NO_STORE, NOT_POSSIBLE, WRONG
from campaigns.cli.input.ids import AmbiguousIdError, print_candidates
from campaigns.cli.output.screen import print_error, remark
from campaigns.errors import (
    ApprovalError,
    CampaignsError,
    ConfirmationError,
    ErasureBlockedError,
    JobError,
    KeyConflictError,
    LayoutError,
    NotReplicatedError,
    SettingsError,
    StateError,
    StoreError,
    UnknownCampaignError,
)
from campaigns.text.wording import counted

P = ParamSpec("P")
T = TypeVar("T")


_CODES: dict[type[CampaignsError], int] = {
    JobError: WRONG,
    SettingsError: WRONG,
    KeyConflictError: WRONG,
    StoreError: NO_STORE,
    UnknownCampaignError: NO_CAMPAIGN,
    StateError: NOT_POSSIBLE,
    ApprovalError: NOT_POSSIBLE,
    ConfirmationError: NOT_POSSIBLE,
    ErasureBlockedError: NOT_POSSIBLE,
}


@contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """Print an error to standard error, and exit with its code."""
    try:
        yield
    except JobError as error:
        if list(error.errors) == ["recipients"] and len(error.lines) == 1:
            print_error(error.lines[0].removeprefix("recipients: "))
            sys.exit(WRONG)
        print_error(f"the job has {counted(len(error.lines), 'mistake')}:")
        for line in error.lines:
            remark(f"  {line}")
        sys.exit(WRONG)
    except StoreError as error:
        _print_store_error(error)
        sys.exit(NO_STORE)
    except AmbiguousIdError as error:
        print_error(f"{error}:")
        print_candidates(error)
        sys.exit(WRONG)
    except CampaignsError as error:
        print_error(str(error))
        sys.exit(next((code for kind, code in _CODES.items() if isinstance(error, kind)), FAILED))
    except UnicodeEncodeError:
        # Python turns undecodable bytes of an argument into half surrogates, which cannot be encoded again.
        print_error("the command line holds bytes that are not UTF-8")
        sys.exit(WRONG)
    except (KeyboardInterrupt, click.Abort):
        print_error("interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has closed the pipe, so nothing more can be printed.
        sys.stderr.close()
        sys.exit(FAILED)


def _print_store_error(error: StoreError) -> None:
    if isinstance(error, NotReplicatedError | LayoutError):
        print_error(str(error))
        return
    print_error(f"Redis cannot be used: {error}")
    remark("  is it running, and is CAMPAIGNS_REDIS_URL its address?")


def reports_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Decorate a command so that its errors become one line and an exit code."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        with errors_as_exit_codes():
            return command(*args, **kwargs)
        raise AssertionError("errors_as_exit_codes leaves or lets through")

    return wrapped
