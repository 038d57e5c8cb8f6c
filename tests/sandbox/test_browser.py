"""The sandbox's page in a real browser. Not part of the suite: `pytest -m browser`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from tests.support.browser import REBOUND, Browser
from tests.support.jobs import phones
from tests.support.page import HTML, button, send

pytestmark = pytest.mark.browser

CONTRAST = """(() => {
  const parts = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = parts(color).map((n) => n / 255).map((n) => (n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if (parts(color)[3] !== 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const weak = [];
  let seen = 0;
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility() || element.closest("button:disabled, option, datalist")) continue;
    const pair = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    seen += 1;
    if (ratio < 4.5) weak.push(`${ratio.toFixed(2)} ${node.data}`);
  }
  return seen > 20 ? weak : ["too little was seen"];
})()"""
NAMELESS = """[...document.querySelectorAll("button, input, select, textarea, a")]
  .filter((e) => e.checkVisibility() && !(e.textContent.trim() || e.ariaLabel || e.labels?.length)).map((e) => e.outerHTML)"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Nothing is delivered by itself."""
    with Sandbox(options=Options(speed=0.001)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def browser(started: Browser, sandbox: Sandbox) -> Iterator[Browser]:
    """Nothing was loaded from elsewhere, and nothing complained."""
    started.events.clear()
    yield started
    started.command("Page.navigate", url="about:blank")
    own = (sandbox.url, "about:", "data:")
    assert [url for url in started.asked_for() if not url.startswith(own)] == []
    assert started.complaints() == []


def address(sandbox: Sandbox, phone: str, sender_id: int = 444, **more: str) -> str:
    return f"{sandbox.url}/#{urlencode({'open': f'{phone}:{sender_id}', **more})}"


def text(selector: str) -> str:
    return f"(document.querySelector('{selector}')?.textContent ?? '')"


def test_text_stays_text(browser: Browser, sandbox: Sandbox) -> None:
    phone = phones(1)[0]
    send(
        sandbox,
        HTML,
        [phone],
        type="button",
        caption=HTML,
        button_link="https://a/<b>",
        image_url="https://a/<img>.jpg",
    )
    sandbox.reply(phone, HTML)
    browser.open(address(sandbox, phone, mailing=HTML))
    browser.until("document.querySelectorAll('#thread .bubble').length === 2")
    assert browser.value("document.querySelectorAll('main img, main script, main b b').length") == 0
    assert HTML in browser.value(text("#thread .text"))
    assert HTML in browser.value(text("#thread .press"))
    assert HTML in browser.value(text("#conversations .snippet"))


def test_a_recipient(browser: Browser, sandbox: Sandbox) -> None:
    """By keyboard alone: choose, press, answer; and then block."""
    phone, other = phones(2)
    button(sandbox, phone)
    send(sandbox, "newer", [other])
    browser.open(sandbox.url + "/")
    browser.until("document.querySelectorAll('#conversations li').length === 2")
    browser.value("document.querySelector('#conversations button').focus()")
    browser.key("ArrowDown")
    assert phone in browser.value("document.activeElement.textContent")
    browser.key("Enter", "\r")
    browser.until("document.querySelector('#thread .press')")
    browser.value("document.querySelector('#thread .press').focus()")
    browser.key("Enter", "\r")
    browser.until(text("#thread .bubble") + ".includes('pressed')")
    assert browser.value("document.activeElement.className") == "press"
    browser.value("document.querySelector('#reply-text').focus()")
    browser.type("Спасибо")
    browser.key("Enter", "\r")
    browser.until(text("#thread .out") + ".includes('Спасибо')")
    assert browser.value("document.querySelector('#reply-text').value") == ""
    assert {row["text"]: row["status"] for row in sandbox.ledger() if row["phone"] == phone} == {"Кнопка": "READ"}
    assert sandbox.summary()["unmarked_replies"] == 1
    browser.value("document.querySelector('#block').click()")
    browser.until("document.querySelector('#block').textContent === 'Unblock'")
    assert browser.value("document.querySelector('#reply-text').disabled")


def test_the_figures_in_the_head(browser: Browser, sandbox: Sandbox) -> None:
    send(sandbox, "a message", phones(2))
    browser.open(sandbox.url + "/")
    browser.until(text("#figures") + ".includes('Messages2')")
    shown = browser.value("[...document.querySelectorAll('#figures div')].map((pair) => pair.textContent)")
    assert [pair.split("€")[0].strip() for pair in shown] == ["Balance", "Spent", "Messages2", "Requests1"]
    assert shown[1] == "Spent€ 0.098"


def test_live(browser: Browser, sandbox: Sandbox) -> None:
    """New messages and new statuses show by themselves, and take away no focus."""
    phone, other = phones(2)
    send(sandbox, "first", [phone])
    browser.open(address(sandbox, phone))
    browser.until(text("#thread") + ".includes('first')")
    browser.value("document.querySelector('#conversations button').focus()")
    send(sandbox, "second", [phone, other])
    sandbox.read(phone)
    browser.until(text("#thread") + ".includes('second') && " + text("#thread") + ".includes('Read')")
    browser.until("document.querySelectorAll('#conversations li').length === 2")
    assert phone in browser.value("document.activeElement.textContent")


def test_filter_and_turn(browser: Browser, sandbox: Sandbox) -> None:
    send(sandbox, "all", phones(60))
    send(sandbox, "one", phones(1, start=80))
    browser.open(sandbox.url + "/")
    browser.until("document.querySelectorAll('#conversations li').length === 50")
    browser.value("document.querySelector('#older').click()")
    browser.until("document.querySelectorAll('#conversations li').length === 11")
    browser.value("document.querySelector('#filter [name=mailing]').focus()")
    browser.type("one")
    browser.until("document.querySelectorAll('#conversations li').length === 1")
    browser.value("document.querySelector('#filter [name=phone]').focus()")
    browser.type("+375 29 999")
    browser.until(text("#none") + " === 'Nothing fits.'")


def test_faults(browser: Browser, sandbox: Sandbox) -> None:
    browser.open(sandbox.url + "/")
    browser.until("document.querySelectorAll('#fault option').length > 25")
    browser.value("""(() => {
      const form = document.querySelector("#fault");
      form.elements.fault.value = "too_many";
      form.elements.fault.dispatchEvent(new Event("change"));
      form.elements.method.value = "sendBulkViber";
      form.elements.times.value = "";
      form.elements.probability.value = "5";
      form.elements.retry_after.value = "7";
      form.requestSubmit();
    })()""")
    browser.until(text("#progress") + ".includes('too_many')")
    [fault] = sandbox.service.faults.progress()
    wanted = {"method": "sendBulkViber", "times": None, "probability": 0.05, "retry_after": "7"}
    assert fault | wanted == fault
    browser.value("document.querySelector('#progress button').click()")
    browser.until("document.querySelectorAll('#progress li').length === 0")
    assert sandbox.service.faults.progress() == []


def test_money_and_dialect(browser: Browser, sandbox: Sandbox) -> None:
    send(sandbox, "hello", phones(1))
    browser.open(sandbox.url + "/#view=panel")
    browser.until("document.querySelectorAll('#dialect option').length > 5")
    browser.value("document.querySelector('#top-up').requestSubmit()")
    browser.until(text("#money") + ".includes('1,999.951')")
    browser.value("""(() => {
      const select = document.querySelector("#dialect");
      select.value = "plus";
      select.dispatchEvent(new Event("change"));
    })()""")
    browser.until(text("#dialect-hint") + ".includes('phones with a plus')")
    assert sandbox.service.state.options.dialect == "plus"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 860, 1440])
@pytest.mark.parametrize("view", ["list", "chat", "panel"])
def test_looks(browser: Browser, sandbox: Sandbox, view: str, width: int, scheme: str, tmp_path: Path) -> None:
    """Everything has a name and contrast, and nothing sticks out."""
    phone, lost = phones(1)[0], "375291009911"
    button(sandbox, phone)
    send(sandbox, "long" * 60, [phone, lost])
    sandbox.reply(phone, "да" * 60)
    sandbox.block(lost)
    sandbox.fault("reset_after", "sendBulkViber")
    browser.open(address(sandbox, phone, view=view), width=width, scheme=scheme)
    browser.until("document.querySelectorAll('#thread .bubble').length === 3 && document.querySelector('#progress li')")
    browser.value("Promise.all(document.getAnimations().map((animation) => animation.finished)).then(() => true)")
    (tmp_path / "page.png").write_bytes(browser.picture())
    assert browser.value(CONTRAST) == []
    assert browser.value(NAMELESS) == []
    assert browser.value("document.documentElement.scrollWidth") == width
    assert browser.value("document.documentElement.scrollHeight") <= 800


class _Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>elsewhere</title>")

    def log_message(self, *_: object) -> None:
        pass


ATTACK = """(async () => {
  const base = "%s", phone = "%s";
  const send = (path, method, body) => fetch(base + path, { method, body, mode: "no-cors" }).catch(() => {});
  await send("/_sandbox/faults", "POST", '{"fault": "refuse"}');
  await send("/_sandbox/reset", "POST", "{}");
  await send("/_sandbox/page/block", "POST", `{"phone": "${phone}"}`);
  await send(`/api/v2/sendQuickViberMessage?token=t&vibername_id=1&phone=${phone}&message=x`, "GET");
  const frame = Object.assign(document.createElement("iframe"), { name: "hidden", src: base + "/" });
  document.body.append(frame);
  await new Promise((done) => { frame.onload = frame.onerror = done; });
  const form = Object.assign(document.createElement("form"), { action: base + "/_sandbox/faults", method: "post", enctype: "text/plain", target: "hidden" });
  form.append(Object.assign(document.createElement("input"), { name: '{"fault": "refuse", "text": "', value: '"}' }));
  document.body.append(form);
  const loaded = new Promise((done) => { frame.onload = done; });
  form.submit();
  await Promise.race([loaded, new Promise((done) => setTimeout(done, 1000))]);
  return true;
})()"""


@pytest.mark.parametrize("host", ["127.0.0.1", REBOUND])
def test_pages_from_elsewhere(started: Browser, sandbox: Sandbox, host: str) -> None:
    """Neither a page on another port of this machine nor one of another name moves anything."""
    phone = phones(1)[0]
    send(sandbox, "hello", [phone])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        started.open(f"http://{host}:{server.server_port}/")
        started.value(ATTACK % (sandbox.url, phone))
    finally:
        server.shutdown()
        server.server_close()
    assert (sandbox.summary()["messages"], sandbox.service.faults.progress()) == (1, [])
    assert sandbox.service.state.blocked == set()


def test_a_name_that_was_made_to_point_here(started: Browser, sandbox: Sandbox) -> None:
    started.open(f"http://{REBOUND}:{urlsplit(sandbox.url).port}/")
    assert "neither loopback nor" in started.value("document.body.textContent")
    assert (
        started.value("fetch('/_sandbox/faults', {method: 'POST', body: '{}'}).then((answer) => answer.status)") == 403
    )
