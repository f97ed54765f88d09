// What all pages of the screen do. A form with `data-send` is sent without leaving the page: what comes back takes the
// place of the inside of the element that `data-into` names. Texts reach the page as the server's escaped HTML or as
// text nodes, never as script.
"use strict";

const token = document.querySelector("meta[name=csrf-token]")?.content ?? "";
const alertBox = document.getElementById("alert");
const statusBox = document.getElementById("status");

function tell(text) {
  alertBox.textContent = text;
  alertBox.hidden = !text;
  if (text) alertBox.scrollIntoView({ block: "nearest" });
}

/** Ask the server for something; gives the answer, or tells what went wrong and gives null. */
async function ask(address, body, headers = {}) {
  tell("");
  statusBox.textContent = document.body.dataset.working;
  try {
    const answer = await fetch(address, {
      method: "POST",
      body,
      headers: { "X-CSRF-Token": token, "Accept-Language": document.documentElement.lang, ...headers },
    });
    if (answer.ok) return answer;
    const problem = await answer.json();
    const said = answer.status === 401 ? document.body.dataset.signedOut : problem.detail;
    tell([said, ...(problem.faults ?? [])].join(" "));
  } catch {
    tell(document.body.dataset.failed);
  } finally {
    statusBox.textContent = "";
  }
  return null;
}

/** Put HTML that the server sent into an element, and tell the page's own script, with the form that it answers. */
function put(html, into, body) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  into.replaceChildren(...parsed.body.childNodes);
  into.dispatchEvent(new CustomEvent("screen:put", { bubbles: true, detail: body }));
  (into.querySelector("[data-focus]") ?? into).focus();
}

/** Send a form; other fields may go with it. */
async function send(form, button, more = []) {
  const body = new FormData(form, button);
  for (const [name, value] of more) body.append(name, value);
  const buttons = form.querySelectorAll("button");
  buttons.forEach((one) => (one.disabled = true));
  const answer = await ask(button?.getAttribute("formaction") ?? form.getAttribute("action"), body);
  buttons.forEach((one) => (one.disabled = false));
  if (!answer) return null;
  const go = answer.headers.get("X-Go");
  if (go) {
    location.assign(go);
    return null;
  }
  const into = document.getElementById(form.dataset.into);
  if (into) put(await answer.text(), into, body);
  return body;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !("send" in form.dataset)) return;
  event.preventDefault();
  send(form, event.submitter);
});

// A choice in a form of `data-at-once` is made at once; without scripts it has its button.
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form && "atOnce" in form.dataset) form.requestSubmit();
});

// Ctrl+Enter in a text of several lines sends its form.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});
