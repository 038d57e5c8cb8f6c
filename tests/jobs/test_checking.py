"""Every rule about what may be sent is broken once, and the error names the place and the reason."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from campaigns.errors import JobError
from campaigns.jobs.checking import load_job
from campaigns.jobs.schemas.kinds import KINDS
from campaigns.jobs.values import BulkJob, ImageFile, ListJob, QuickJob, job_document
from campaigns.settings import Secret, Settings
from tests.jobs.sample import NOW, changed, lines, load
from tests.support.jobs import bulk_job, list_job, personal_job, phones, quick_job, sample, sample_job

BULK_FIELDS, LIST_FIELDS = KINDS["bulk"].shared().fields, KINDS["list"].shared().fields
PNG = b"\x89PNG\r\n\x1a\n"


class TestBulk:
    """sendBulkViber."""

    def test_sample_request_is_a_job(self) -> None:
        job = load(sample_job())
        assert isinstance(job, BulkJob)
        assert [mailing.message_type for mailing in job.mailings] == ["personal", "personal", "bulk", "bulk", "bulk"]
        assert job.callback_url == "http://example-site.com/webhook.php"

    def test_sample_request_as_it_is(self) -> None:
        """Its token is refused, and its schedule is long past."""
        found = lines(sample("sendBulkViber.request"))
        assert "token: is refused: a job names an account, never a token" in found
        assert "messages[0].schedule_time: is in the past" in found
        assert len(found) == 6

    @pytest.mark.parametrize(
        ("job", "line"),
        [
            (lambda: changed("messages", 4, "message_type", value="personal"), "messages[4].content.type: image is allowed only in a bulk mailing"),
            (lambda: changed("messages", 2, "content", "button_link", value="https://e.com/" + "x" * 137), "messages[2].content.button_link: longer than 150 characters"),
            (lambda: changed("messages", 0, "delivery_list", 1, "button_link", value="https://e.com/" + "x" * 137), "messages[0].delivery_list[1].button_link: longer than 150 characters"),
            (lambda: changed("messages", 0, "delivery_list", 0, "button_link", drop=True), "messages[0].delivery_list[0].button_link: is missing"),
            (lambda: changed("messages", 0, "delivery_list", 0, "text", drop=True), "messages[0].delivery_list[0].text: is missing: in a personal mailing each recipient has one"),
            (lambda: changed("messages", 0, "delivery_list", 0, "phone", drop=True), "messages[0].delivery_list[0].phone: is missing"),
            (lambda: changed("messages", 1, "delivery_list", 0, value="375291111111"), "messages[1].delivery_list[0]: must be an object with phone and text in a personal mailing"),
            (lambda: changed("messages", 3, "delivery_list", 0, value={"phone": "375291111111", "text": "x"}), "messages[3].delivery_list[0].text: belongs to the content in a bulk mailing"),
            (lambda: changed("messages", 0, "content", "button_link", value="https://e.com"), "messages[0].content.button_link: belongs to each recipient in a personal mailing, unless the content has a text"),
            (lambda: changed("messages", 3, "content", "text", drop=True), "messages[3].content.text: is missing"),
            (lambda: changed("messages", 2, "content", "caption", drop=True), "messages[2].content.caption: is missing"),
            (lambda: changed("messages", 2, "content", "image_url", drop=True), "messages[2].content.image_url: is missing"),
            (lambda: changed("messages", 4, "content", "image_url", drop=True), "messages[4].content.image_url: is missing"),
            (lambda: changed("messages", 4, "content", "image_url", value="ftp://e.com/a.jpg"), "messages[4].content.image_url: must be a URL that starts with http:// or https:// and carries no credentials"),
            (lambda: changed("messages", 4, "content", "image_url", value="https://user:pass@e.com/a.jpg"), "messages[4].content.image_url: must be a URL that starts with http:// or https:// and carries no credentials"),
            (lambda: changed("messages", 4, "content", "caption", value="x"), "messages[4].content.caption: has no place in content of type image"),
            (lambda: changed("messages", 0, "content", "type", value="video"), "messages[0].content.type: must be one of text, image, button"),
            (lambda: changed("messages", 0, "content", drop=True), "messages[0].content: is missing"),
            (lambda: changed("messages", 0, "message_type", value="both"), "messages[0].message_type: must be one of personal, bulk"),
            (lambda: changed("messages", 0, "message_type", drop=True), "messages[0].message_type: is missing"),
            (lambda: changed("messages", 0, "alphaname_id", value="abc"), "messages[0].alphaname_id: must be a whole number"),
            (lambda: changed("messages", 0, "alphaname_id", drop=True), "messages[0].alphaname_id: is missing"),
            (lambda: changed("messages", 0, "schedule_time", value="tomorrow"), "messages[0].schedule_time: must look like 2030-05-01T10:00:00, with or without a zone"),
            (lambda: changed("messages", 0, "schedule_time", value="2030-01-01T14:59:59"), "messages[0].schedule_time: is in the past"),
            (lambda: changed("messages", 0, "delivery_list", value=[]), "messages[0].delivery_list: must not be empty"),
            (lambda: changed("messages", 0, "delivery_list", value="375291111111"), "messages[0].delivery_list: must be a list of recipients"),
            (lambda: changed("messages", 0, "delivery_list", drop=True), "messages[0].delivery_list: is missing"),
            (lambda: changed("messages", 1, "name", value="mailing list 1"), "messages[1].name: is the name of messages[0] too; errors come back by name"),
            (lambda: changed("messages", 1, "name", value=" "), "messages[1].name: must not be empty"),
            (lambda: changed("messages", value=[]), "messages: must not be empty"),
            (lambda: changed("messages", value="x"), "messages: must be a list of mailings"),
            (lambda: changed("messages", drop=True), "messages: is missing"),
            (lambda: changed("callback_url", value="//e.com"), "callback_url: must be a URL that starts with http:// or https:// and carries no credentials"),
            (lambda: changed("mesages", value=[]), f"mesages: unknown field; did you mean messages? There are: {', '.join(BULK_FIELDS)}"),
            (lambda: changed("topic", value="no spaces"), "topic: must be 1 to 40 Latin letters, digits, - and _"),
            (lambda: changed("account", value="no spaces"), "account: must be an alias of Latin letters, digits and _"),
            (lambda: changed("on_unknown", value="guess"), "on_unknown: must be one of hold, resend"),
            (lambda: changed("max_recipients", value=0), "max_recipients: must be at least 1"),
            (lambda: changed("max_cost", value="-1"), "max_cost: must be more than 0"),
            (lambda: changed("max_cost", value="cheap"), "max_cost: must be an amount such as 12.50"),
            (lambda: changed("kind", value="fax"), "kind: must be one of bulk, quick, list"),
            (list, "job: must be an object"),
            (lambda: changed("messages", 1, value=5), "messages[1]: must be an object"),
        ],
    )  # fmt: skip
    def test_rule(self, job: Callable[[], Any], line: str) -> None:
        assert lines(job()) == [line]

    def test_all_errors_at_once(self) -> None:
        job = changed("messages", 2, "content", "button_link", value="nowhere")
        job["messages"][0]["delivery_list"][0].pop("text")
        job["messages"][4]["message_type"] = "personal"
        job["colour"] = "blue"
        assert len(lines(job)) == 4

    def test_many_broken_rows_are_counted(self) -> None:
        found = lines(personal_job([{"phone": phone} for phone in phones(250)]))
        assert len(found) == 101
        assert found[-1] == "messages[0].delivery_list: and 150 more rows with mistakes"

    def test_lazy_recipients_are_not_touched(self) -> None:
        rows = iter(["375291111111"])
        job = bulk_job([])
        job["messages"][0]["delivery_list"] = rows
        assert load(job).mailings[0].delivery_list is rows
        assert next(rows) == "375291111111"

    def test_schedules(self) -> None:
        """Naive times are the gateway's; aware ones are points in time."""
        for value in (
            "2030-05-01T10:00:00",
            "2030-05-01 10:00",
            "2030-05-01T07:00:00Z",
            "2030-05-01T09:00:00+02:00",
            datetime(2030, 5, 1, 10, 0),  # noqa: DTZ001 (naive on purpose)
            datetime(2030, 5, 1, 7, 0, tzinfo=UTC),
        ):
            job = load(changed("messages", 0, "schedule_time", value=value))
            assert job.mailings[0].schedule_ms == datetime(2030, 5, 1, 7, 0, tzinfo=UTC).timestamp() * 1000


class TestQuick:
    """sendQuickViberMessage."""

    def test_all_options(self) -> None:
        job = load(
            {
                "kind": "quick",
                "vibername_id": "7",
                "phone": "+375 29 111-11-11",
                "type_message": "button",
                "message": "text",
                "button": "Go",
                "button_link": "https://e.com",
                "image_url": "https://e.com/a.png",
                "forwarding_message": True,
                "forwarding_time": 5,
                "alphaname_id": 9,
                "max_cost": "1.5",
            }
        )
        assert isinstance(job, QuickJob)
        assert job.fields == {
            "vibername_id": "7",
            "type_message": "BUTTON",
            "message": "text",
            "image_url": "https://e.com/a.png",
            "button": "Go",
            "button_link": "https://e.com",
            "forwarding_message": "1",
            "forwarding_time": "5",
            "alphaname_id": "9",
        }
        assert job.max_cost == Decimal("1.5")

    @pytest.mark.parametrize(
        ("change", "line"),
        [
            ({"vibername_id": None}, "vibername_id: is missing"),
            ({"message": None}, "message: is missing"),
            ({"type_message": "IMAGE", "message": "x"}, "image_url: is missing, and so is image: type_message is IMAGE"),
            ({"type_message": "BUTTON", "button": "Go"}, "button_link: is missing: type_message is BUTTON"),
            ({"type_message": "BUTTON", "button_link": "https://e.com"}, "button: is missing: type_message is BUTTON"),
            ({"type_message": "BUTTON", "button": "Go", "button_link": "https://e.com/" + "x" * 2000}, "button_link: longer than 150 characters"),
            ({"type_message": "VIDEO"}, "type_message: must be one of TEXT, IMAGE, BUTTON"),
            ({"forwarding_message": 1, "forwarding_time": 4}, "forwarding_time: must lie between 5 and 60"),
            ({"forwarding_message": 1, "forwarding_time": 61}, "forwarding_time: must lie between 5 and 60"),
            ({"forwarding_message": 2}, "forwarding_message: must be true or false, or 1 or 0"),
            ({"forwarding_time": 10}, "forwarding_time: can only be used with forwarding_message: 1"),
            ({"alphaname_id": 10}, "alphaname_id: can only be used with forwarding_message: 1"),
            ({"button": "Go"}, "button: has no place in a message of type TEXT"),
            ({"phone": "375291111111"}, "phone: give either phone or delivery_list"),
            ({"delivery_list": [{"phone": "375291111111", "text": "x"}]}, "delivery_list[0].text: belongs to the content in a bulk mailing"),
            ({"image": b"GIF89a", "image_url": "https://e.com/a.gif", "type_message": "IMAGE"}, "image: give either image or image_url"),
            ({"image": b"not an image", "type_message": "IMAGE"}, "image: must be a JPEG, PNG or GIF image"),
            ({"image": PNG + b"x" * 2_000_000, "type_message": "IMAGE"}, "image: is larger than 2000000 bytes"),
            ({"image": {"filename": "a.png", "base64": "???"}, "type_message": "IMAGE"}, "image: must hold the image as base64"),
            ({"image": Path("/no/such/file.png"), "type_message": "IMAGE"}, "image: cannot be read: No such file or directory"),
            ({"image": 5, "type_message": "IMAGE"}, "image: must be a path, bytes, a binary file, or {filename, base64}"),
        ],
    )  # fmt: skip
    def test_rule(self, change: dict[str, Any], line: str) -> None:
        assert line in lines(quick_job("375291111111", **change))

    def test_phone_that_is_none(self) -> None:
        job = {"kind": "quick", "vibername_id": 7, "message": "x", "phone": "12"}
        assert lines(job) == ["phone: is not a mobile phone number"]

    def test_image_in_every_form(self, tmp_path: Path) -> None:
        file = tmp_path / "a.png"
        file.write_bytes(PNG)
        named = io.BytesIO(PNG)
        named.name = "/somewhere/a.png"
        for image in (file, named, {"filename": "a.png", "base64": base64.b64encode(PNG).decode()}):
            job = load(quick_job("375291111111", type_message="IMAGE", image=image, message=None) | {"message": "x"})
            assert job.image == ImageFile("a.png", "image/png", PNG)
        assert "PNG" not in repr(job.image)


class TestList:
    """sendViberMessageList."""

    def test_all_options(self) -> None:
        job = load(list_job(3, name="spring", d_schedule="2030-05-01 10:00"))
        assert isinstance(job, ListJob)
        assert job.fields == {
            "vibername_id": "7",
            "type_message": "TEXT",
            "message": "list hello",
            "list_id": "3",
            "name": "spring",
            "d_schedule": "2030-05-01 10:00",
        }

    @pytest.mark.parametrize(
        ("change", "line"),
        [
            ({"list_id": None}, "list_id: is missing"),
            ({"vibername_id": "x"}, "vibername_id: must be a whole number"),
            ({"d_schedule": "2029-01-01 10:00"}, "d_schedule: is in the past"),
            ({"message": ""}, "message: must not be empty"),
            ({"type_message": "BUTTON"}, "button: is missing: type_message is BUTTON"),
            (
                {"delivery_list": ["375291111111"]},
                f"delivery_list: unknown field; did you mean a job of kind quick? There are: {', '.join(LIST_FIELDS)}",
            ),
        ],
    )
    def test_rule(self, change: dict[str, Any], line: str) -> None:
        assert line in lines(list_job(**change))


def test_documents_differ_when_jobs_do() -> None:
    jobs = [
        load(sample_job()),
        load(changed("messages", 0, "schedule_time", value="2040-10-30T22:57:00")),
        load(changed("messages", 3, "content", "text", value="other")),
        load(changed("callback_url", drop=True)),
        load(quick_job("375291111111")),
        load(quick_job("375291111111", max_recipients=5)),
    ]
    documents = [str(job_document(job)) for job in jobs]
    assert len(set(documents)) == len(documents)


def test_past_is_measured_from_the_given_now() -> None:
    job = changed("messages", 0, "schedule_time", value=NOW + timedelta(seconds=1))
    assert load(job).mailings[0].schedule_ms == (NOW + timedelta(seconds=1)).timestamp() * 1000


def test_a_mailing_without_a_name_has_the_jobs() -> None:
    one, two = bulk_job(phones(1)), bulk_job(phones(1))
    two["messages"] = [*two["messages"], *bulk_job(phones(1, 5))["messages"]]
    assert [m.name for m in load({**one, "name": "Spring sale"}).mailings] == ["Spring sale"]
    assert [m.name for m in load({**two, "name": "Spring sale"}).mailings] == ["Spring sale 1", "Spring sale 2"]
    assert [m.name for m in load(two).mailings] == ["mailing 1", "mailing 2"]


class TestAccount:
    """An account without a token is refused where the process that enqueues can know."""

    @pytest.mark.parametrize("account", [{"account": "other"}, {}], ids=["named", "default"])
    def test_without_a_token_among_others_that_have_one(self, account: dict[str, str]) -> None:
        with pytest.raises(JobError, match=r"has no token: set CAMPAIGNS_TOKEN.*; these have one: shop"):
            load_job(sample_job() | account, settings=Settings(accounts={"shop": Secret("t")}), now=NOW)

    def test_one_whose_token_other_processes_have(self) -> None:
        settings = Settings(accounts={"shop": Secret("t")}, other_accounts=frozenset({"web"}))
        assert load_job(sample_job() | {"account": "web"}, settings=settings, now=NOW).account == "web"
        with pytest.raises(JobError, match="these have one: shop, web"):
            load_job(sample_job() | {"account": "wbe"}, settings=settings, now=NOW)

    def test_any_case_names_it(self) -> None:
        job = load_job(sample_job() | {"account": "SHOP"}, settings=Settings(accounts={"shop": Secret("t")}), now=NOW)
        assert job.account == "shop"

    def test_a_process_without_tokens_enqueues_for_all(self) -> None:
        assert load_job(sample_job() | {"account": "other"}, settings=Settings(), now=NOW).account == "other"

    @pytest.mark.parametrize("account", ["нет", "a b", "", 7])
    def test_what_is_no_alias(self, account: Any) -> None:
        with pytest.raises(JobError, match="account: must be"):
            load_job(sample_job() | {"account": account}, settings=Settings(), now=NOW)
