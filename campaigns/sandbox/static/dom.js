// Making and updating elements. Whatever comes from messages goes in as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

// el("p", {class: "hint", onclick: f, hidden: true}, "text", child): null children are left out.
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function icon(name, paths, box = "0 0 16 16") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", box);
  svg.setAttribute("class", `icon ${name}`);
  svg.setAttribute("aria-hidden", "true");
  for (const d of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

// Lets `list` show `items`: an element per key is kept, moved as little as possible, and filled anew only when its
// item has changed, so that neither focus nor place is lost. `make(key)` makes one, `fill(element, item)` fills it.
export function keyed(list, items, key, make, fill) {
  const old = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const wanted = new Set(items.map((item) => String(key(item))));
  for (const [name, child] of old) if (!wanted.has(name)) child.remove();
  let place = list.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let child = old.get(name);
    if (!child) {
      child = make(item);
      child.dataset.key = name;
    }
    if (child === place) place = place.nextElementSibling;
    else list.insertBefore(child, place);
    const state = JSON.stringify(item);
    if (child.itsState !== state) {
      child.itsState = state;
      const act = child.contains(document.activeElement) ? document.activeElement.dataset.act : undefined;
      fill(child, item);
      if (act) child.querySelector(`[data-act="${act}"]`)?.focus();
    }
  }
}

// Sets what changes only if it does: screen readers and selections are left in peace.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setPairs(list, pairs) {
  const state = JSON.stringify(pairs);
  if (list.itsState === state) return;
  list.itsState = state;
  list.replaceChildren(...pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

// The sandbox's answer, or an Error with its words.
export async function ask(path, options = {}) {
  const answer = await fetch(path, { cache: "no-store", ...options });
  const document = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(document.error || `HTTP ${answer.status}`);
  return document;
}

export const post = (path, body) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

const HOURS = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const SECONDS = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAYS = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const DATES = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });
const LONG = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export function clock(ms, exact = false) {
  const [then, now] = [new Date(ms), new Date()];
  if (then.toDateString() === now.toDateString()) return (exact ? SECONDS : HOURS).format(then);
  return (then.getFullYear() === now.getFullYear() ? DAYS : DATES).format(then);
}

export function time(ms, exact = false) {
  return el("time", { datetime: new Date(ms).toISOString(), title: LONG.format(ms) }, clock(ms, exact));
}

export const count = (number) => new Intl.NumberFormat("en").format(number);
