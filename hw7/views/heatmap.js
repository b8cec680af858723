// The heatmap of one sheet (`data`, see component.py): texts, scores, the view, panels, what answers to the reader.
const TEXTS = {
  hintLight: ["悬停看分数，点按固定。底色：对全部生成 token 的平均分，最高者最深。", "Hover for scores, click to pin. Shading: mean score over all generated tokens, the highest is darkest."],
  hintDark: ["悬停看分数，点按固定。底色：对全部生成 token 的平均分，最高者最亮。", "Hover for scores, click to pin. Shading: mean score over all generated tokens, the highest is brightest."],
  moreLight: ["越深越重要", "darker is more important"], moreDark: ["越亮越重要", "brighter is more important"],
  signed: ["橙 < 0 < 蓝", "orange < 0 < blue"], byColumn: ["每列以自己的最高分为准：列与列的颜色不可比", "each column by its own highest score: compare within a column"],
  common: ["所有列同一尺度", "one scale for all columns"], highest: ["该列最高分", "column's highest"],
  hide: ["隐藏特殊 token", "hide special tokens"], oneScale: ["所有列同一尺度", "one scale for all columns"],
  hidden: ["已隐藏特殊 token：{}。", "Hidden special tokens: {}."], renormalised: ["每列其余分数已重新归一化，总和不变。", "The other scores of each column are renormalised to the same total."],
  unchanged: ["分数不变。", "Scores are unchanged."], keys: ["键盘：Tab 进入，方向键移动，Enter 固定，Esc 取消", "Keyboard: Tab to enter, arrows to move, Enter to pin, Esc to release"],
  whole: ["整段", "whole answer"], aside: ["折叠的模板除外", "folded templates aside"],
  heads: ["每层每头对 {} 的注意力", "attention of each layer and head to {}"], head: ["层 {}", "layer {}"], headNumber: ["头 {}", "head {}"],
  headHint: ["每格：来源 token 从左到右；悬停或用方向键看分数。", "In each cell the source tokens from left to right; hover or use the arrow keys for scores."],
  source: ["来源", "source"], prompt: ["提示", "prompt"], generated: ["生成", "generated"], probability: ["概率", "probability"],
  rivals: ["其他候选：", "rivals: "], none: ["：无分数，尚未写出", ": no score, not yet written"], pinned: ["已固定", "pinned"],
  together: ["并排", "side by side"], unfold: ["展开 {}", "unfold {}"], fold: ["折叠 {}", "fold {}"],
  token: ["词元", "tokens"], word: ["词", "words"], sentence: ["句", "sentences"], turn: ["段", "turns"],
};
const hasChinese = Boolean(data.language) || canDrawChinese(); // a page whose language is given brings the font
let language = data.language || (navigator.language.startsWith("zh") && hasChinese ? "zh" : "en");
const say = (key, value) => TEXTS[key][language === "zh" ? 0 : 1].replace("{}", () => value);

// Without a font every character is the same empty box. The page brings one for its tokens, which is small.
function canDrawChinese() {
  const pixels = (character) => {
    const context = Object.assign(document.createElement("canvas"), { width: 20, height: 20 }).getContext("2d");
    context.font = '16px system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
    context.fillText(character, 0, 16);
    return context.getImageData(0, 0, 20, 20).data.join();
  };
  return pixels("机") !== pixels("器");
}

// ---- Scores: NaN where there is none.

function unpack(scores) {
  const bytes = Uint8Array.from(atob(scores), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

const isKnown = (score) => score === score;
const range = (start, end) => Array.from({ length: end - start }, (_, place) => start + place);
const total = (scores) => scores.reduce((sum, score) => sum + (isKnown(score) ? score : 0), 0);
const mean = (scores) => (scores.some(isKnown) ? total(scores) / scores.filter(isKnown).length : NaN);
const highest = (scores) => scores.reduce((most, score) => Math.max(most, isKnown(score) ? Math.abs(score) : 0), 0);

// Round exact ties to even, as Python does; toFixed rounds everything else exactly.
function written(score, places) {
  const size = Math.abs(score), scaled = size * 10 ** places;
  const isTie = (size * 2 ** (places + 1)) % 2 === 1; // x.125 at two places: then `scaled` is exact
  const digits = (isTie ? (2 * Math.round(scaled / 2)) / 10 ** places : size).toFixed(places);
  return (score < 0 && Number(digits) > 0 ? "−" : "") + digits;
}

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

function colorOf(score, end, isSigned, theme) {
  if (!isKnown(score)) return null;
  const stops = data.scales[theme][isSigned ? "diverging" : "sequential"].map(rgb);
  const share = Math.max(-1, Math.min(1, score / (end || 1)));
  const at = (isSigned ? (share + 1) / 2 : Math.max(0, share)) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  return stops[low].map((part, channel) => Math.round(part + (stops[low + 1][channel] - part) * (at - low)));
}

function luminance(color) {
  const [red, green, blue] = color.map((part) => (part / 255 <= 0.04045 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function paint(element, color) {
  element.style.background = color ? `rgb(${color})` : "";
  element.style.color = color ? (luminance(color) > 0.1791 ? "#000" : "#fff") : ""; // the ink with the higher contrast
}

// ---- The view: nodes of rows and columns, each a token or a folded group, and the scores over them.

const isSpecial = (kind, token) => data[kind].special[token] === "1";

// Walk the levels from coarse to fine; a group that is open stands aside for what is in it. Groups above the chosen level
// are open, the others and a chat's template are shut, and a click turns a group round (`app.turned`).
function nodesOf(app, kind) {
  const { tokens, levels } = data[kind], chosen = levels.findIndex((level) => level.name === app.level);
  const kept = (members) => members.filter((token) => !(app.isHiding && isSpecial(kind, token)));
  const expand = (depth, within) => {
    if (depth === levels.length) return kept(within).map((token) => ({ label: tokens[token], members: [token], isSpecial: isSpecial(kind, token), folds: [] }));
    const { name, labels, numbers } = levels[depth];
    return [...new Set(within.map((token) => numbers[token]))].flatMap((number) => {
      const inside = within.filter((token) => numbers[token] === number), members = kept(inside), key = `${kind} ${name} ${number}`;
      if (inside.length < 2 || !members.length) return expand(levels.length, inside);
      const isTemplate = kind === "rows" && members.every((token) => isSpecial(kind, token)), isTurned = app.turned.has(key);
      if (((chosen >= 0 && depth >= chosen) || isTemplate) !== isTurned) return [{ label: labels[number], members, key, isSpecial: isTemplate, folds: [] }];
      // A template is one group at every level: it opens at once.
      const nodes = expand(isTemplate ? levels.length : depth + 1, inside);
      if (isTurned) nodes[0].folds.unshift([key, labels[number]]);
      return nodes;
    });
  };
  return expand(0, range(0, tokens.length));
}

function makeView(app) {
  const columns = nodesOf(app, "columns"), width = data.columns.tokens.length;
  let rows = nodesOf(app, "rows");
  // What a word had of itself while its later tokens were written is no influence of another one: a row of its own.
  const ownOf = (column) => (data.start === null || column.members.length < 2 ? [] : column.members.map((token) => data.start + data.places[token]));
  const own = columns.map((column) => new Set(ownOf(column)));
  const layers = data.layers.map((layer) => {
    const all = (layer.unpacked ||= unpack(layer.scores)), ofWhole = layer.whole && (layer.unpackedWhole ||= unpack(layer.whole));
    // A column without any score, as where there is no contrast, does not thin the mean of its group.
    const isScored = range(0, width).map((token) => range(0, data.rows.tokens.length).some((row) => isKnown(all[row * width + token])));
    const scored = columns.map((column) => column.members.filter((token) => isScored[token]));
    // Rows of a group add up, its columns are averaged: so a column keeps its total.
    const scoreOf = (members, tokens) => {
      if (members.length === 1 && tokens.length === 1) return all[members[0] * width + tokens[0]];
      const cells = members.flatMap((row) => tokens.map((token) => all[row * width + token]));
      return cells.some(isKnown) ? total(cells) / tokens.length : NaN;
    };
    const scores = rows.map((row) => columns.map((column, at) => scoreOf(own[at].size ? row.members.filter((token) => !own[at].has(token)) : row.members, scored[at])));
    scores.push(columns.map((column, at) => scoreOf([...own[at]].filter((row) => row < data.rows.tokens.length), scored[at])));
    const whole = ofWhole && [...rows, { members: [] }].map((row) => [row.members.some((token) => isKnown(ofWhole[token])) ? total(row.members.map((token) => ofWhole[token])) : NaN]);
    if (app.isHiding && layer.isShare) {
      rescale(scores, columns.map((_, at) => total([scoreOf(range(0, data.rows.tokens.length), scored[at])])));
      if (whole) rescale(whole, [total([...ofWhole])]);
    }
    return { ...layer, scores, whole };
  });
  const isEmpty = (row) => layers.every(({ scores }) => !scores[row].some(isKnown));
  let end = rows.length; // the last token written has influenced none: its row would be empty
  while (end > 1 && isEmpty(end - 1)) end -= 1;
  const shown = [...range(0, end), ...(isEmpty(rows.length) ? [] : [rows.length])];
  rows = shown.map((row) => rows[row] || { label: data.ownPart, members: [], folds: [] });
  for (const layer of layers) {
    layer.scores = shown.map((row) => layer.scores[row]);
    layer.whole &&= shown.map((row) => layer.whole[row][0]);
  }
  // A template folded into one row would make the words of a chat pale.
  const isFolded = rows.map((row) => row.isSpecial && Boolean(row.key)), hasFolded = isFolded.some(Boolean);
  const highestOf = (scores) => highest(scores.filter((_, row) => !isFolded[row])) || highest(scores);
  const shared = highest(layers.filter((layer) => layer.isShare).flatMap(({ scores }) => scores.flat()));
  for (const layer of layers) {
    const end = layer.isShare ? shared : highest(layer.scores.flat());
    layer.isCommon = app.isCommon || layer.hasCommonScale;
    layer.ends = columns.map((_, column) => (layer.isCommon ? end : highestOf(layer.scores.map((row) => row[column]))));
    layer.hasAside = hasFolded && !layer.isCommon;
    layer.end = end;
  }
  const place = (column) => (data.start === null ? -1 : rows.findIndex((row) => row.members.includes(data.start + data.places[column.members[0]])));
  return { rows, columns, layers, highestOf, rowOf: columns.map(place), prompt: rows.filter((row) => row.members.length && (data.start === null || row.members[0] < data.start)) };
}

// Scale each column to the total it had before rows were left out.
function rescale(scores, totals) {
  totals.forEach((before, column) => {
    const after = total(scores.map((row) => row[column]));
    if (after > 0) for (const row of scores) row[column] *= before / after;
  });
}

// ---- Panels: one for each layer.

function make(tag, name, text, parent) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text; // never innerHTML: tokens are strangers' text
  if (parent) parent.append(element);
  return element;
}

function makePanel(app, view, layer) {
  const element = make("section", "hw7-panel");
  element.setAttribute("aria-label", layer.name);
  make("h4", "hw7-name", layer.name, element);
  const panel = { element, layer, view, theme: app.theme, size: sizesOf(view) };
  panel.text = make("div", "hw7-text", undefined, element);
  const whole = layer.whole && makeLine(panel.text, say("whole"), view.prompt, "row");
  whole?.forEach((word, place) => paint(word, colorOf(layer.whole[place], view.highestOf(layer.whole), layer.isSigned, app.theme)));
  panel.sources = makeLine(panel.text, say(data.start === null ? "source" : "prompt"), view.prompt, "row");
  panel.generated = makeLine(panel.text, say("generated"), view.columns, "column");
  panel.lines = [whole, panel.sources, panel.generated].filter(Boolean);
  if (data.columnNotes.length && layer.name === data.layers[data.mainLayer].name) makeNotes(panel);
  panel.state = make("div", "hw7-state", undefined, element);
  panel.state.setAttribute("role", "status");
  makeFrame(app, panel);
  makeLegend(panel);
  if (data.heads && layer.name === "attention") makeHeads(panel);
  return panel;
}

function makeLine(parent, name, nodes, kind) {
  const line = make("div", "hw7-line", undefined, parent);
  make("b", "", name, line);
  const words = make("div", "", undefined, line);
  return nodes.map((node, place) => {
    const word = make("span", "hw7-token" + (node.isSpecial ? " hw7-special" : ""), node.label, words);
    Object.assign(word, { dir: "auto", tabIndex: place ? -1 : 0 });
    word.setAttribute("role", "button");
    word.dataset[kind] = place;
    return word;
  });
}

// A remark on each generated token, such as its rank correlation.
function makeNotes({ text, view }) {
  const line = make("div", "hw7-line", undefined, text);
  make("b", "", "ρ", line);
  const words = make("div", "", undefined, line);
  view.columns.forEach(({ label, members }, place) => {
    if (members.length > 1) return;
    const word = make("span", "hw7-noted", undefined, words);
    word.dataset.column = place;
    make("bdi", "", label, word);
    make("i", "", ` ${data.columnNotes[members[0]].replace("ρ = ", "")}`, word);
  });
}

// Chinese characters are two letters wide.
const widthOf = (text) => [...text].reduce((sum, character) => sum + (character > "\u2e7f" ? 1.85 : 1), 0);
const longest = (nodes) => Math.max(2, ...nodes.map((node) => widthOf(node.label) + (node.key ? 9 : 0) + 3.5 * node.folds.length));

function sizesOf({ rows, columns }) {
  const most = data.mostColumnsWithNumbers, hasNumbers = columns.length <= most && rows.length <= 2 * most;
  const heads = longest(columns), side = columns.length <= 80 ? 20 : 14, level = Math.max(40, heads * 7.8 + 10);
  const isTall = !hasNumbers || level > (columns.length <= 7 ? 80 : 52);
  const size = {
    hasNumbers, isTall, width: hasNumbers ? Math.round(isTall ? 40 : level) : side, height: hasNumbers ? 25 : side,
    heads: isTall ? Math.min(120, Math.round(heads * 7.2 + 14)) : 27, sides: Math.max(data.probabilities ? 72 : 0, Math.min(190, Math.round(longest(rows) * 7.4 + 20))),
  };
  size.top = size.heads + (data.probabilities ? 19 : 0);
  return size;
}

// A table, so that screen readers name row and column of a score; many cells are one canvas in it.
function makeFrame(app, panel) {
  const { view, layer, size } = panel;
  const frame = (panel.frame = make("div", "hw7-frame" + (size.isTall ? " hw7-tall" : ""), undefined, panel.element));
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", `${layer.name}: ${view.rows.length} × ${view.columns.length}. ${say("keys")}`);
  const grid = (panel.grid = make("div", "hw7-grid", undefined, frame)), table = make("table", "", undefined, grid);
  const widths = make("colgroup", "", undefined, table);
  [size.sides, ...view.columns.map(() => size.width)].forEach((width) => (make("col", "", undefined, widths).style.width = width + "px"));
  table.style.width = (panel.width = size.sides + size.width * view.columns.length) + "px";
  const head = table.createTHead(), line = head.insertRow();
  make("td", "hw7-corner", undefined, line);
  panel.heads = view.columns.map((node, place) => makeHead(app, line, "hw7-head", node, "column", place, size.heads, size.width, size.isTall));
  if (data.probabilities) makeProbabilities(panel, head.insertRow());
  const body = table.createTBody(), lines = view.rows.map(() => body.insertRow());
  panel.sides = view.rows.map((node, place) => makeHead(app, lines[place], "hw7-side", node, "row", place, size.height, size.sides, false, node.key && layer.isShare ? mean(layer.scores[place]) : undefined));
  size.hasNumbers ? fillCells(panel, lines) : fillCanvas(panel, lines[0]);
  panel.bands = ["hw7-band", "hw7-band", "hw7-spot"].map((name) => make("div", name, undefined, grid));
  panel.text.style.width = Math.max(300, panel.width) + "px";
}

function makeHead(app, line, name, node, kind, place, height, width, isTall, share) {
  const head = make("th", name + (node.isSpecial ? " hw7-special" : ""), undefined, line);
  head.scope = kind === "row" ? "row" : "col";
  head.title = node.label;
  head.dataset[kind] = place;
  head.style.height = height + "px";
  // Turned letters read well, turned signs and Chinese characters do not; what is short is not turned at all.
  const isFlat = isTall && widthOf(node.label) * 7.4 + 4 <= width && !node.key && !node.folds.length;
  const isUpright = !/[\p{L}\p{N}]/u.test(node.label.replace(/[\u2e80-\uffff]/g, ""));
  const box = make("div", isFlat ? "hw7-flat" : isUpright ? "hw7-upright" : "", undefined, head);
  Object.assign(box.style, { width: (kind === "row" ? width - 4 : width) + "px", height: isFlat ? "" : height - (kind === "row" ? 0 : 3) + "px", lineHeight: (isTall ? width : height) + "px" });
  if (Math.min(height, width) < 18) box.style.fontSize = "10px";
  for (const [key, label] of node.folds) makeFold(app, box, "▾", "fold", key, label);
  if (node.key) makeFold(app, box, "▸", "unfold", node.key, node.label);
  make("bdi", "", node.label, box);
  if (share !== undefined) make("i", "", ` ${Math.round(100 * share)}%`, box);
  return head;
}

function makeFold(app, parent, sign, text, key, label) {
  const button = make("button", "hw7-fold", sign, parent);
  button.type = "button";
  button.title = say(text, label);
  button.setAttribute("aria-label", button.title);
  button.setAttribute("aria-expanded", sign === "▾");
  button.addEventListener("click", (event) => {
    stop(event);
    app.turned.has(key) ? app.turned.delete(key) : app.turned.add(key);
    rebuild(app);
  });
}

// Over each generated token its probability; a group's is left out, its tokens have their own.
function makeProbabilities({ view, size }, line) {
  const name = make("th", "hw7-corner hw7-small", say("probability"), line);
  name.scope = "row";
  view.columns.forEach(({ members }, place) => {
    const cell = make("td", "hw7-small", undefined, line), [probability] = data.probabilities[members[0]];
    cell.dataset.column = place;
    if (members.length > 1) return;
    cell.title = written(probability, 3);
    if (size.hasNumbers) cell.textContent = written(probability, 2);
    cell.style.backgroundSize = `${100 * probability}% 3px`;
  });
}

function fillCells({ layer, theme }, lines) {
  layer.scores.forEach((row, place) => row.forEach((score, column) => {
    const cell = lines[place].insertCell();
    if (!isKnown(score)) return;
    cell.textContent = written(score, 2);
    paint(cell, colorOf(score, layer.ends[column], layer.isSigned, theme));
  }));
}

// One pixel a cell, enlarged by the browser: 40,000 cells cost one element.
function fillCanvas({ layer, view, size, theme }, line) {
  const cell = line.insertCell(), canvas = make("canvas", "", undefined, cell), columns = view.columns.length, rows = view.rows.length;
  Object.assign(cell, { rowSpan: rows, colSpan: columns });
  Object.assign(canvas, { width: columns, height: rows });
  Object.assign(canvas.style, { width: columns * size.width + "px", height: rows * size.height + "px" });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${layer.name}: ${rows} × ${columns}`);
  const context = canvas.getContext("2d"), picture = context.createImageData(columns, rows);
  layer.scores.forEach((row, at) => row.forEach((score, column) => {
    const color = colorOf(score, layer.ends[column], layer.isSigned, theme);
    if (color) picture.data.set([...color, 255], (at * columns + column) * 4);
  }));
  context.putImageData(picture, 0, 0);
}

function makeLegend({ element, layer, theme }) {
  const legend = make("div", "hw7-legend", undefined, element);
  const stops = data.scales[theme][layer.isSigned ? "diverging" : "sequential"], end = layer.isCommon ? written(layer.end, 2) : say("highest");
  make("span", "", layer.isSigned ? `−${end}` : "0", legend);
  make("span", "hw7-ramp", undefined, legend).style.background = `linear-gradient(90deg,${stops})`;
  make("span", "", end, legend);
  const order = layer.isSigned ? say("signed") : say(theme === "dark" ? "moreDark" : "moreLight");
  const aside = layer.hasAside ? ` · ${say("aside")}` : "";
  make("span", "hw7-scale", `${order} · ${say(layer.isCommon ? "common" : "byColumn")}${aside}`, legend);
}

// ---- The component: switches, tabs, and what is pinned or pointed at.

function start(root) {
  root.dataset.ready = "";
  const app = { root, isHiding: data.isHiding, isCommon: data.isCommon, level: "token", turned: new Set(), tab: null, pinned: null, pointed: null, theme: themeOf(root) };
  const bar = make("div", "hw7-bar", undefined, root);
  app.tabs = make("div", "hw7-tabs", undefined, bar);
  app.switches = make("div", "hw7-bar", undefined, bar);
  make("span", "hw7-model", `${data.title} · ${data.rows.tokens.length} × ${data.columns.tokens.length}`, bar);
  app.note = make("div", "hw7-note", undefined, root);
  app.stage = make("div", "hw7-panels", undefined, root);
  app.help = make("div", "hw7-help", undefined, root);
  build(app);
  listen(app);
  followTheme(app);
  // Text drawn before the page's own font is there would keep its empty boxes.
  document.fonts.load('13px "HW7 Sans"').then((found) => { if (found.length) root.style.fontFeatureSettings = '"kern"'; });
}

function makeSwitches(app) {
  app.switches.replaceChildren();
  const levels = data.rows.levels.map((level) => level.name);
  if (levels.length) [...levels, "token"].forEach((name) => {
    const button = make("button", "hw7-level", TEXTS[name] ? say(name) : name, app.switches);
    button.type = "button";
    button.setAttribute("aria-pressed", app.level === name);
    button.addEventListener("click", () => { app.level = name; app.turned.clear(); rebuild(app); });
  });
  const box = (key, field) => {
    const label = make("label", "", undefined, app.switches), input = make("input", "", undefined, label);
    Object.assign(input, { type: "checkbox", checked: app[field] });
    make("span", "", say(key), label);
    input.addEventListener("change", () => { app[field] = input.checked; rebuild(app); });
  };
  if (data.canHideSpecial && /1/.test(data.rows.special + data.columns.special)) box("hide", "isHiding");
  box("oneScale", "isCommon");
  if (!hasChinese) return; // its words would be empty boxes
  const other = make("button", "hw7-level", language === "zh" ? "English" : "中文", app.switches);
  Object.assign(other, { type: "button", lang: language === "zh" ? "en" : "zh-Hans" });
  other.addEventListener("click", () => { language = language === "zh" ? "en" : "zh"; rebuild(app); });
}

function rebuild(app) {
  const place = [...app.switches.querySelectorAll("button,input")].indexOf(document.activeElement);
  app.pinned = app.pointed = null;
  build(app);
  app.switches.querySelectorAll("button,input")[place]?.focus();
}

function build(app) {
  app.root.lang = language === "zh" ? "zh-Hans" : "en";
  makeSwitches(app);
  const view = (app.view = makeView(app));
  app.panels = view.layers.map((layer) => makePanel(app, view, layer));
  const hidden = new Set(["rows", "columns"].flatMap((kind) => data[kind].tokens.filter((_, token) => isSpecial(kind, token))));
  const notes = data.notes.map((spoken) => spoken[language === "zh" ? 0 : 1] + (language === "zh" ? "。" : "."));
  if (app.isHiding && hidden.size) notes.push(say("hidden", [...hidden].join(" ")), say(view.layers.some((layer) => layer.isShare) ? "renormalised" : "unchanged"));
  app.note.textContent = notes.join(" · ");
  app.note.hidden = !notes.length;
  app.help.textContent = say("keys");
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
  const names = app.panels.length > 1 ? [...app.panels.map((panel) => panel.layer.name), say("together")] : [];
  if (names.length) app.tabs.setAttribute("role", "tablist");
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
    panel.element.style.width = chosen.length === 1 ? "" : Math.max(panel.width + 2, 300) + "px";
  }
  app.stage.replaceChildren(...chosen.map((panel) => panel.element));
  mark(app);
}

// Show what is pinned, or else pointed at, in every panel: {row, column}, either may be missing.
function mark(app) {
  const at = app.pinned || app.pointed;
  app.root.toggleAttribute("data-pinned", Boolean(app.pinned));
  for (const panel of app.panels) {
    shade(panel, at, Boolean(app.pinned));
    tell(panel, at, Boolean(app.pinned));
    frameCells(panel, at);
    if (panel.thumbs && at && at.column !== undefined) showHeads(panel, at.column);
  }
}

function shade(panel, at, isPinned) {
  const { layer, view, theme } = panel, { row, column } = at || {};
  const means = layer.scores.map(mean), most = view.highestOf(means), isByRow = at && column === undefined;
  const color = (place) => (!at ? colorOf(means[place], most, layer.isSigned, theme) : isByRow ? null : colorOf(layer.scores[place][column], layer.ends[column], layer.isSigned, theme));
  const own = (place) => (view.rowOf[place] < 0 ? null : color(view.rowOf[place]));
  panel.sources.forEach((word, place) => paint(word, color(place)));
  panel.generated.forEach((word, place) => paint(word, isByRow ? colorOf(layer.scores[row][place], layer.ends[place], layer.isSigned, theme) : own(place)));
  const turn = (element, isOn, isWord) => {
    element.classList.toggle("hw7-on", isOn);
    if (isWord) element.setAttribute("aria-pressed", isOn && isPinned);
  };
  panel.lines.slice(0, -1).forEach((words) => words.forEach((word, place) => turn(word, row === place, true)));
  panel.generated.forEach((word, place) => turn(word, column === place || (row !== undefined && row === view.rowOf[place]), true));
  panel.heads.forEach((head, place) => turn(head, column === place));
  panel.sides.forEach((side, place) => turn(side, row === place));
}

// One line that names what is shown: "machine ← 机器 0.447 · 学习 0.212".
function tell({ layer, view, state, theme }, at, isPinned) {
  const name = (node) => make("bdi", "", node.label), { row, column } = at || {};
  if (!at) return state.replaceChildren(make("i", "", say(theme === "dark" ? "hintDark" : "hintLight")));
  const parts = [name(column === undefined ? view.rows[row] : view.columns[column]), column === undefined ? " → " : " ← "];
  if (row !== undefined && column !== undefined) {
    const score = layer.scores[row][column];
    parts.push(name(view.rows[row]), isKnown(score) ? ` ${written(score, 3)}` : say("none"));
  } else {
    const scores = column === undefined ? layer.scores[row] : layer.scores.map((line) => line[column]);
    const best = scores.map((score, place) => [score, place]).filter(([score]) => isKnown(score));
    best.sort((one, other) => Math.abs(other[0]) - Math.abs(one[0]) || one[1] - other[1]);
    best.slice(0, 4).forEach(([score, place], count) => parts.push(count ? " · " : "", name((column === undefined ? view.columns : view.rows)[place]), ` ${written(score, 3)}`));
  }
  const members = column === undefined ? [] : view.columns[column].members;
  if (members.length === 1) {
    if (data.columnNotes[members[0]]) parts.push(make("i", "", `  ${data.columnNotes[members[0]]}`));
    if (data.probabilities) {
      const [probability, ...rivals] = data.probabilities[members[0]];
      parts.push(make("i", "", `  ${say("probability")} ${written(probability, 3)}${rivals.length ? `, ${say("rivals")}` : ""}`));
      rivals.forEach(([label, value], count) => parts.push(count ? " · " : "", make("bdi", "", label), make("i", "", ` ${written(value, 3)}`)));
    }
  }
  if (row !== undefined && layer.whole && isKnown(layer.whole[row])) parts.push(make("i", "", `  ${say("whole")} ${written(layer.whole[row], 3)}`));
  if (isPinned) parts.push(make("i", "", `  ${say("pinned")}`));
  state.replaceChildren(...parts);
}

function frameCells({ bands, size, view }, at) {
  const { row, column } = at || {}, hasRow = row !== undefined, hasColumn = column !== undefined, w = size.width, h = size.height;
  const place = (band, isShown, left, top, width, height) => Object.assign(band.style, { display: isShown ? "block" : "none", left: size.sides + left + "px", top: size.top + top + "px", width: width + "px", height: height + "px" });
  place(bands[0], hasColumn, column * w, 0, w, view.rows.length * h);
  place(bands[1], hasRow, 0, row * h, view.columns.length * w, h);
  place(bands[2], hasRow && hasColumn, column * w, row * h, w, h);
}

// ---- Pointer, keyboard and theme; one set of listeners for the whole component.

function placeOf(app, event) {
  const panel = app.panels.find((one) => one.element.contains(event.target));
  const named = event.target.closest("[data-row],[data-column]");
  if (named) return named.dataset.row === undefined ? { column: Number(named.dataset.column) } : { row: Number(named.dataset.row) };
  if (!panel || !panel.grid.contains(event.target)) return null;
  const box = panel.grid.getBoundingClientRect(), { size, view } = panel;
  const column = Math.floor((event.clientX - box.left - size.sides) / size.width), row = Math.floor((event.clientY - box.top - size.top) / size.height);
  return row >= 0 && column >= 0 && row < view.rows.length && column < view.columns.length ? { row, column } : null;
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
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches(".hw7-fold,.hw7-thumb")) return;
  const panel = app.panels.find((one) => one.element.contains(event.target));
  if (!panel) return;
  if (event.key === "Escape") { app.pinned = null; point(null); mark(app); stop(event); return; }
  if (event.key === "Enter" || event.key === " ") {
    const place = event.target === panel.frame ? app.pinned || app.pointed : placeOf(app, event);
    if (place) pin(app, place);
    stop(event);
    return;
  }
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e6], End: [0, 1e6] }[event.key];
  if (!step) return;
  stop(event);
  event.target === panel.frame ? moveCell(panel, app, step, point) : moveWord(panel, event.target, step);
}

function moveCell({ frame, size, view }, app, [down, right], point) {
  const clamp = (value, count) => Math.max(0, Math.min(count - 1, value)), { row, column } = app.pinned || app.pointed || {};
  const isFirst = row === undefined || column === undefined;
  const next = { row: clamp(isFirst ? row || 0 : row + down, view.rows.length), column: clamp(isFirst ? column || 0 : column + right, view.columns.length) };
  if (app.pinned) { app.pinned = next; mark(app); } else point(next);
  const left = next.column * size.width, top = next.row * size.height, room = [frame.clientWidth - size.sides, frame.clientHeight - size.top];
  frame.scrollLeft = Math.max(Math.min(frame.scrollLeft, left), left + size.width - room[0]);
  frame.scrollTop = Math.max(Math.min(frame.scrollTop, top), top + size.height - room[1]);
}

// Only one word of a line is a stop of the Tab key; arrows walk along the line.
function moveWord(panel, word, [down, right]) {
  const { lines } = panel, at = lines.findIndex((words) => words.includes(word)), line = lines[at];
  const next = down ? lines[(at + down + lines.length) % lines.length][0] : line[Math.max(0, Math.min(line.length - 1, line.indexOf(word) + right))];
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
    rebuild(app);
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
  const observer = new MutationObserver(update), options = { attributes: true, attributeFilter: ["class", "theme", "data-jp-theme-light", "style"] };
  for (const element of [document.body, document.documentElement]) observer.observe(element, options);
}

for (const root of document.querySelectorAll(`[data-hw7="${data.identity}"]:not([data-ready])`)) start(root);
