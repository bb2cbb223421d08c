// The figures: tiles, a chart by day, tables by group. Built from nodes; numbers come from /desk/api/stats as they are.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const SERIES = [["answered", "机器人答复", "#1d7a46"], ["asked_back", "反问", "#b7791f"], ["handed_over", "转人工", "#c2281d"]];
const percent = (value) => (value === null || value === undefined ? "—" : `${(value * 100).toFixed(1)}%`);

function svg(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function tile(value, label) { return make("div", "tile", make("b", "", String(value)), make("span", "", label)); }

function panel(title, wide, ...children) { return make("section", wide ? "panel wide" : "panel", make("h2", "", title), ...children); }

function dayChart(days) {
  const width = 1000, height = 220, left = 44, bottom = 26, top = 8;
  const most = Math.max(1, ...days.map((day) => SERIES.reduce((sum, [key]) => sum + day[key], 0)));
  const chart = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `按天的答复、反问、转人工，最多一天${most}次` });
  const step = (width - left) / days.length;
  const y = (value) => top + (height - bottom - top) * (1 - value / most);
  for (const part of [0, 0.5, 1]) {
    const value = Math.round(most * part);
    chart.append(svg("line", { x1: left, x2: width, y1: y(value), y2: y(value), stroke: "#e7e1dc" }), svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end", "font-size": 12, fill: "#6b6460" }, String(value)));
  }
  const every = Math.ceil(days.length / 12);
  days.forEach((day, at) => {
    let base = 0;
    for (const [key, label, colour] of SERIES) {
      if (!day[key]) continue;
      const bar = svg("rect", { x: left + at * step + step * 0.15, width: step * 0.7, y: y(base + day[key]), height: Math.max(0.5, y(base) - y(base + day[key])), fill: colour });
      bar.append(svg("title", {}, `${day.day} ${label} ${day[key]}`));
      chart.append(bar);
      base += day[key];
    }
    if (at % every === 0) chart.append(svg("text", { x: left + (at + 0.5) * step, y: height - 8, "text-anchor": "middle", "font-size": 12, fill: "#6b6460" }, `${Number(day.day.slice(5, 7))}月${Number(day.day.slice(8))}日`));
  });
  const legend = make("div", "legend", ...SERIES.map(([, label, colour]) => { const mark = make("i", ""); mark.style.background = colour; return make("span", "", mark, label); }));
  return panel("按天", true, legend, chart);
}

function table(title, rows, first) {
  const head = make("tr", "", ...[first, "工单", "", "受理及时", "办理及时", "满意"].map((text) => { const cell = make("th", "", text); cell.scope = "col"; return cell; }));
  const most = Math.max(1, ...rows.map((row) => row.tickets));
  const body = rows.slice(0, 20).map((row) => {
    const bar = make("meter", "");
    bar.max = most;
    bar.value = row.tickets;
    bar.setAttribute("aria-label", `${row.name} ${row.tickets}`);
    return make("tr", "", make("td", "", row.name), make("td", "", String(row.tickets)), make("td", "bar", bar), make("td", "", percent(row.accepted_in_time)), make("td", "", percent(row.done_in_time)), make("td", "", percent(row.satisfied)));
  });
  return panel(title, false, rows.length ? make("table", "", make("thead", "", head), make("tbody", "", ...body)) : make("p", "soft", "这段时间没有。"));
}

function counts(title, rows, heading, wide) {
  const head = make("tr", "", ...[heading, "次数"].map((text) => { const cell = make("th", "", text); cell.scope = "col"; return cell; }));
  return panel(title, wide, rows.length ? make("table", "", make("thead", "", head), make("tbody", "", ...rows.map((row) => make("tr", "", make("td", "", row.name ?? row.text), make("td", "", String(row.count)))))) : make("p", "soft", "这段时间没有。"));
}

async function load() {
  const state = document.getElementById("state");
  const first = document.getElementById("first"), last = document.getElementById("last");
  const query = first.value ? `?${new URLSearchParams({ first: first.value, last: last.value })}` : "";
  state.textContent = "";
  let found;
  try { found = await call("GET", `/stats${query}`); } catch (error) { state.textContent = error.message; return; }
  first.value = found.first;
  last.value = found.last;
  for (const name of ["csv", "xlsx"]) document.getElementById(name).href = `/desk/api/stats.${name}?first=${found.first}&last=${found.last}`;
  const t = found.totals;
  document.getElementById("tiles").replaceChildren(
    tile(t.conversations, "会话"), tile(t.questions, "提问"), tile(percent(t.answered_share), "机器人答复率"), tile(t.handed_over, "转人工"),
    tile(t.tickets, `${found.region}工单`), tile(percent(t.accepted_in_time), "受理及时率"), tile(percent(t.done_in_time), "办理及时率"), tile(percent(t.satisfied), `满意率（${t.rated}人评价）`),
  );
  const panels = [dayChart(found.by_day), table("按地区", found.by_region, "地区"), table("按渠道", found.by_channel, "渠道"), table("转人工的原因", found.by_reason, "原因"), table("按主题", found.by_topic, "主题"), table("投诉类别", found.complaints, "类别"), table("工单类别", found.by_kind, "类别"), counts("机器人答得最多的主题", found.answered_topics.slice(0, 12), "主题", false), counts("没答上的话", found.unanswered, "工人的原话（个人信息已遮）", true)];
  if (me.role !== "editor") {
    const lost = await call("GET", "/undelivered");
    const rows = [...lost.messages.map((one) => ({ ...one, what: "给工人的消息" })), ...lost.hooks.map((one) => ({ ...one, what: "通知其他系统" }))];
    const states = { dead: "已放弃", waiting: "还在重试", pending_user: "等工人下次来话" };
    if (rows.length) panels.push(panel("没有送到的", true, make("table", "", make("tbody", "", ...rows.map((one) => make("tr", "", make("td", "", `${one.what} ${one.number}`), make("td", "", states[one.state] || one.state), make("td", "", `${one.attempts}次 ${one.error}`)))))));
  }
  document.getElementById("panels").replaceChildren(...panels);
}

document.getElementById("filters").addEventListener("submit", (event) => { event.preventDefault(); load(); });
(async () => { await signedIn(); await load(); })();
