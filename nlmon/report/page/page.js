"use strict";
// What the reader chose (search, filter, the case that is open, frames of a timeline) stands in the fragment of
// the address, so that it can be sent to somebody else. Without this script all of the report is there to be read.

const cases = [...document.querySelectorAll(".case")];
const filter = document.getElementById("filter");
const fields = filter.elements;
const texts = new Map();
const ranges = new Map();

function later(work) {
  let waits = 0;
  return () => { cancelAnimationFrame(waits); waits = requestAnimationFrame(work); };
}

function number(value) { return value.toLocaleString("en"); }

function counted(value, word) { return `${number(value)} ${word}${value === 1 ? "" : "s"}`; }

function nameOf(one) { return (one.dataset.host ? one.dataset.host + " " : "") + one.dataset.case; }

// --- The address ---

function chosen() {
  const words = new URLSearchParams();
  if (fields.q.value.trim()) words.set("q", fields.q.value.trim());
  const outcomes = outcomesChosen();
  if (outcomes.length) words.set("outcome", outcomes.join(","));
  for (const name of ["direction", "class"]) if (fields[name]?.value) words.set(name, fields[name].value);
  const open = cases.find((one) => one === lastOpened && one.open);
  if (open) words.set("case", nameOf(open));
  const range = open && ranges.get(open);
  if (range?.brushed()) words.set("parts", range.brushed().join("-"));
  return words;
}

function outcomesChosen() {
  return [...filter.querySelectorAll("[name=outcome]:checked")].map((box) => box.value);
}

function remember() {
  const words = chosen().toString();
  if (words !== location.hash.slice(1)) history.replaceState(null, "", "#" + words);
}

function restore() {
  const text = location.hash.slice(1);
  if (text && !text.includes("=")) return show(document.getElementById(text));
  const words = new URLSearchParams(text);
  fields.q.value = words.get("q") ?? "";
  const outcomes = (words.get("outcome") ?? "").split(",");
  for (const box of filter.querySelectorAll("[name=outcome]")) box.checked = outcomes.includes(box.value);
  for (const name of ["direction", "class"]) if (fields[name]) fields[name].value = words.get(name) ?? "";
  const open = words.has("case") && cases.find((one) => nameOf(one) === words.get("case"));
  if (open) {
    lastOpened = open;
    open.open = true;
    draw(open);
    const parts = /^(\d+)-(\d+)$/.exec(words.get("parts") ?? "");
    if (parts) ranges.get(open)?.choose(Number(parts[1]), Number(parts[2]));
    open.scrollIntoView();
  }
  narrow();
}

function show(place) {
  if (!place) return;
  place.scrollIntoView();
  place.focus({ preventScroll: true });
}

// --- Search and filter ---

function textOf(one) {
  if (!texts.has(one)) texts.set(one, one.textContent.toLowerCase());
  return texts.get(one);
}

function narrow() {
  const words = fields.q.value.toLowerCase().split(/\s+/).filter(Boolean);
  const outcomes = outcomesChosen();
  const direction = fields.direction?.value;
  const cls = fields.class?.value;
  let shown = 0;
  for (const one of cases) {
    const { dataset } = one;
    const fits = (!outcomes.length || outcomes.includes(dataset.outcome))
      && (!direction || dataset.direction === direction)
      && (!cls || dataset.classes.split(" ").includes(cls))
      && words.every((word) => textOf(one).includes(word));
    one.hidden = !fits;
    shown += fits;
  }
  document.getElementById("shown").textContent = shown === cases.length
    ? `${counted(shown, "case")}, all shown.` : `${number(shown)} of ${counted(cases.length, "case")} shown.`;
}

let lastOpened = cases.find((one) => one.open);
const choose = later(() => { narrow(); remember(); });

filter.hidden = false;
filter.addEventListener("input", choose);
filter.addEventListener("submit", (event) => event.preventDefault());
filter.addEventListener("reset", () => setTimeout(choose));
for (const [id, open] of [["open-all", true], ["close-all", false]]) {
  document.getElementById(id).addEventListener("click", () => {
    for (const one of cases) if (!one.hidden) one.open = open;
  });
}
for (const one of cases) {
  one.querySelector("summary").addEventListener("click", () => {
    if (!one.open) lastOpened = one;
    setTimeout(remember);
  });
}

// Arrows go from case to case, "/" to the search; links inside of the page leave the address alone.
document.addEventListener("keydown", (event) => {
  const summary = document.activeElement?.closest(".case > summary");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (summary && step) {
    const shown = cases.filter((one) => !one.hidden);
    const next = shown[shown.indexOf(summary.parentElement) + step];
    if (next) { next.querySelector("summary").focus(); event.preventDefault(); }
  } else if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey
             && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "")) {
    fields.q.focus();
    event.preventDefault();
  }
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (!link) return;
  event.preventDefault();
  show(document.getElementById(link.getAttribute("href").slice(1)));
});

// --- The timeline ---

function timeline(figure) {
  const times = JSON.parse(figure.dataset.timeline);
  const one = figure.closest(".case");
  const chart = figure.querySelector(".chart");
  const brush = figure.querySelector(".brush");
  const from = figure.querySelector(".from");
  const to = figure.querySelector(".to");
  const output = figure.querySelector("output");
  const outside = one.querySelector(".outside");
  const parts = times.parts;
  let start = 0;

  function sum(list, first, last) {
    let total = 0;
    for (let part = first; part <= last; part += 1) total += list[part] ?? 0;
    return total;
  }

  function brushed() {
    const [first, last] = [from.valueAsNumber, to.valueAsNumber];
    return first > 0 || last < parts - 1 ? [first, last] : null;
  }

  function brushes() {
    const [first, last] = brushed() ?? [0, -1];
    brush.setAttribute("x", first);
    brush.setAttribute("width", last - first + 1);
    const frames = [first * times.frames + 1, Math.min((last + 1) * times.frames, times.last)];
    let left = 0;
    for (const difference of one.querySelectorAll(".difference")) {
      const frame = Number(difference.dataset.frame);
      difference.hidden = last >= 0 && (frame < frames[0] || frame > frames[1]);
      left += difference.hidden;
    }
    if (outside) {
      outside.hidden = !left;
      outside.textContent = `${number(left)} that first occur in other frames are not shown.`;
    }
    if (last < 0) { output.textContent = ""; return; }
    const counts = times.lanes.map(([name, events, lost]) => {
      const gone = sum(lost, first, last);
      return `${name} ${counted(sum(events, first, last), "event")}` + (gone ? ` and ${counted(gone, "message")} lost` : "");
    });
    const found = times.differences.map(([severity, list]) => [severity, sum(list, first, last)])
      .filter(([, count]) => count).map(([severity, count]) => counted(count, severity));
    output.textContent = `Frames ${number(frames[0])} to ${number(frames[1])}: ${counts.join(", ")}; `
      + `${found.join(", ") || "no warning, no regression"}.`;
  }

  function choose(first, last) {
    from.value = Math.min(first, last);
    to.value = Math.max(first, last);
    brushes();
  }

  function partAt(event) {
    const box = chart.getBoundingClientRect();
    return Math.max(0, Math.min(parts - 1, Math.floor((event.clientX - box.left) / box.width * parts)));
  }

  const changed = later(() => { brushes(); lastOpened = one; remember(); });
  chart.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    start = partAt(event);
    chart.setPointerCapture(event.pointerId);
    choose(start, start);
  });
  chart.addEventListener("pointermove", (event) => {
    if (chart.hasPointerCapture(event.pointerId)) choose(start, partAt(event));
  });
  chart.addEventListener("pointerup", changed);
  // The two ends do not pass one another.
  from.addEventListener("input", () => { if (from.valueAsNumber > to.valueAsNumber) to.value = from.value; changed(); });
  to.addEventListener("input", () => { if (to.valueAsNumber < from.valueAsNumber) from.value = to.value; changed(); });
  figure.querySelector(".clear").addEventListener("click", () => { choose(0, parts - 1); changed(); });
  figure.querySelector(".range").hidden = false;
  ranges.set(one, { brushed, choose });
}

// A timeline is made ready when its case is opened: a page may have many.
function draw(one) {
  const figure = !ranges.has(one) && one.querySelector(".timeline");
  if (figure) timeline(figure);
}

for (const one of cases) {
  one.addEventListener("toggle", () => { if (one.open) draw(one); });
  if (one.open) draw(one);
}

// --- Attributes and their bytes ---

// A line has the offset and two spaces, sixteen bytes of three characters, a space, and sixteen characters of ASCII.
function placeOf(byte) { return Math.floor(byte / 16) * (10 + 48 + 1 + 16) + 10 + (byte % 16) * 3; }

function pointAt(root, place) {
  const nodes = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (nodes.nextNode()) {
    if (place <= nodes.currentNode.length) return [nodes.currentNode, place];
    place -= nodes.currentNode.length;
  }
  return [root, root.childNodes.length];
}

document.addEventListener("click", (event) => {
  const button = event.target.closest(".tree button");
  if (!button) return;
  const message = button.closest(".message");
  const pressed = button.getAttribute("aria-pressed") !== "true";
  for (const other of document.querySelectorAll(".tree button[aria-pressed=true]")) other.setAttribute("aria-pressed", "false");
  globalThis.CSS?.highlights?.delete("attribute");
  if (!pressed) return;
  button.setAttribute("aria-pressed", "true");
  if (!globalThis.CSS?.highlights) return;
  const bytes = message.querySelector(".bytes");
  const [first, length] = [Number(button.dataset.offset), Number(button.dataset.length)];
  const found = [];
  for (let byte = first; byte < first + length; byte = (Math.floor(byte / 16) + 1) * 16) {
    const end = Math.min(first + length, (Math.floor(byte / 16) + 1) * 16);
    const range = document.createRange();
    range.setStart(...pointAt(bytes, placeOf(byte)));
    range.setEnd(...pointAt(bytes, placeOf(end - 1) + 2));
    found.push(range);
  }
  CSS.highlights.set("attribute", new Highlight(...found));
  found[0]?.startContainer.parentElement.scrollIntoView({ block: "nearest" });
});

// --- Copy ---

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

for (const button of document.querySelectorAll(".copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await copy(button.parentElement.querySelector("code").textContent);
    button.textContent = "Copied";
    button.focus();
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

// --- Light and dark ---

const themes = { "": "as the system", light: "light", dark: "dark" };
const theme = document.getElementById("theme");

function paint(name) {
  document.documentElement.dataset.theme = name;
  theme.querySelector("span").textContent = themes[name];
}

// A page of a file may have no storage.
function stored(...value) {
  try {
    return value.length ? localStorage.setItem("nlmon-theme", value[0]) : localStorage.getItem("nlmon-theme");
  } catch {
    return null;
  }
}

theme.hidden = false;
theme.addEventListener("click", () => {
  const names = Object.keys(themes);
  const next = names[(names.indexOf(document.documentElement.dataset.theme ?? "") + 1) % names.length];
  paint(next);
  stored(next);
});
const last = stored() ?? "";
paint(Object.hasOwn(themes, last) ? last : "");

window.addEventListener("hashchange", restore);
restore();
