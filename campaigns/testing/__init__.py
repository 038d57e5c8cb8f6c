"""For the tests of applications: a store, a gateway that sends nothing, and the work of the workers, in this process.

    from campaigns.testing import running

    def test_the_customer_is_told() -> None:
        with running() as here:
            my_application.ship(order)       # calls campaigns.enqueue, or sends `campaigns.submit` by Celery
            here.finish()                    # carries out all the work there is, in this thread
            [message] = here.sandbox.ledger()
            assert message["text"] == "Your parcel is on its way"

While the block lasts, the environment holds exactly the `CAMPAIGNS_*` variables of its own Redis server and sandbox;
afterwards it is as before. No worker, no beat and no network are needed. The
code under test may call everything that `campaigns` offers, also in threads; `campaign.wait()` carries out the
work itself. Processes that it starts find the same environment. Read the status of campaigns inside the block, since
the server stops at its end. A process can have only one block at a time.

`running` takes any setting by its name, spelled as in the environment: `running(optout_words="STOP")`.
Waits are short (`penalty_s`, `settle_window_s` and others). Messages without a final status expire after four
seconds (`poll_horizon_s`). `speed` is how many seconds of a message's life pass in one: at 1000, READ comes within a
tenth of a second. The last four digits of a phone choose its fate: see `campaigns.sandbox.fates`. `accounts` are
those with a token.

    here.sandbox.ledger()                            every message that was really sent
    here.sandbox.fault("reset_after", "any")         the next request fails: see `campaigns.sandbox.faults`
    here.sandbox.reply("375291111111", "Yes")        a recipient replies
    here.run_until(campaign.replies)                 replies come later than the campaign's end
    here.move(timedelta(hours=2))                    two hours pass, for the workers and the gateway
    here.move_to("2030-05-01 10:00")                 a scheduled campaign goes out with the next `finish`

Time goes forward only. Processes that the code under test starts do not see it move.

For pytest there is the fixture `campaigns_here`: see `campaigns.testing.plugin`.
Needs the extras `sandbox` and, where no Redis server is installed, `embedded`.
"""

from __future__ import annotations

try:
    from campaigns.testing.here import Here
    from campaigns.testing.stage import running
except ModuleNotFoundError as error:
    if error.name not in {"flask", "werkzeug"}:
        raise
    raise ImportError("campaigns.testing needs an extra: pip install 'viber-campaigns[embedded,sandbox]'") from None

__all__ = ["Here", "running"]
