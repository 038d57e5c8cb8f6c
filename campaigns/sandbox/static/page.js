// The page: asks the sandbox every second, shows what it answers, and sends what a person does.

import { keyOf, showConversations, showNoThread, showThread, walk } from "./chats.js";
import { ask, byId, post, setText } from "./dom.js";
import { ordered, showState } from "./panel.js";

const EVERY_MS = 1000;
const ROWS = 50;
const PAGE = "/_sandbox/page/";

const view = { phone: "", mailing: "", offset: 0, open: null, messages: ROWS, go: "list" };
let round = 0;
let timer = 0;
let troubleUntil = 0;

// What is looked at stands in the address, so that it survives a reload and can be handed on.
function remember() {
  const kept = new URLSearchParams();
  for (const name of ["phone", "mailing"]) if (view[name]) kept.set(name, view[name]);
  if (view.offset) kept.set("offset", view.offset);
  if (view.open) kept.set("open", keyOf(view.open));
  if (view.go !== "list") kept.set("view", view.go);
  history.replaceState(null, "", kept.size ? `#${kept}` : location.pathname);
}

function recall() {
  const kept = new URLSearchParams(location.hash.slice(1));
  view.phone = kept.get("phone") || "";
  view.mailing = kept.get("mailing") || "";
  view.offset = Number.parseInt(kept.get("offset"), 10) || 0;
  const [, phone, sender] = /^(\d{9,15}):(\d{1,15})$/.exec(kept.get("open") || "") || [];
  view.open = phone ? { phone, sender_id: Number(sender) } : null;
  byId("filter").elements.phone.value = view.phone;
  byId("filter").elements.mailing.value = view.mailing;
  go(["list", "chat", "panel"].includes(kept.get("view")) ? kept.get("view") : "list");
}

function go(name) {
  view.go = name;
  document.body.dataset.view = name;
  for (const button of document.querySelectorAll(".views button")) {
    button.setAttribute("aria-current", button.dataset.go === name ? "page" : "false");
  }
}

function trouble(text) {
  byId("trouble").hidden = !text;
  setText(byId("trouble"), text);
  troubleUntil = text ? Date.now() + 6000 : 0;
}

async function look() {
  const mine = ++round;
  clearTimeout(timer);
  const filter = new URLSearchParams({ phone: view.phone, mailing: view.mailing, offset: view.offset, limit: ROWS });
  const open = view.open && new URLSearchParams({ phone: view.open.phone, sender: view.open.sender_id, limit: view.messages });
  try {
    const [state, list, thread] = await Promise.all([
      ask(`${PAGE}state`),
      ask(`${PAGE}conversations?${filter}`),
      open ? ask(`${PAGE}thread?${open}`) : null,
    ]);
    if (mine !== round) return;
    if (troubleUntil && Date.now() > troubleUntil) trouble("");
    show(state, list, thread);
  } catch (error) {
    if (mine !== round) return;
    setText(byId("live"), "no answer");
    byId("live").className = "off";
    console.warn(error);
  }
  timer = setTimeout(look, document.hidden ? EVERY_MS * 10 : EVERY_MS);
}

function show(state, list, thread) {
  setText(byId("live"), "live");
  byId("live").className = "on";
  showState(state, (fault) => act(() => ask(`/_sandbox/faults/${fault.id}`, { method: "DELETE" })));
  showConversations(list, view.open && keyOf(view.open), choose);
  const rows = list.conversations.length;
  const none = byId("none");
  none.hidden = rows > 0;
  byId("conversations").hidden = rows === 0;
  const nothing = state.messages ? "Nothing fits." : `No message yet. Send one: CAMPAIGNS_GATEWAY_URL=${location.origin}`;
  setText(none, view.offset ? "Nothing further." : nothing);
  byId("newer").disabled = view.offset === 0;
  byId("older").disabled = !list.more;
  setText(byId("where"), rows ? `${view.offset + 1} to ${view.offset + rows}` : "");
  if (thread) showThread(thread, (item) => act(() => post(`${PAGE}press`, { phone: item.phone, message_id: item.message_id })));
  else showNoThread();
}

// Does something and looks at once; what the sandbox refuses is said.
async function act(what) {
  try {
    await what();
    trouble("");
  } catch (error) {
    trouble(error.message);
  }
  await look();
}

function choose(item) {
  view.open = { phone: item.phone, sender_id: item.sender_id };
  view.messages = ROWS;
  go("chat");
  remember();
  look().then(() => matchMedia("(max-width: 699px)").matches && byId("thread-box").focus());
}

function turn(step) {
  view.offset = Math.max(view.offset + step, 0);
  remember();
  byId("conversations").scrollTop = 0;
  look();
}

function filtered() {
  const form = byId("filter").elements;
  view.phone = form.phone.value.replace(/\D/g, "");
  view.mailing = form.mailing.value;
  view.offset = 0;
  remember();
  clearTimeout(timer);
  round += 1; // an answer to the filter before is not shown any more
  timer = setTimeout(look, 150);
}

async function sendReply(event) {
  event.preventDefault();
  const text = byId("reply-text");
  const newest = [...byId("thread").children].map((row) => JSON.parse(row.itsState)).filter((item) => item.is === "message" && !item.scheduled).pop();
  if (!newest || !text.value.trim()) return;
  await act(async () => {
    await post(`${PAGE}reply`, { phone: newest.phone, message_id: newest.message_id, text: text.value });
    text.value = "";
  });
  byId("thread-box").scrollTop = byId("thread-box").scrollHeight;
}

function listen() {
  for (const button of document.querySelectorAll("[data-go]")) {
    button.addEventListener("click", () => {
      go(button.dataset.go);
      remember();
    });
  }
  const on = (id, event, handler) => byId(id).addEventListener(event, handler);
  on("filter", "input", filtered);
  on("filter", "submit", (event) => event.preventDefault());
  on("conversations", "keydown", walk);
  on("newer", "click", () => turn(-ROWS));
  on("older", "click", () => turn(ROWS));
  on("earlier", "click", () => {
    view.messages += ROWS;
    look();
  });
  on("only", "click", () => {
    byId("filter").elements.phone.value = view.open.phone;
    filtered();
    go("list");
  });
  on("mark", "click", () => act(() => post(`${PAGE}read`, view.open)));
  on("block", "click", (event) => {
    const blocked = event.currentTarget.getAttribute("aria-pressed") !== "true";
    act(() => post(`${PAGE}block`, { phone: view.open.phone, blocked }));
  });
  on("reply", "submit", sendReply);
  on("reply-text", "keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) sendReply(event);
  });
  on("fault", "submit", (event) => {
    event.preventDefault();
    act(() => post("/_sandbox/faults", ordered()));
  });
  on("clear", "click", () => act(() => ask("/_sandbox/faults", { method: "DELETE" })));
  on("speed", "change", (event) => act(() => post("/_sandbox/settings", { speed: Number(event.target.value) })));
  on("dialect", "change", (event) => act(() => post("/_sandbox/settings", { dialect: event.target.value })));
  on("top-up", "submit", (event) => {
    event.preventDefault();
    act(() => post("/_sandbox/balance", { amount: event.target.elements.amount.value }));
  });
  on("reset", "click", () => {
    if (!confirm("Forget all messages, money, requests and faults?")) return;
    view.open = null;
    view.offset = 0;
    remember();
    act(() => post("/_sandbox/reset", {}));
  });
  document.addEventListener("visibilitychange", () => document.hidden || look());
}

recall();
listen();
look();
