// Scores: unpacking, leaving special tokens out, rounding and colors.
function unpack(layer) {
  const bytes = Uint8Array.from(atob(layer.scores), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer); // NaN where there is no score
}

// Rows and columns shown, and each layer's scores over them: all, or without special tokens.
function select(isHiding) {
  const keep = (flags) => [...flags].map((flag, at) => (isHiding && flag === "1" ? -1 : at)).filter((at) => at >= 0);
  const rows = keep(data.specialRows), columns = keep(data.specialColumns);
  const width = data.columns.length;
  const layers = data.layers.map((layer) => {
    const all = (layer.unpacked ||= unpack(layer));
    const scores = rows.map((row) => columns.map((column) => all[row * width + column]));
    if (isHiding && layer.isShare) rescale(scores, columns.map((column) => total(data.rows.map((_, row) => all[row * width + column]))));
    const sizes = scores.flat().filter((score) => score === score).map(Math.abs);
    const highest = sizes.reduce((most, size) => Math.max(most, size), 0);
    return { name: layer.name, isSigned: layer.isSigned, isShare: layer.isShare, scores, highest };
  });
  const shared = Math.max(0, ...layers.filter((layer) => layer.isShare).map((layer) => layer.highest));
  for (const layer of layers) layer.end = (layer.isShare ? shared : layer.highest) || 1;
  return { rows, columns, layers };
}

function total(scores) {
  return scores.reduce((sum, score) => sum + (score === score ? score : 0), 0);
}

// Scale each column to the total it had before rows were left out.
function rescale(scores, totals) {
  totals.forEach((before, column) => {
    const after = total(scores.map((row) => row[column]));
    if (after > 0) for (const row of scores) row[column] *= before / after;
  });
}

// Round exact ties to even, as Python does; toFixed rounds everything else exactly.
function written(score, places) {
  const size = Math.abs(score), scaled = size * 10 ** places;
  const isTie = (size * 2 ** (places + 1)) % 2 === 1; // x.125 at two places: then `scaled` is exact
  const digits = (isTie ? (2 * Math.round(scaled / 2)) / 10 ** places : size).toFixed(places);
  return (score < 0 && Number(digits) > 0 ? "−" : "") + digits;
}

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

function colorOf(score, layer, theme) {
  if (score !== score) return null;
  const stops = data.scales[theme][layer.isSigned ? "diverging" : "sequential"].map(rgb);
  const share = Math.max(-1, Math.min(1, score / layer.end));
  const at = (layer.isSigned ? (share + 1) / 2 : Math.max(0, share)) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  return stops[low].map((part, channel) => Math.round(part + (stops[low + 1][channel] - part) * (at - low)));
}

function paint(element, color) {
  element.style.background = color ? `rgb(${color})` : "";
  element.style.color = color ? inkOn(color) : "";
}

// The ink with the higher WCAG contrast.
function inkOn(color) {
  return luminance(color) > 0.1791 ? "#000" : "#fff";
}

function luminance(color) {
  const [red, green, blue] = color.map((part) => (part / 255 <= 0.04045 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
// One panel: a method's running text, its map, and its legend. `view` comes from select().
function make(tag, name, text, parent) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text; // never innerHTML: tokens are strangers' text
  if (parent) parent.append(element);
  return element;
}

function makePanel(view, layer, theme) {
  const element = make("section", "hw7-panel");
  element.setAttribute("aria-label", layer.name);
  make("h4", "hw7-name", layer.name, element);
  const panel = { element, layer, view, theme };
  makeText(panel);
  if (data.columnNotes.length && layer === view.layers[data.mainLayer]) makeNotes(panel);
  panel.state = make("div", "hw7-state", undefined, element);
  panel.state.setAttribute("role", "status");
  makeFrame(panel);
  makeLegend(panel);
  return panel;
}

function makeText(panel) {
  const { view } = panel, text = make("div", "hw7-text", undefined, panel.element);
  const prompt = data.start === null ? view.rows : view.rows.filter((row) => row < data.start);
  const labels = data.start === null ? ["来源 source", "生成 generated"] : ["提示 prompt", "生成 generated"];
  panel.sources = makeLine(text, labels[0], prompt.map((row) => [data.rows[row], data.specialRows[row]]), "row");
  panel.generated = makeLine(text, labels[1], view.columns.map((at) => [data.columns[at], data.specialColumns[at]]), "column");
  panel.text = text;
}

// A remark on each generated token, such as its rank correlation.
function makeNotes({ view, text }) {
  const line = make("div", "hw7-line", undefined, text), words = [make("b", "", "等级相关 ρ", line), make("div", "", undefined, line)][1];
  view.columns.forEach((at, place) => {
    const word = make("span", "hw7-token", undefined, words);
    word.dataset.column = place;
    make("bdi", "", data.columns[at], word);
    make("i", "", ` ${data.columnNotes[at].replace("ρ = ", "")}`, word);
  });
}

function makeLine(parent, label, tokens, kind) {
  const line = make("div", "hw7-line", undefined, parent);
  make("b", "", label, line);
  const words = make("div", "", undefined, line);
  return tokens.map(([token, isSpecial], place) => {
    const word = make("span", "hw7-token" + (isSpecial === "1" ? " hw7-special" : ""), token, words);
    word.dir = "auto";
    word.tabIndex = place ? -1 : 0;
    word.setAttribute("role", "button");
    word.dataset[kind] = place;
    return word;
  });
}

function sizesOf(view) {
  const columns = view.columns.length, longest = (tokens) => Math.max(2, ...tokens.map((token) => widthOf(token)));
  const hasNumbers = columns <= data.mostColumnsWithNumbers && view.rows.length <= 2 * data.mostColumnsWithNumbers;
  const heads = longest(view.columns.map((at) => data.columns[at]));
  const sides = longest(view.rows.map((at) => data.rows[at]));
  const side = columns <= 80 ? 20 : 14, level = Math.max(40, heads * 7.4 + 8);
  const isTall = !hasNumbers || level > (columns <= 7 ? 80 : 52);
  return {
    hasNumbers, isTall, width: hasNumbers ? Math.round(isTall ? 40 : level) : side, height: hasNumbers ? 25 : side,
    heads: isTall ? Math.min(120, Math.round(heads * 7.2 + 14)) : 27,
    sides: Math.min(130, Math.round(sides * 7.4 + 20)),
  };
}

// Chinese characters are two letters wide.
const widthOf = (token) => [...token].reduce((sum, character) => sum + (character > "\u2e7f" ? 1.85 : 1), 0);

function makeFrame(panel) {
  const { view, layer } = panel, size = (panel.size = sizesOf(view));
  const frame = (panel.frame = make("div", "hw7-frame" + (size.isTall ? " hw7-tall" : ""), undefined, panel.element));
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", `${layer.name}: ${view.rows.length} × ${view.columns.length}`);
  const heads = make("div", "hw7-heads", undefined, frame), body = make("div", "hw7-body", undefined, frame);
  const corner = make("div", "hw7-corner", undefined, heads), sides = make("div", "hw7-sides", undefined, body);
  corner.style.width = sides.style.width = size.sides + "px";
  panel.heads = view.columns.map((at, place) => label(heads, "hw7-head", data.columns[at], data.specialColumns[at], "column", place, size.width, size.heads, size.isTall));
  panel.sides = view.rows.map((at, place) => label(sides, "hw7-side", data.rows[at], data.specialRows[at], "row", place, null, size.height));
  const map = (panel.map = make("div", "hw7-map", undefined, body));
  size.hasNumbers ? fillTable(panel) : fillCanvas(panel);
  panel.bands = ["hw7-band", "hw7-band", "hw7-spot"].map((name) => make("div", name, undefined, map));
  panel.text.style.width = Math.max(300, size.sides + size.width * view.columns.length) + "px";
  panel.width = size.sides + size.width * view.columns.length + 2;
}

function label(parent, name, token, isSpecial, kind, place, width, height, isTall) {
  const element = make("div", name + (isSpecial === "1" ? " hw7-special" : ""), token, parent);
  element.title = token;
  element.dataset[kind] = place;
  if (width) element.style.width = width + "px";
  element.style.height = height + "px";
  if (name === "hw7-side" || isTall) element.style.lineHeight = (isTall ? width : height) + "px";
  if (Math.min(width || height, height) < 18) element.style.fontSize = "10px";
  return element;
}

function fillTable({ map, layer, size, theme }) {
  const table = make("table", "", undefined, map);
  for (const row of layer.scores) {
    const line = table.insertRow();
    for (const score of row) {
      const cell = line.insertCell();
      cell.style.width = size.width + "px";
      cell.style.height = size.height + "px";
      if (score !== score) continue;
      cell.textContent = written(score, 2);
      paint(cell, colorOf(score, layer, theme));
    }
  }
  table.style.width = size.width * (layer.scores[0] || []).length + "px";
}

// One pixel a cell, enlarged by the browser: 40,000 cells cost one element.
function fillCanvas({ map, layer, view, size, theme }) {
  const canvas = make("canvas", "", undefined, map), columns = view.columns.length;
  canvas.width = columns;
  canvas.height = view.rows.length;
  canvas.style.width = columns * size.width + "px";
  canvas.style.height = view.rows.length * size.height + "px";
  const context = canvas.getContext("2d"), picture = context.createImageData(columns, view.rows.length);
  layer.scores.flat().forEach((score, place) => {
    const color = colorOf(score, layer, theme);
    if (color) picture.data.set([...color, 255], place * 4);
  });
  context.putImageData(picture, 0, 0);
}

function makeLegend({ element, layer, theme }) {
  const legend = make("div", "hw7-legend", undefined, element);
  const stops = data.scales[theme][layer.isSigned ? "diverging" : "sequential"];
  const end = layer.end;
  make("span", "", layer.isSigned ? written(-end, 2) : "0", legend);
  make("span", "hw7-ramp", undefined, legend).style.background = `linear-gradient(90deg,${stops})`;
  make("span", "", written(end, 2), legend);
  make("span", "", layer.isSigned ? "橙 < 0 < 蓝" : "越深越重要", legend).dataset.theme = theme;
  if (theme === "dark" && !layer.isSigned) legend.lastChild.textContent = "越亮越重要";
}
// The component: tabs, theme, hover, pin and keyboard around the panels.
const HINT = "悬停看分数，点按固定。底色：对全部生成 token 的平均分，以最高者为最深";

function start(root) {
  root.dataset.ready = "";
  const app = { root, isHiding: data.isHiding, tab: null, pinned: null, pointed: null, theme: themeOf(root) };
  const bar = make("div", "hw7-bar", undefined, root);
  app.tabs = make("div", "hw7-tabs", undefined, bar);
  app.tabs.setAttribute("role", "tablist");
  if (data.canHideSpecial && /1/.test(data.specialRows + data.specialColumns)) makeSwitch(app, bar);
  make("span", "hw7-model", `${data.title} · ${data.rows.length} × ${data.columns.length}`, bar);
  app.note = make("div", "hw7-note", undefined, root);
  app.stage = make("div", "hw7-panels", undefined, root);
  make("div", "hw7-help", "键盘 keyboard：Tab 进入，方向键移动，Enter 固定 pin，Esc 取消", root);
  build(app);
  listen(app);
  followTheme(app);
}

function makeSwitch(app, bar) {
  const label = make("label", "", undefined, bar), box = make("input", "", undefined, label);
  box.type = "checkbox";
  box.checked = app.isHiding;
  make("span", "", "隐藏特殊 token (hide special)", label);
  box.addEventListener("change", () => { app.isHiding = box.checked; app.pinned = app.pointed = null; build(app); });
}

function build(app) {
  const view = select(app.isHiding);
  app.panels = view.layers.map((layer) => makePanel(view, layer, app.theme));
  const hidden = [...new Set([...data.rows.filter((_, at) => data.specialRows[at] === "1"), ...data.columns.filter((_, at) => data.specialColumns[at] === "1")])];
  const notes = [...data.notes];
  if (app.isHiding && hidden.length) notes.push(`已隐藏特殊 token：${hidden.join(" ")}。` + (view.layers.some((layer) => layer.isShare) ? "每列其余分数已重新归一化 (renormalised)，总和不变。" : "分数不变 (not shares)。"));
  app.note.textContent = notes.join(" ");
  app.note.hidden = !notes.length;
  if (app.tab === null) app.tab = fitsTogether(app) ? app.panels.length : data.mainLayer;
  makeTabs(app);
  show(app);
}

// Beside each other where they fit, below one another never: then tabs are shorter.
function fitsTogether(app) {
  const needed = app.panels.reduce((sum, panel) => sum + Math.max(panel.width, 300) + 24, 0);
  return app.panels.length > 1 && needed <= (app.root.clientWidth || 900);
}

function makeTabs(app) {
  const names = app.panels.length > 1 ? [...app.panels.map((panel) => panel.layer.name), "并排 side by side"] : [];
  app.tabs.replaceChildren(...names.map((name, place) => {
    const button = make("button", "", name);
    button.type = "button";
    button.setAttribute("role", "tab");
    button.addEventListener("click", () => { app.tab = place; show(app); });
    return button;
  }));
}

function show(app) {
  const chosen = app.tab < app.panels.length ? [app.panels[app.tab]] : app.panels;
  [...app.tabs.children].forEach((button, place) => {
    button.setAttribute("aria-selected", place === app.tab);
    button.tabIndex = place === app.tab ? 0 : -1;
  });
  for (const panel of app.panels) {
    panel.element.classList.toggle("hw7-alone", chosen.length === 1);
    panel.element.style.width = chosen.length === 1 ? "" : Math.max(panel.width, 300) + "px";
  }
  app.stage.replaceChildren(...chosen.map((panel) => panel.element));
  mark(app);
}

// Show what is pinned or pointed at in every panel: {row, column}, either may be missing.
function mark(app) {
  const at = app.pinned || app.pointed;
  app.root.toggleAttribute("data-pinned", Boolean(app.pinned));
  for (const panel of app.panels) {
    shade(panel, at);
    tell(panel, app.pointed || app.pinned, Boolean(app.pinned));
    frameCells(panel, at);
  }
}

function shade(panel, at) {
  const { layer, view, theme } = panel, isByRow = at && at.column === undefined;
  const mean = (row) => { const known = row.filter((score) => score === score); return known.length ? total(known) / known.length : NaN; };
  const means = at ? [] : layer.scores.map(mean);
  const end = Math.max(...means.map((score) => Math.abs(score) || 0)) || 1;
  const scale = at ? layer : { ...layer, end };
  const scoreOf = (row) => (!at ? means[row] : isByRow ? NaN : layer.scores[row][at.column]);
  panel.sources.forEach((word, row) => paint(word, colorOf(isByRow ? NaN : scoreOf(row), scale, theme)));
  const offset = panel.sources.length; // decoder-only: the rows after the prompt are generated tokens
  panel.generated.forEach((word, column) => {
    const own = data.start !== null && layer.scores[offset + column] ? scoreOf(offset + column) : NaN;
    paint(word, colorOf(isByRow ? layer.scores[at.row][column] : own, scale, theme));
  });
  const isOn = (kind, place) => Boolean(at && at[kind] === place);
  panel.sources.forEach((word, row) => word.classList.toggle("hw7-on", isOn("row", row)));
  panel.generated.forEach((word, column) => word.classList.toggle("hw7-on", isOn("column", column) || (data.start !== null && isOn("row", offset + column))));
  panel.heads.forEach((head, column) => head.classList.toggle("hw7-on", isOn("column", column)));
  panel.sides.forEach((side, row) => side.classList.toggle("hw7-on", isOn("row", row)));
}

// One line that names what is shown: "machine ← 机器 0.447 · 学习 0.212".
function tell(panel, at, isPinned) {
  const { layer, view, state } = panel, name = (token) => make("bdi", "", token);
  if (!at) return state.replaceChildren(make("i", "", HINT));
  const rowName = (row) => data.rows[view.rows[row]], columnName = (column) => data.columns[view.columns[column]];
  const parts = [];
  if (at.row !== undefined && at.column !== undefined) {
    const score = layer.scores[at.row][at.column];
    parts.push(name(columnName(at.column)), " ← ", name(rowName(at.row)), score === score ? ` ${written(score, 3)}` : "：无分数 (not yet written)");
  } else {
    const isByRow = at.column === undefined;
    parts.push(name(isByRow ? rowName(at.row) : columnName(at.column)), isByRow ? " → " : " ← ");
    const scores = isByRow ? layer.scores[at.row] : layer.scores.map((row) => row[at.column]);
    const best = scores.map((score, place) => [score, place]).filter(([score]) => score === score);
    best.sort((one, other) => Math.abs(other[0]) - Math.abs(one[0]) || one[1] - other[1]);
    best.slice(0, 4).forEach(([score, place], count) => parts.push(count ? " · " : "", name(isByRow ? columnName(place) : rowName(place)), ` ${written(score, 3)}`));
  }
  const note = at.column === undefined ? "" : data.columnNotes[view.columns[at.column]] || "";
  if (note) parts.push(make("i", "", `  ${note}`));
  if (isPinned) parts.push(make("i", "", "  📌 已固定 pinned"));
  state.replaceChildren(...parts);
}

function frameCells({ bands, size, view }, at) {
  const place = (band, isShown, left, top, width, height) => Object.assign(band.style, { display: isShown ? "block" : "none", left: left + "px", top: top + "px", width: width + "px", height: height + "px" });
  const { row, column } = at || {}, w = size.width, h = size.height;
  place(bands[0], column !== undefined, column * w, 0, w, view.rows.length * h);
  place(bands[1], row !== undefined, 0, row * h, view.columns.length * w, h);
  place(bands[2], row !== undefined && column !== undefined, column * w, row * h, w, h);
}
// Pointer, keyboard and theme; one set of listeners for the whole component.
function placeOf(app, event) {
  const panel = app.panels.find((one) => one.element.contains(event.target));
  if (!panel) return null;
  if (panel.map.contains(event.target)) {
    const box = panel.map.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / panel.size.width), row = Math.floor((event.clientY - box.top) / panel.size.height);
    const isInside = row >= 0 && column >= 0 && row < panel.view.rows.length && column < panel.view.columns.length;
    return isInside ? { row, column } : null;
  }
  const named = event.target.closest("[data-row],[data-column]");
  if (!named) return null;
  return named.dataset.row === undefined ? { column: Number(named.dataset.column) } : { row: Number(named.dataset.row) };
}

const isSame = (one, other) => Boolean(one && other && one.row === other.row && one.column === other.column);

function listen(app) {
  const { stage } = app;
  const point = (place) => { if (!isSame(app.pointed, place) && (app.pointed || place)) { app.pointed = place; mark(app); } };
  stage.addEventListener("pointermove", (event) => { if (event.pointerType !== "touch") point(placeOf(app, event)); });
  stage.addEventListener("pointerleave", () => point(null));
  stage.addEventListener("click", (event) => { const place = placeOf(app, event); if (place) pin(app, place); });
  stage.addEventListener("focusin", (event) => { if (event.target.matches(".hw7-token:focus-visible")) point(placeOf(app, event)); });
  stage.addEventListener("focusout", () => point(null));
  stage.addEventListener("keydown", (event) => onKey(app, event, point));
  app.tabs.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    app.tab = (app.tab + step + app.tabs.children.length) % app.tabs.children.length;
    show(app);
    app.tabs.children[app.tab].focus();
    stop(event);
  });
}

function pin(app, place) {
  app.pinned = isSame(app.pinned, place) ? null : place;
  mark(app);
}

// JupyterLab has single-key commands of its own; keys used here must not reach it.
function stop(event) {
  event.preventDefault();
  event.stopPropagation();
}

function onKey(app, event, point) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const panel = app.panels.find((one) => one.element.contains(event.target));
  if (!panel) return;
  if (event.key === "Escape") { app.pinned = null; point(null); mark(app); stop(event); return; }
  if (event.key === "Enter" || event.key === " ") {
    const place = event.target === panel.frame ? app.pointed : placeOf(app, event);
    if (place) pin(app, place);
    stop(event);
    return;
  }
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e6], End: [0, 1e6] }[event.key];
  if (!step) return;
  stop(event);
  event.target === panel.frame ? moveCell(panel, app, step, point) : moveWord(panel, event.target, step);
}

function moveCell(panel, app, [down, right], point) {
  const clamp = (value, count) => Math.max(0, Math.min(count - 1, value));
  const { row, column } = app.pointed || app.pinned || {};
  const isFirst = row === undefined || column === undefined;
  const next = { row: clamp(isFirst ? row || 0 : row + down, panel.view.rows.length), column: clamp(isFirst ? column || 0 : column + right, panel.view.columns.length) };
  point(next);
  const { frame, size } = panel, left = next.column * size.width, top = next.row * size.height;
  const room = { width: frame.clientWidth - size.sides, height: frame.clientHeight - size.heads };
  if (left < frame.scrollLeft) frame.scrollLeft = left;
  if (left + size.width > frame.scrollLeft + room.width) frame.scrollLeft = left + size.width - room.width;
  if (top < frame.scrollTop) frame.scrollTop = top;
  if (top + size.height > frame.scrollTop + room.height) frame.scrollTop = top + size.height - room.height;
}

// Only one word of a line is a stop of the Tab key; arrows walk along the line.
function moveWord(panel, word, [down, right]) {
  const line = panel.sources.includes(word) ? panel.sources : panel.generated;
  const other = line === panel.sources ? panel.generated : panel.sources;
  const next = down ? other[0] : line[Math.max(0, Math.min(line.length - 1, line.indexOf(word) + right))];
  if (!next) return;
  word.tabIndex = down ? word.tabIndex : -1;
  next.tabIndex = 0;
  next.focus();
}

// The page's own word on its theme comes first, then the color behind, then the system's wish.
function themeOf(root) {
  const isLight = document.querySelector("[data-jp-theme-light]")?.dataset.jpThemeLight;
  if (isLight) return isLight === "true" ? "light" : "dark";
  const body = document.body.classList, page = document.documentElement.getAttribute("theme");
  if (body.contains("vscode-dark") || body.contains("vscode-high-contrast") || page === "dark") return "dark";
  if (body.contains("vscode-light") || page === "light") return "light";
  for (let element = root.parentElement; element; element = element.parentElement) {
    const color = (getComputedStyle(element).backgroundColor.match(/[\d.]+/g) || []).map(Number);
    if (color.length === 3 || color[3] > 0.5) return luminance(color.slice(0, 3)) > 0.3 ? "light" : "dark";
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function followTheme(app) {
  app.root.dataset.theme = app.theme;
  const update = () => {
    if (!app.root.isConnected || app.theme === themeOf(app.root)) return;
    app.root.dataset.theme = app.theme = themeOf(app.root);
    build(app);
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
  const observer = new MutationObserver(update), options = { attributes: true, attributeFilter: ["class", "theme", "data-jp-theme-light", "style"] };
  for (const element of [document.body, document.documentElement]) observer.observe(element, options);
}

for (const root of document.querySelectorAll(`[data-hw7="${data.identity}"]:not([data-ready])`)) start(root);
