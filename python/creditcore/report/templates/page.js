"use strict";
// Language, appearance and paper: what every page does.

const root = document.documentElement;
const side = () => (root.lang === "en" ? 0 : 1);
const attributes = { label: "aria-label", place: "placeholder" };

function speak(tag) {
  root.lang = tag;
  const language = side() === 0 ? "en" : "zh";
  document.title = document.querySelector("title").dataset[language];
  for (const [name, attribute] of Object.entries(attributes)) {
    for (const element of document.querySelectorAll(`[data-${name}-en]`)) {
      element.setAttribute(attribute, element.getAttribute(`data-${name}-${language}`));
    }
  }
  press("[data-lang]", (button) => button.dataset.lang === tag);
  document.dispatchEvent(new Event("spoken"));
}

function press(buttons, isOn) {
  for (const button of document.querySelectorAll(buttons)) button.setAttribute("aria-pressed", String(isOn(button)));
}

for (const button of document.querySelectorAll("button[data-lang]")) {
  button.addEventListener("click", () => speak(button.dataset.lang));
}
for (const button of document.querySelectorAll("button[data-theme]")) {
  button.addEventListener("click", () => {
    if (button.dataset.theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = button.dataset.theme;
    press("button[data-theme]", (other) => other === button);
  });
}
window.addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details:not([open])")) {
    folded.open = true;
    folded.dataset.folded = "";
  }
});
window.addEventListener("afterprint", () => {
  for (const folded of document.querySelectorAll("details[data-folded]")) {
    folded.open = false;
    delete folded.dataset.folded;
  }
});

// An element with attributes and children; texts stay texts, whatever they hold.
function make(name, given, ...children) {
  const drawn = ["svg", "line", "circle", "rect"].includes(name);
  const made = drawn ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(given)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function both(pair) {
  if (pair[0] === pair[1]) return [document.createTextNode(pair[0])];
  return [make("span", { class: "en", lang: "en" }, pair[0]), make("span", { class: "zh", lang: "zh-CN" }, pair[1])];
}
