// The page that predicts: pictures by choice, drop or paste, examples, and the pictures that were sent beside their boxes.
"use strict";

const form = document.getElementById("sample");
const files = document.getElementById("pictures");
const drop = document.getElementById("drop");
const chosen = document.getElementById("chosen");
let addresses = [];

function setFiles(list) {
  const transfer = new DataTransfer();
  for (const file of list.slice(0, Number(files.dataset.most))) transfer.items.add(file);
  files.files = transfer.files;
  show();
}

function show() {
  addresses.forEach((address) => URL.revokeObjectURL(address));
  addresses = [...files.files].map((file) => URL.createObjectURL(file));
  chosen.replaceChildren(
    ...addresses.map((address, index) => {
      const image = document.createElement("img");
      image.src = address;
      image.alt = chosen.dataset.picture.replace("{number}", index + 1);
      const item = document.createElement("li");
      item.append(image);
      return item;
    }),
  );
}

const pictures = (transfer) => [...transfer.files].filter((file) => file.type.startsWith("image/"));

files.addEventListener("change", show);
form.addEventListener("reset", () => {
  document.getElementById("found").replaceChildren();
  setTimeout(show);
});
document.addEventListener("paste", (event) => {
  const found = pictures(event.clipboardData);
  if (found.length) setFiles([...files.files, ...found]);
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", () => drop.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  setFiles([...files.files, ...pictures(event.dataTransfer)]);
});

for (const button of document.querySelectorAll("button.example")) {
  button.addEventListener("click", async () => {
    const { task, text, pictures, address } = button.dataset;
    const list = [];
    for (let number = 0; number < Number(pictures); number++) {
      const answer = await fetch(address + number);
      if (answer.ok) list.push(new File([await answer.blob()], `${number}.png`, { type: "image/png" }));
    }
    form.elements.task.value = task;
    form.elements.dialogue.value = text;
    setFiles(list);
    form.requestSubmit();
  });
}

// What was predicted is what a correction is about, whatever the form says by then.
let sent = null;
let urls = [];
form.addEventListener("submit", () => {
  sent = [...new FormData(form)];
});
document.getElementById("found").addEventListener("screen:put", (event) => {
  if (event.target.id !== "found") return;
  urls.forEach((url) => URL.revokeObjectURL(url));
  const own = sent.filter(([name, value]) => name === "pictures" && value.size);
  urls = own.map(([, file]) => URL.createObjectURL(file));
  for (const image of event.target.querySelectorAll("img[data-sent]")) image.src = urls[Number(image.dataset.sent)];
});
document.addEventListener("submit", (event) => {
  if (event.target.dataset.with !== "sample") return;
  event.preventDefault();
  send(event.target, event.submitter, sent);
}, true);
