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
      cell.textContent = written(score, layer, 2);
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
  const end = layer.end * 10 ** layer.decimals;
  make("span", "", layer.isSigned ? written(-end, layer, 2) : "0", legend);
  make("span", "hw7-ramp", undefined, legend).style.background = `linear-gradient(90deg,${stops})`;
  make("span", "", written(end, layer, 2), legend);
  make("span", "", layer.isSigned ? "橙 < 0 < 蓝" : "越深越重要", legend).dataset.theme = theme;
  if (theme === "dark" && !layer.isSigned) legend.lastChild.textContent = "越亮越重要";
}
