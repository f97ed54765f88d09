// The queue by keyboard: a key presses the button that names it. Keys of other keyboards' layouts are what they write.
"use strict";

const on = document.getElementById("keys");

document.addEventListener("keydown", (event) => {
  if (!on.checked || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
  const wanted = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const found = [...document.querySelectorAll("#queued button[data-key]")].find((one) => one.dataset.key === wanted);
  if (!found || found.disabled) return;
  event.preventDefault();
  found.click();
});
