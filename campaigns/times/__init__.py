"""Times: the gateway's, which carry no zone; windows, in which a campaign may go out; a clock that runs evenly."""
