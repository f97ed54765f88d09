// The page that predicts: pictures by choice, drop or paste, examples, and the pictures that were sent beside their boxes.
"use strict";

const form = document.getElementById("sample");
const files = document.getElementById("pictures");
const drop = document.getElementById("drop");
const chosen = document.getElementById("chosen");
let addresses = [];

function setFiles(list) {
  const transfer = new DataTransfer();
  const most = Number(files.dataset.most);
  for (const file of list.slice(0, most)) transfer.items.add(file);
  files.files = transfer.files;
  tell(list.length > most ? files.dataset.tooMany : "");
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

files.addEventListener("change", () => setFiles([...files.files]));
form.addEventListener("reset", () => {
  found.replaceChildren();
  tell("");
  setTimeout(show);
});
// Cells of a spreadsheet are copied as text, as a page and as a picture of both: their text is meant.
const written = (transfer) => transfer.getData("text/plain") && transfer.getData("text/html");
document.addEventListener("paste", (event) => {
  const { files: pasted } = event.clipboardData;
  if (!pasted.length || written(event.clipboardData)) return;
  event.preventDefault(); // a copied file's name is no part of the dialogue
  setFiles([...files.files, ...pasted]);
});
// What a file is, the server tells by its content. Text that is dragged goes where it is dropped.
const dragsFiles = (event) => event.dataTransfer.types.includes("Files");
document.addEventListener("dragstart", (event) => {
  if (event.target.localName === "img") event.preventDefault(); // the page's own pictures are there already
});
document.addEventListener("dragover", (event) => {
  if (!dragsFiles(event)) return;
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over"); // else it only goes to another part of the page
});
document.addEventListener("drop", (event) => {
  drop.classList.remove("over");
  if (!dragsFiles(event)) return;
  event.preventDefault();
  const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
  const dropped = items.filter((item) => !item.webkitGetAsEntry()?.isDirectory).map((item) => item.getAsFile());
  setFiles([...files.files, ...dropped]);
  if (dropped.length < items.length) tell(files.dataset.folder);
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

// What was predicted is what a correction is about, whatever the form says by then, and whatever was sent since: a
// result goes when the next sample is sent, so that none stands beside the text or the error of another.
let sent = null;
let urls = [];
const found = document.getElementById("found");
form.addEventListener("submit", () => found.replaceChildren());
found.addEventListener("screen:put", (event) => {
  if (event.target !== found) return;
  sent = [...event.detail];
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
