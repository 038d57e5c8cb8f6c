// Faults, requests and money.

import { byId, count, el, keyed, setPairs, setText } from "./dom.js";

const WHAT = {
  refuse: "answers 400: the content is refused",
  refuse_account: "answers 401: the token is refused",
  no_money: "answers that the account is empty",
  too_many: "answers 429",
  error_500_before: "answers 500",
  reset_before: "resets the connection",
  hang_before: "says nothing for so many seconds, then resets the connection",
  reset_after: "resets the connection",
  hang_after: "says nothing for so many seconds, then resets the connection",
  error_500_after: "answers 500",
  slow: "answers well, so many seconds late",
  drip: "answers a byte a second, for so many seconds",
  cut_headers: "ends within the headers",
  cut_body: "ends within the body",
  garbage: "answers what is no HTTP",
  html: "answers a page of HTML",
  redirect: "answers with a redirect",
  hide_listing: "answers as if nothing were there",
};
const GROUPS = { before: "Nothing happens at the gateway, and it", after: "The gateway carries it out, and then" };
const EXTRA = {
  delay: ["slow", "drip", "hang_before", "hang_after"],
  retry: ["too_many"],
  text: ["refuse", "refuse_account", "no_money"],
};
const SPEEDS = [1, 10, 60, 600];

let kinds = null;
let last = { at: 0, requests: {} };

function tellFault() {
  const name = byId("fault").elements.fault.value;
  const group = kinds.before.includes(name) ? GROUPS.before : GROUPS.after;
  setText(byId("fault-hint"), `${group} ${WHAT[name] || name}.`);
  for (const [part, names] of Object.entries(EXTRA)) {
    const label = document.querySelector(`[data-for="${part}"]`);
    label.hidden = !names.includes(name);
    label.querySelector("input").disabled = label.hidden;
  }
}

function fillForm(state) {
  if (kinds) return;
  kinds = state.kinds;
  const form = byId("fault").elements;
  for (const [kind, label] of Object.entries({ before: "Before the gateway does anything", after: "After it was carried out and paid" })) {
    form.fault.append(el("optgroup", { label }, ...kinds[kind].map((name) => el("option", { value: name }, name))));
  }
  form.fault.value = "reset_after";
  form.method.append(...["any", ...state.methods].map((name) => el("option", { value: name }, name === "any" ? "any method" : name)));
  form.fault.addEventListener("change", tellFault);
  tellFault();
}

// The order that the form describes.
export function ordered() {
  const form = byId("fault").elements;
  const order = {
    fault: form.fault.value,
    method: form.method.value,
    times: form.times.value === "" ? null : Number(form.times.value),
    probability: Number(form.probability.value) / 100,
  };
  if (!form.delay_s.disabled) order.delay_s = Number(form.delay_s.value);
  if (!form.retry_after.disabled && form.retry_after.value) order.retry_after = form.retry_after.value;
  if (!form.text.disabled && form.text.value) order.text = form.text.value;
  return order;
}

function showFaults(faults, withdraw) {
  keyed(
    byId("progress"),
    faults,
    (fault) => fault.id,
    () => el("li"),
    (row, fault) => {
      const left = fault.times === null ? "for ever" : `${count(fault.times)} left`;
      const chance = fault.probability < 1 ? `, ${+(fault.probability * 100).toFixed(2)} %` : "";
      const where = fault.method === "any" ? "any method" : fault.method;
      row.replaceChildren(
        el("span", {}, el("b", {}, fault.fault), ` in ${where}`, el("br"), el("span", { class: "small" }, `${left}${chance}, struck ${count(fault.struck)}×`)),
        el("button", { type: "button", "data-act": "off", onclick: () => withdraw(fault), "aria-label": `Switch ${fault.fault} off` }, "Off"),
      );
    },
  );
  byId("no-faults").hidden = faults.length > 0;
  byId("clear").hidden = faults.length === 0;
}

function showRequests(state) {
  const at = performance.now();
  const passed_s = Math.max((at - last.at) / 1000, 0.001);
  const rows = Object.keys(state.requests).sort().map((method) => {
    const more = Math.max(state.requests[method] - (last.requests[method] ?? state.requests[method]), 0);
    return { method, requests: state.requests[method], now: Math.round(more / passed_s), most: state.max_per_second[method] || 0 };
  });
  last = { at, requests: state.requests };
  keyed(byId("requests"), rows, (row) => row.method, () => el("tr"), (line, row) => {
    line.className = row.now ? "busy" : "";
    line.replaceChildren(el("th", { scope: "row" }, row.method), ...[row.requests, row.now, row.most].map((n) => el("td", {}, count(n))));
  });
  const none = rows.length === 0;
  setText(byId("at-once"), none ? "No request came yet." : `At most ${count(state.max_per_second.all || 0)} in one second, ${count(state.max_concurrency)} at once.`);
}

// Amounts as the gateway writes them: 0.04900 EUR.
const euros = (text) => `€ ${text.replace(" EUR", "").replace(/\B(?=(\d{3})+(?!\d)\.)/g, ",").replace(/(\.\d\d\d*?)0+$/, "$1")}`;

function showMoney(state) {
  const accounts = Object.entries(state.balances);
  const requests = Object.values(state.requests).reduce((sum, n) => sum + n, 0);
  const shown = accounts.length === 1 ? euros(accounts[0][1]) : accounts.length ? `${accounts.length} accounts` : euros(state.first_balance);
  setPairs(byId("figures"), [
    ["Balance", shown],
    ["Spent", euros(state.spent)],
    ["Messages", count(state.messages)],
    ["Requests", count(requests)],
  ]);
  const balances = accounts.map(([account, left]) => [accounts.length === 1 ? "Balance" : `Balance of token …${account.slice(-6)}`, euros(left)]);
  setPairs(byId("money"), [
    ...(balances.length ? balances : [["Balance of a new token", shown]]),
    ["Paid requests", count(state.paid_requests)],
    ["Paid messages", count(state.messages)],
    ["Mailings", count(state.mailings)],
    ["Paid", euros(state.spent)],
    ["Price of a message", `€ ${state.cost}`],
    ["Replies not fetched", count(state.unmarked_replies)],
  ]);
}

function showSpeed(speed) {
  const select = byId("speed");
  const speeds = [...new Set([...SPEEDS, speed])].sort((a, b) => a - b);
  if (select.options.length !== speeds.length) {
    select.replaceChildren(...speeds.map((n) => el("option", { value: n }, n === 1 ? "as in life" : `${n} × life`)));
  }
  if (document.activeElement !== select) select.value = String(speed);
}

// How the gateway answers: one of the dialects, or several that were joined by a call.
function showDialect(state) {
  const select = byId("dialect");
  const names = [...new Set([...Object.keys(state.dialects), state.dialect])];
  if (select.options.length !== names.length) select.replaceChildren(...names.map((name) => el("option", { value: name }, name)));
  if (document.activeElement !== select) select.value = state.dialect;
  setText(byId("dialect-hint"), `It ${state.dialects[state.dialect] || "does what these names say"}.`);
}

export function showState(state, withdraw) {
  fillForm(state);
  showFaults(state.faults, withdraw);
  showRequests(state);
  showMoney(state);
  showSpeed(state.speed);
  showDialect(state);
  const names = JSON.stringify(state.mailing_names);
  if (byId("names").itsState !== names) {
    byId("names").itsState = names;
    byId("names").replaceChildren(...state.mailing_names.map((name) => el("option", { value: name })));
  }
}
