// The report's threshold: how many samples would be answered, and how many of those are right.
"use strict";

const box = document.getElementById("threshold-box");
if (box) {
  const ranked = JSON.parse(box.dataset.ranked); // [probability, right], the surest first
  const slider = document.getElementById("threshold");
  const says = document.getElementById("threshold-says");
  const point = document.getElementById("at");
  const share = (value) => `${(100 * value).toFixed(1)}%`;

  const show = () => {
    const threshold = Number(slider.value);
    const answered = ranked.filter(([probability]) => probability >= threshold);
    const right = answered.filter(([, isRight]) => isRight).length;
    const words = {
      threshold: threshold.toFixed(3),
      answered: answered.length,
      all: ranked.length,
      right: answered.length ? share(right / answered.length) : "–",
      asked: ranked.length - answered.length,
    };
    says.textContent = says.dataset.text.replace(/\{(\w+)\}/g, (_, name) => words[name]);
    slider.setAttribute("aria-valuetext", says.textContent);
    point.toggleAttribute("hidden", !answered.length);
    if (answered.length) {
      const error = 1 - right / answered.length;
      point.setAttribute("cx", (box.dataset.width * answered.length) / ranked.length);
      point.setAttribute("cy", box.dataset.height * (1 - error / box.dataset.highest));
    }
  };
  slider.addEventListener("input", show);
  show();
}
