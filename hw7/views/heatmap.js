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
  const end = Math.max(...means.map((score) => Math.abs(score) || 0)) / 10 ** layer.decimals || 1;
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
    parts.push(name(columnName(at.column)), " ← ", name(rowName(at.row)), score === score ? ` ${written(score, layer, 3)}` : "：无分数 (not yet written)");
  } else {
    const isByRow = at.column === undefined;
    parts.push(name(isByRow ? rowName(at.row) : columnName(at.column)), isByRow ? " → " : " ← ");
    const scores = isByRow ? layer.scores[at.row] : layer.scores.map((row) => row[at.column]);
    const best = scores.map((score, place) => [score, place]).filter(([score]) => score === score);
    best.sort((one, other) => Math.abs(other[0]) - Math.abs(one[0]) || one[1] - other[1]);
    best.slice(0, 4).forEach(([score, place], count) => parts.push(count ? " · " : "", name(isByRow ? columnName(place) : rowName(place)), ` ${written(score, layer, 3)}`));
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
