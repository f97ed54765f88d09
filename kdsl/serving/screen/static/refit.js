// While a candidate is being made, the page asks how far it is; focus stays where it was.
"use strict";

const candidate = document.getElementById("candidate");
const EVERY = 2000;

async function look() {
  if (candidate.querySelector("[data-state=running]")) {
    try {
      const answer = await fetch(candidate.dataset.address, {
        method: "POST",
        headers: { "X-CSRF-Token": token, "Accept-Language": document.documentElement.lang },
      });
      const html = await answer.text();
      const inside = candidate.contains(document.activeElement);
      if (answer.ok && !(inside && document.activeElement.disabled)) {
        const parsed = new DOMParser().parseFromString(html, "text/html");
        const state = parsed.querySelector("[data-state]")?.dataset.state;
        // a button that is about to be pressed stays; what it stands among is written anew once there is news
        if (state !== "running") put(html, candidate);
        else candidate.querySelector("pre")?.replaceChildren(...(parsed.querySelector("pre")?.childNodes ?? []));
      }
    } catch {
      tell(document.body.dataset.failed);
    }
  }
  setTimeout(look, EVERY);
}

look();
