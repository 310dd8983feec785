// What the pages do in a browser. Without it they can be read all the same; only compare.html needs it.
"use strict";

const ROOT = document.documentElement.dataset.content_root;

function element(name, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

// Scripts are loaded where a page needs them: its own, so that nothing leaves the site, and classic ones, which a browser
// also takes from a folder.
function load(file) {
  return new Promise((resolve, reject) => {
    document.head.append(element("script", { src: `${ROOT}_static/${file}`, onload: resolve, onerror: reject }));
  });
}

// What the copy button takes: of a console the commands alone, without the $ and without what they print.
function copied(block) {
  const text = block.querySelector("pre").textContent.trimEnd();
  if (!block.closest(".highlight-console")) return text;
  let goesOn = false; // a line that ends with a backslash
  const commands = text.split("\n").filter((line) => {
    const command = goesOn || line.startsWith("$ ");
    goesOn = command && line.endsWith("\\");
    return command;
  });
  return commands.map((line) => line.replace(/^\$ /, "")).join("\n");
}

function addCopyButtons(within) {
  for (const block of within.querySelectorAll("div.highlight")) {
    const button = element("button", { type: "button", className: "copy" }, "Copy");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(copied(block));
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    block.append(button);
  }
}

// What scrolls can be reached with the keyboard.
function markScrolling() {
  for (const box of document.querySelectorAll("pre, .table-wrapper")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

// Furo opens the navigation and the contents with labels, which a mouse reaches and a keyboard does not.
function openWithKeys() {
  for (const label of document.querySelectorAll("label[for^=__]:not(.overlay)")) {
    Object.assign(label, { tabIndex: 0, role: "button", ariaLabel: document.getElementById(label.htmlFor).ariaLabel });
    label.addEventListener("keydown", (event) => { if (event.key === "Enter") label.click(); });
  }
}

// Drawings, in the colours of the page.
async function draw() {
  const drawings = [...document.querySelectorAll("pre.mermaid")];
  if (!drawings.length) return;
  const texts = drawings.map((drawing) => drawing.textContent);
  await load("mermaid.tiny.js");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  let shown;
  async function drawAll() {
    const { theme } = document.body.dataset;
    const wanted = theme === "dark" || (theme !== "light" && prefersDark.matches) ? "dark" : "default";
    if (wanted === shown) return;
    shown = wanted;
    const { fontFamily } = getComputedStyle(document.body);
    const flowchart = { inheritDir: true, wrappingWidth: 220 };
    mermaid.initialize({ startOnLoad: false, theme: wanted, fontFamily, flowchart });
    for (const [number, drawing] of drawings.entries()) {
      const { svg } = await mermaid.render(`drawing-${number}`, texts[number]);
      drawing.innerHTML = svg;
      const heading = drawing.closest("section").querySelector("h1, h2, h3").firstChild.textContent;
      drawing.firstChild.setAttribute("aria-label", `Drawing: ${heading}`);
    }
  }
  await drawAll();
  new MutationObserver(drawAll).observe(document.body, { attributeFilter: ["data-theme"] });
  prefersDark.addEventListener("change", drawAll);
}

// The longest common subsequence of two lists of lines, as pairs of what is only in the old one (-1), in both (0), and
// only in the new one (1), and the number of the line there.
function difference(before, after) {
  const [old, now] = [before, after].map((lines) => lines.map((line) => line.replace(/<[^>]+>/g, "")));
  const lengths = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      lengths[i][j] = old[i] === now[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const found = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) { found.push([0, j]); i++; j++; }
    else if (i < old.length && (j === now.length || lengths[i + 1][j] >= lengths[i][j + 1])) found.push([-1, i++]);
    else found.push([1, j++]);
  }
  return found;
}

const AROUND = 3; // lines that are shown before and after what changed

function pre(spans) {
  const block = element("div", { className: "highlight" }, element("pre", { className: "lines" }, ...spans));
  return block;
}

function line(html, kind = "", sign = "") {
  const span = element("span", { className: kind, innerHTML: html || " " });
  span.prepend(sign);
  return span;
}

const VIEWS = {
  changed: ["what changed", ({ before, after }) => {
    const all = difference(before.lines, after.lines);
    const near = (at) => all.slice(Math.max(0, at - AROUND), at + AROUND + 1).some(([kind]) => kind);
    const spans = [];
    let gap = true;
    all.forEach(([kind, number], at) => {
      if (near(at)) {
        if (kind < 0) spans.push(line(before.lines[number], "old", "-"));
        else spans.push(line(after.lines[number], kind ? "new" : "", kind ? "+" : " "));
      } else if (!gap) spans.push(line("…", "gap"));
      gap = !near(at);
    });
    return pre(spans);
  }],
  whole: ["whole file", ({ after }) => pre(after.lines.map((html) => line(html)))],
  matters: ["only the lines that matter", ({ before, after }) => {
    const isNew = before && new Set(difference(before.lines, after.lines).filter(([kind]) => kind > 0).map(([, n]) => n));
    const list = element("dl", { className: "matters" });
    for (const [number, reasons] of Object.entries(after.reasons)) {
      if (isNew && !isNew.has(Number(number))) continue;
      list.append(element("dt", {}, element("code", { className: "highlight", innerHTML: after.lines[number].trim() })));
      for (const reason of reasons) list.append(element("dd", { innerHTML: reason }));
    }
    return list.children.length ? list : element("p", {}, "No line here has a reason of its own.");
  }],
};

let count = 0; // of switches: each is a group of its own

// A switch between views of a file. `files` says what there is, once it is needed; `first` is the view that is shown, and
// `own`, if there is one, what the page itself shows of it.
function addSwitch(box, name, views, first, files, own) {
  const legend = element("legend", {}, element("code", {}, name));
  const choices = element("fieldset", { className: "switch" }, legend);
  const panel = own || element("div");
  const group = `view-${count++}`;
  const shown = { [first]: own };
  const show = async (view) => {
    if (!shown[view]) {
      shown[view] = element("div", {}, VIEWS[view][1](await files()));
      addCopyButtons(shown[view]);
    }
    box.lastChild.replaceWith(shown[view]);
    markScrolling();
  };
  for (const view of views) {
    const radio = element("input", { type: "radio", name: group, value: view, checked: view === first });
    radio.addEventListener("change", () => show(view));
    choices.append(element("label", {}, radio, view === "here" ? "as the page shows it" : VIEWS[view][0]));
  }
  box.replaceChildren(choices, panel);
  return own ? undefined : show(first);
}

let data;

async function folders() {
  data ??= load("files.js").then(() => window.FILES);
  return data;
}

function addSwitches() {
  for (const box of document.querySelectorAll(".file")) {
    const { file, before, shows } = box.dataset;
    const own = element("div", {}, ...box.childNodes);
    const views = ["changed", "whole", "matters"].filter((view) => box.dataset.views.includes(view));
    if (!views.includes(shows)) views.unshift(shows);
    const get = async () => {
      const { folders: all } = await folders();
      const one = (path) => all[path.split("/")[0]].files[path.split("/").slice(1).join("/")];
      return { before: before && one(before), after: one(file) };
    };
    addSwitch(box, file.split("/").slice(1).join("/"), views, shows, get, own);
  }
}

async function compare() {
  const form = document.getElementById("folders");
  if (!form) return;
  const { folders: all, practices } = await folders();
  const names = Object.keys(all);
  const { before, after } = form.elements;
  for (const select of [before, after]) {
    for (const name of names) select.append(element("option", { value: name }, `${all[name].short}: ${all[name].title}`));
  }
  const result = document.getElementById("comparison");

  function practicesList(title, className, ids, reasons = {}) {
    const items = ids.map((id) => {
      const { sentence, folder } = practices[id];
      const item = element("li", { innerHTML: `<code>${id}</code> ${sentence} ${reasons[id] || ""} (` });
      item.append(element("a", { href: `${folder}/index.html` }, all[folder].short), ")");
      return item;
    });
    return [element("h3", {}, `${title}: ${ids.length}`), element("ul", { className }, ...items)];
  }

  async function show() {
    const [from, to] = [all[before.value], all[after.value]];
    const ids = Object.keys(practices);
    const became = (now, then) => ids.filter((id) => to.practices[id] === now && from.practices[id] === then);
    const [better, worse] = [became("yes", "no"), became("no", "yes")];
    const asked = ids.filter((id) => to.practices[id] === "yes" && !from.practices[id]);
    const gone = ids.filter((id) => from.practices[id] === "yes" && !to.practices[id]);
    result.replaceChildren(
      element("h2", {}, "What got better, and what got worse"),
      ...practicesList("Got better", "better", better),
      ...practicesList("Got worse", "worse", worse, to.gives_up),
    );
    if (asked.length) result.append(...practicesList(`Holds for what only ${to.short} has`, "better", asked));
    if (gone.length) result.append(...practicesList(`Is about what only ${from.short} has`, "", gone));
    result.append(element("h2", {}, "What changed, file by file"));
    const alike = [];
    const unlike = { gone: [], locks: [] };
    for (const name of new Set([...Object.keys(to.files), ...Object.keys(from.files)])) {
      const [old, now] = [from.files[name], to.files[name]];
      if (!now) unlike.gone.push(name);
      else if (old && old.digest === now.digest) alike.push(name);
      else if (!now.lines) unlike.locks.push(name);
      else {
        const box = element("div", { className: "file" });
        box.dataset.file = name;
        result.append(box);
        box.append(element("div"));
        const views = [...(old ? ["changed"] : []), "whole", ...(Object.keys(now.reasons).length ? ["matters"] : [])];
        await addSwitch(box, old ? name : `${name} (new)`, views, views[0], async () => ({ before: old, after: now }));
      }
    }
    for (const [what, those] of [
      ["Made from other files, and different", unlike.locks], ["Gone", unlike.gone], ["The same in both", alike],
    ]) {
      if (those.length) result.append(element("p", {}, `${what}: `, ...those.flatMap((name, at) => [at ? ", " : "", element("code", {}, name)])));
    }
    history.replaceState(null, "", `#${before.value}..${after.value}`);
  }

  function fromAddress() {
    const [, from, to] = location.hash.match(/^#(.+)\.\.(.+)$/) || [];
    before.value = names.includes(from) ? from : names[0];
    after.value = names.includes(to) ? to : names[1];
    return show();
  }
  form.addEventListener("change", show);
  window.addEventListener("hashchange", fromAddress);
  await fromAddress();
}

addCopyButtons(document);
addSwitches();
for (const table of document.querySelectorAll("article table")) {
  if (table.rows[0].cells.length > 4) table.classList.add("many-columns");
}
openWithKeys();
markScrolling();
window.addEventListener("resize", markScrolling);
Promise.all([draw(), compare()]).then(() => { document.documentElement.dataset.ready = "yes"; });
