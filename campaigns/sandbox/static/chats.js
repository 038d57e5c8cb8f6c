// The conversations, and the phone that shows one.

import { byId, clock, count, el, icon, keyed, setText, time } from "./dom.js";

const TICK = "M1 8.5 4.2 12 10.6 4.5";
const SECOND_TICK = "M7.4 10.9 8.4 12 15 4.5";
const LOST = { UNDELIVERED: "Not delivered", EXPIRED: "Expired", BLOCKED: "Blocked", REJECTED: "Rejected" };
const WORDS = { NEW: "New", SENT: "Sent", DELIVERED: "Delivered", READ: "Read", ...LOST };

const word = (item) => (item.scheduled ? "Scheduled" : WORDS[item.status] || item.status);
export const keyOf = (item) => `${item.phone}:${item.sender_id}`;
const sender = (id) => `Alphaname ${id}`;

function ticks(item) {
  const paths = { SENT: [TICK], DELIVERED: [TICK, SECOND_TICK], READ: [TICK, SECOND_TICK] }[item.status];
  if (paths && !item.scheduled) return icon(`ticks ${item.status.toLowerCase()}`, paths);
  if (item.status in LOST) return icon("ticks lost", ["M8 4v5", "M8 11.5v.5", "M8 1.5a6.5 6.5 0 1 0 .01 0z"]);
  return icon("ticks", ["M8 1.5a6.5 6.5 0 1 0 .01 0z", "M8 4.5V8l2.5 1.5"]);
}

function snippet(item) {
  if (item.reply !== null) return `↩ ${item.reply}`;
  return item.text || item.button || item.image_name || item.image_url || "";
}

function avatar(id) {
  return el("span", { class: `avatar hue${id % 6}`, "aria-hidden": "true" }, String(id).slice(-3));
}

// `choose(item)` is called when a conversation is opened.
export function showConversations(answer, open, choose) {
  const list = byId("conversations");
  keyed(
    list,
    answer.conversations,
    keyOf,
    (item) => el("li", {}, el("button", { type: "button", class: "conversation", onclick: () => choose(item) })),
    (row, item) => {
      const name = item.mailing || item.kind;
      row.firstElementChild.replaceChildren(
        avatar(item.sender_id),
        el("span", { class: "line" }, el("b", {}, item.phone), item.blocked ? el("i", { class: "tag" }, "blocked") : null, time(item.at_ms)),
        el("span", { class: "line" }, el("span", { class: "snippet", dir: "auto" }, snippet(item)), ticks(item), el("span", { class: "unseen" }, word(item))),
        el("span", { class: "line small" }, `${sender(item.sender_id)} · `, el("span", { dir: "auto" }, name)),
      );
    },
  );
  for (const row of list.children) row.firstElementChild.setAttribute("aria-current", String(row.dataset.key === open));
}

// Up and down walk through the list, as on a phone.
export function walk(event) {
  const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  const row = event.target.closest("li");
  if (!step || !row) return;
  event.preventDefault();
  row[step]?.firstElementChild.focus();
}

function picture(item) {
  if (!item.image && !item.image_url) return null;
  const what = item.image ? `${item.image_name || "picture"}, ${count(item.image.bytes)} bytes` : item.image_url;
  const shape = icon("picture", ["M1.5 2.5h13v11h-13z", "M1.5 11.5 6 7l3.5 3.5L11 9l3.5 3", "M10.5 5.5v.01"]);
  return el("span", { class: "image" }, shape, el("span", { class: "address" }, what));
}

function link(address) {
  const safe = /^https?:\/\//i.test(address);
  if (!address || !safe) return el("span", { class: "address" }, address);
  return el("a", { class: "address", href: address, target: "_blank", rel: "noopener noreferrer", "data-act": "link" }, address);
}

function fillMessage(row, item, press) {
  const lost = item.status in LOST;
  row.className = `bubble in${lost ? " lost" : ""}`;
  const state = word(item) + (item.error_code ? `, error ${item.error_code}` : "");
  const parts = [picture(item), item.text ? el("p", { class: "text", dir: "auto" }, item.text) : null];
  if (item.button) {
    parts.push(el("button", { type: "button", class: "press", "data-act": "press", dir: "auto", disabled: lost, onclick: () => press(item) }, item.button));
    parts.push(link(item.button_link));
    if (item.pressed_at_ms) parts.push(el("p", { class: "small" }, `pressed ${clock(item.pressed_at_ms, true)}`));
  }
  const meta = el("p", { class: "meta" }, el("span", { class: "mailing", dir: "auto" }, item.mailing || item.kind));
  if (item.sms) meta.append(el("i", { class: "tag" }, "went on as SMS"));
  meta.append(el("span", { class: "state" }, `${state} `, time(item.scheduled ? item.at_ms : item.status_at_ms, true), ticks(item)));
  row.replaceChildren(...parts.filter((part) => part !== null), meta);
}

function fillReply(row, item) {
  row.className = "bubble out";
  const state = item.fetched ? ", fetched" : ", not fetched yet";
  row.replaceChildren(
    el("p", { class: "text", dir: "auto" }, item.text),
    el("p", { class: "meta" }, el("span", {}, time(item.at_ms, true), state)),
  );
}

export function showThread(thread, press) {
  setText(byId("chat-title"), sender(thread.sender_id));
  setText(byId("chat-phone"), `on ${thread.phone}${thread.blocked ? ", blocked" : ""}`);
  const box = byId("thread-box");
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  const list = byId("thread");
  const other = list.dataset.of !== keyOf(thread);
  list.dataset.of = keyOf(thread);
  const key = (item) => (item.is === "reply" ? `r${item.id}` : `m${item.delivery_id}`);
  keyed(list, thread.items, key, () => el("li"), (row, item) =>
    item.is === "reply" ? fillReply(row, item) : fillMessage(row, item, press),
  );
  byId("thread-hint").hidden = thread.items.length > 0;
  setText(byId("thread-hint"), "Nothing here.");
  byId("earlier").hidden = !thread.more;
  const block = byId("block");
  setText(block, thread.blocked ? "Unblock" : "Block");
  block.setAttribute("aria-pressed", String(thread.blocked));
  for (const id of ["only", "mark", "block"]) byId(id).hidden = false;
  const unread = (item) => item.is === "message" && !item.scheduled && item.status !== "READ" && !(item.status in LOST);
  byId("mark").disabled = !thread.items.some(unread);
  byId("reply").hidden = !thread.items.some((item) => item.is === "message" && !item.scheduled);
  byId("reply-text").disabled = thread.blocked;
  if (other || atEnd) box.scrollTop = box.scrollHeight;
}

export function showNoThread() {
  setText(byId("chat-title"), "Phone");
  setText(byId("chat-phone"), "");
  byId("thread").replaceChildren();
  byId("thread").dataset.of = "";
  setText(byId("thread-hint"), "Choose a conversation to see what the phone shows.");
  byId("thread-hint").hidden = false;
  for (const id of ["only", "mark", "block", "earlier", "reply"]) byId(id).hidden = true;
}
