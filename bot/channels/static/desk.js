// The desk: queue on the left, the conversation in the middle, lookup and facts on the right. All text is put in as text nodes.
"use strict";

const VIEWS = [["waiting", "待受理"], ["mine", "我的"], ["working", "处理中"], ["late", "超时"], ["done", "已办"], ["all", "全部"]];
const ACTIONS = {
  opened: "工单生成", supplemented: "补充内容", dual: "双派", claimed: "受理", joined: "协办受理", replied: "答复工人", noted: "内部备注", transferred: "转办",
  returned: "退回", answered: "办理完毕", asked_rating: "请工人评价", rated: "工人评价", closed: "结案", warned: "快到时限，提醒", late: "超过时限", escalated: "上交一级",
  given_back: "坐席离线，退回待受理", revealed: "查看个人信息", wrote: "工人来话",
};
const REASONS = { asked: "群众要求人工", unclear: "机器人拿不准", outside: "题库外的问题", fault: "系统出错", urgent: "紧急情况", complaint: "投诉登记", phone: "电话登记" };
const CHANNELS = { web: "网页", wechat: "微信", wecom: "微信客服", phone: "电话", shell: "命令行" };

const list = document.getElementById("list");
const middle = document.getElementById("ticket");
const search = document.getElementById("search");
const dialog = document.getElementById("dialog");
let view = "waiting";
let page = 0;
let tickets = [];
let chosen = 0;
let open = null;
let drafts = {};
let offset = 0;

function remaining(ticket) {
  if (!ticket.accept_by) return null;
  const minutes = Math.round((new Date(ticket.accept_by) - (Date.now() + offset)) / 60000);
  return minutes >= 0 ? [`还剩${minutes}分`, minutes <= 15] : [`超${-minutes >= 600 ? `${Math.round(-minutes / 60)}时` : `${-minutes}分`}`, true];
}

function tags(ticket) {
  const found = [];
  if (ticket.priority === 1) found.push(make("span", "tag urgent", "紧急"));
  if (ticket.priority === 2) found.push(make("span", "tag high", "优先"));
  if (ticket.late) found.push(make("span", "tag late", "超时"));
  if (ticket.unread) found.push(make("span", "tag unread", "新消息"));
  if (ticket.also_office) found.push(make("span", "tag", "双派"));
  return found;
}

function card(ticket, at) {
  const time = remaining(ticket);
  const top = make("div", "top", make("span", "", ticket.kind), ...tags(ticket), time ? make("span", `left ${time[1] ? "soon" : ""}`, time[0]) : make("span", "left", ticket.state));
  const low = [ticket.office, CHANNELS[ticket.channel] || ticket.channel, ticket.owner].filter(Boolean).join(" · ");
  const node = make("div", "card", top, make("div", "sum", ticket.summary || "（没有内容）"), make("div", "low", `${ticket.number} · ${low}`));
  node.setAttribute("role", "option");
  node.id = `card-${ticket.number}`;
  node.setAttribute("aria-selected", String(at === chosen));
  node.addEventListener("click", () => { choose(at); show(ticket.number); });
  return node;
}

function choose(at) {
  chosen = Math.min(Math.max(at, 0), Math.max(tickets.length - 1, 0));
  [...list.querySelectorAll(".card")].forEach((node, place) => node.setAttribute("aria-selected", String(place === chosen)));
  const node = list.querySelector('[aria-selected="true"]');
  if (node) { node.scrollIntoView({ block: "nearest" }); list.setAttribute("aria-activedescendant", node.id); }
}

async function load() {
  const query = new URLSearchParams({ view, page: String(page), q: search.value.trim() });
  const found = await call("GET", `/queue?${query}`);
  offset = new Date(found.now) - Date.now();
  const number = tickets[chosen] && tickets[chosen].number;
  tickets = found.tickets;
  const place = tickets.findIndex((ticket) => ticket.number === number);
  chosen = place >= 0 ? place : Math.min(chosen, Math.max(tickets.length - 1, 0));
  const more = [];
  if (page > 0) more.push(button("上一页", "", () => { page -= 1; load(); }));
  if (found.more) more.push(button("下一页", "", () => { page += 1; load(); }));
  const nothing = search.value.trim() ? "没有找到。" : "这里没有工单。";
  if (tickets.length) { list.setAttribute("role", "listbox"); list.setAttribute("aria-label", "工单"); } else { list.setAttribute("role", "group"); list.removeAttribute("aria-activedescendant"); }
  list.replaceChildren(...(tickets.length ? tickets.map(card) : [make("p", "empty", nothing)]));
  document.getElementById("more").replaceChildren(...more);
  const views = document.querySelector(".views");
  views.replaceChildren(...VIEWS.map(([name, label]) => {
    const node = button("", "", () => { view = name; page = 0; chosen = 0; load(); });
    node.append(label, found.counts[name] ? make("b", "", ` ${found.counts[name]}`) : "");
    node.setAttribute("role", "tab");
    node.setAttribute("aria-selected", String(name === view));
    return node;
  }));
  document.title = found.counts.waiting ? `(${found.counts.waiting}) 暖心 · 坐席台` : "暖心 · 坐席台";
}

async function show(number) {
  try { draw(await call("GET", `/tickets/${number}`)); } catch (error) {
    if (error.status === 404) { open = null; middle.replaceChildren(make("p", "empty", "这张工单已经转走了。")); } else toast(error.message, true);
  }
}

function draw(ticket) {
  const before = open && open.number === ticket.number ? middle.querySelector(".said") : null;
  const atEnd = !before || before.scrollTop + before.clientHeight > before.scrollHeight - 40;
  const typing = document.activeElement && document.activeElement.id === "words";
  open = ticket;
  const acts = make("div", "acts");
  const add = (label, key, act, main) => { const node = button("", main ? "main" : "", act); node.append(`${label} `, make("kbd", "", key)); acts.append(node); };
  if (ticket.state === "待受理") add("受理", "C", () => step("claim", undefined, "已受理，机器人不再插话。"), true);
  if (ticket.state === "处理中" && ticket.mine) add("办结", "E", finish, true);
  if (ticket.also_office && !ticket.also_owner && !ticket.mine) add("协办受理", "C", () => step("join", undefined, "已协办受理。"));
  if (["待受理", "处理中"].includes(ticket.state)) {
    add("转办", "T", transfer);
    add("退回", "B", sendBack);
    if (ticket.mine) add("双派", "D", dual);
  }
  if (["回访", "已结案"].includes(ticket.state) && !ticket.rating && ticket.mine) add("登记回访", "V", rating);
  add("备注", "N", note);
  const title = make("h2", "", ticket.number, make("span", "tag", ticket.state), make("span", "tag", ticket.kind), ...tags(ticket));
  const where = `${ticket.office}${ticket.also_office ? `、${ticket.also_office}` : ""} · ${CHANNELS[ticket.channel] || ticket.channel} · ${REASONS[ticket.reason] || ticket.reason}`;
  const head = make("div", "head", title, make("p", "", `${where}${ticket.owner ? ` · 受理人 ${ticket.owner}` : ""} · ${beijing(ticket.opened_at)}`), acts);
  const said = make("div", "said");
  said.tabIndex = 0;
  said.setAttribute("role", "log");
  said.setAttribute("aria-label", "对话");
  for (const line of [...ticket.said, ...ticket.notes.map((one) => ({ ...one, who: "note" }))].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))) said.append(sentence(line));
  const parts = [head, said];
  if (ticket.state === "处理中" && ticket.mine) parts.push(replyBox(ticket));
  middle.replaceChildren(...parts);
  if (atEnd) said.scrollTop = said.scrollHeight; else if (before) said.scrollTop = before.scrollTop;
  const box = document.getElementById("words");
  if (box && typing) box.focus();
  facts(ticket);
  drawHistory(ticket);
}

function sentence(line) {
  const names = { worker: "工人", bot: "机器人", agent: line.author, note: `${line.author}（内部备注）` };
  const state = line.who === "agent" && line.state && line.state !== "sent" ? { waiting: " · 正在送达", pending_user: " · 等工人下次来话时送达", dead: " · 没有送到" }[line.state] || "" : "";
  const text = make("span", "", line.text);
  const node = make("div", `line ${line.who}`, make("small", "", `${names[line.who]} · ${beijing(line.at)}${state}`), text);
  if (line.hidden) {
    const reveal = button("显示号码", "", async () => {
      try { text.textContent = (await call("POST", `/tickets/${open.number}/reveal`, { turn: line.id })).text; reveal.remove(); } catch (error) { toast(error.message, true); }
    });
    node.append(reveal);
  }
  return node;
}

function replyBox(ticket) {
  const box = make("textarea", "");
  box.id = "words";
  box.maxLength = 2000;
  box.setAttribute("aria-label", "回复工人");
  box.placeholder = ticket.channel === "phone" ? "电话工单没有文字通道，记录请用备注。" : "写给工人的话。右边检索到的答案按 Enter 插进来，改好再发。";
  box.value = drafts[ticket.number] || "";
  box.disabled = ticket.channel === "phone";
  box.addEventListener("input", () => { drafts[ticket.number] = box.value; });
  const send = button("", "main", () => say(box));
  send.append("发送 ", make("kbd", "", "Ctrl+Enter"));
  send.disabled = box.disabled;
  box.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) { event.preventDefault(); say(box); } });
  return make("div", "reply", box, make("div", "row", send, make("span", "soft", "R 回到这里")));
}

async function say(box) {
  const text = box.value.trim();
  if (!text) return;
  box.value = "";
  drafts[open.number] = "";
  try { await call("POST", `/tickets/${open.number}/say`, { text }); await show(open.number); document.getElementById("words")?.focus(); } catch (error) {
    drafts[open.number] = text;
    box.value = text;
    toast(error.message, true);
  }
}

function insert(text) {
  const box = document.getElementById("words");
  if (!box || box.disabled) { toast("先受理一张工单，再插入答案。", true); return; }
  box.value = box.value ? `${box.value.trimEnd()}\n${text}` : text;
  drafts[open.number] = box.value;
  box.focus();
}

async function step(name, body, done) {
  const number = open.number;
  try {
    await call("POST", `/tickets/${number}/${name}`, body);
    toast(done);
    if (view === "waiting" || view === "late") { view = "mine"; page = 0; }
  } catch (error) { toast(error.message, true); }
  await load();
  choose(Math.max(0, tickets.findIndex((ticket) => ticket.number === number)));
  await show(number);
  document.getElementById("words")?.focus();
}

function ask(title, fields, act) {
  document.getElementById("dialog-title").textContent = title;
  const body = document.getElementById("dialog-body");
  const state = document.getElementById("dialog-state");
  state.textContent = "";
  body.replaceChildren(...fields);
  const ok = document.getElementById("dialog-ok");
  ok.classList.toggle("hidden", !act);
  dialog.onsubmit = async (event) => {
    event.preventDefault();
    if (!act) { dialog.close(); return; }
    ok.disabled = true;
    try { await act(); dialog.close(); } catch (error) { state.textContent = error.message; } finally { ok.disabled = false; }
  };
  dialog.showModal();
  body.querySelector("input,textarea,select")?.focus();
}

function field(label, node) { return make("label", "", label, node); }

function choice(options) {
  const node = make("select", "");
  for (const [value, label] of options) { const option = make("option", "", label); option.value = value; node.append(option); }
  return node;
}

async function officeChoice() {
  const offices = await call("GET", "/offices");
  const input = make("input", "");
  input.setAttribute("list", "offices");
  input.placeholder = "输入市、县名或代码";
  input.required = true;
  const names = make("datalist", "", ...offices.map((office) => { const option = make("option", ""); option.value = office.name; return option; }));
  names.id = "offices";
  const code = () => { const found = offices.find((office) => office.name === input.value.trim() || office.code === input.value.trim()); if (!found) throw new Error("没有这个单位，请从列表里选。"); return found.code; };
  return { nodes: [field("单位", input), names], code };
}

async function act(name, body, done) {
  const number = open.number;
  await call("POST", `/tickets/${number}/${name}`, body);
  toast(done);
  await load();
  await show(number);
}

async function transfer() {
  const office = await officeChoice();
  const group = choice([["agents", "坐席"], ["lawyers", "律师"]]);
  const why = make("input", "");
  why.maxLength = 300;
  ask("转办", [...office.nodes, field("交给", group), field("说明", why)], () => act("transfer", { terminal: office.code(), group: group.value, why: why.value }, "已转办。"));
}

function sendBack() {
  const why = make("input", "");
  why.required = true;
  why.maxLength = 300;
  ask("退回上一级", [field("为什么退回", why)], () => act("return", { why: why.value }, "已退回。"));
}

async function dual() {
  const office = await officeChoice();
  ask("双派：再派给一个单位", office.nodes, () => act("dual", { terminal: office.code() }, "已双派。"));
}

function finish() {
  const result = choice(open.results.map((word) => [word, word]));
  ask("办结", [field("办理结果", result), make("p", "soft", open.channel === "phone" ? "电话工单办结后请登记回访。" : "工人会收到满意度询问，机器人恢复应答。")], () => act("answer", { result: result.value }, "已办结。"));
}

function rating() {
  const word = choice(["满意", "基本满意", "不满意"].map((one) => [one, one]));
  ask("登记回访", [field("工人的评价", word)], () => act("rating", { rating: word.value }, "已登记。"));
}

function note() {
  const text = make("textarea", "");
  text.required = true;
  text.maxLength = 2000;
  text.rows = 4;
  ask("内部备注（工人看不到）", [field("备注", text)], () => act("note", { text: text.value }, "已备注。"));
}

function phoneTicket() {
  const inputs = {};
  const rows = [["matter", "什么事（必填）"], ["employer", "单位"], ["place", "单位在哪个县（市、区）"], ["period", "时间"], ["amount", "金额"], ["people", "人数"], ["contact", "来电号码"]].map(([name, label]) => {
    const node = name === "matter" ? make("textarea", "") : make("input", "");
    if (name === "matter") { node.required = true; node.rows = 3; node.maxLength = 2000; } else node.maxLength = 300;
    if (name === "people") { node.inputMode = "numeric"; node.pattern = "\\d{0,5}"; }
    inputs[name] = node;
    return field(label, node);
  });
  const take = make("input", "");
  take.type = "checkbox";
  take.checked = true;
  ask("电话登记", [...rows, make("label", "", take, " 登记后由我受理")], async () => {
    const body = Object.fromEntries(Object.entries(inputs).map(([name, node]) => [name, node.value.trim()]));
    const made = await call("POST", "/tickets", { ...body, take: take.checked });
    toast(`已登记 ${made.number}`);
    view = take.checked ? "mine" : "waiting";
    await load();
    await show(made.number);
  });
}

function facts(ticket) {
  const pane = document.getElementById("pane-facts");
  const parts = [];
  const rows = make("dl", "");
  const put = (label, value) => rows.append(make("dt", "", label), make("dd", "", value));
  for (const one of ticket.details) put(one.label, one.value);
  if (ticket.topic) put("主题", ticket.topic);
  if (ticket.entry) put("题目", ticket.entry.question);
  if (ticket.owner) put("受理人", ticket.owner);
  if (ticket.also_owner) put("协办人", ticket.also_owner);
  if (ticket.result) put("结果", ticket.result);
  if (ticket.rating) put("评价", ticket.rating);
  parts.push(make("h3", "", "登记内容"), rows);
  if (ticket.details.some((one) => one.hidden)) {
    parts.push(button("显示完整信息（会记录）", "", async (event) => {
      try {
        const found = await call("POST", `/tickets/${ticket.number}/reveal`, {});
        rows.replaceChildren();
        for (const one of found.details) put(one.label, one.value);
        event.target.remove();
      } catch (error) { toast(error.message, true); }
    }));
  }
  if (ticket.proposed.length) parts.push(make("h3", "", "机器人找到、没有答的"), make("ul", "", ...ticket.proposed.map((one) => make("li", "", `${one.question}（把握 ${Math.round(one.score * 100)}%）`))));
  if (ticket.laws.length) parts.push(make("h3", "", "相关法条"), make("ul", "", ...ticket.laws.map((law) => make("li", "", law))));
  if (ticket.linked.length) {
    parts.push(make("h3", "", "同一单位或同一人的其他工单"), make("ul", "", ...ticket.linked.map((one) => {
      const link = button(`${one.number} ${one.state}`, "", () => show(one.number));
      return make("li", "", link, ` ${one.summary}`);
    })));
  }
  pane.replaceChildren(...parts);
}

function drawHistory(ticket) {
  const detail = (one) => [one.detail.why, one.detail.result, one.detail.rating].filter(Boolean).join("，");
  const names = { bot: "机器人", worker: "工人", clock: "时钟" };
  document.getElementById("pane-history").replaceChildren(make("ol", "", ...ticket.events.map((one) => make("li", "", `${beijing(one.at)} ${names[one.actor] || one.actor} ${ACTIONS[one.action] || one.action}${detail(one) ? `：${detail(one)}` : ""}`))));
}

function tab(name) {
  for (const one of ["lookup", "facts", "history", "sum"]) {
    document.getElementById(`tab-${one}`).setAttribute("aria-selected", String(one === name));
    document.getElementById(`pane-${one}`).classList.toggle("hidden", one !== name);
  }
  const pane = document.getElementById("pane-sum");
  if (name === "sum" && !pane.childElementCount) showSums(pane, insert);
}

function help() {
  const rows = [["J K / ↑ ↓", "上下选工单"], ["Enter", "打开"], ["C", "受理"], ["R", "写回复"], ["Ctrl+Enter", "发送；弹窗里是确定"], ["L / Ctrl+K", "检索（Enter 插入答案）"], ["N", "内部备注"], ["T", "转办"], ["B", "退回"], ["D", "双派"], ["E", "办结"], ["V", "登记回访"], ["P", "电话登记"], ["/", "搜索工单"], ["1-6", "切换列表"], ["Esc", "回到列表"]];
  ask("快捷键", [make("div", "keys-table", ...rows.flatMap(([key, what]) => [make("kbd", "", key), make("span", "", what)]))], null);
}

const KEYS = {
  j: () => choose(chosen + 1), k: () => choose(chosen - 1), ArrowDown: () => choose(chosen + 1), ArrowUp: () => choose(chosen - 1),
  Enter: () => tickets[chosen] && show(tickets[chosen].number), c: () => press("受理") || press("协办受理"), r: () => document.getElementById("words")?.focus(),
  l: () => { tab("lookup"); document.querySelector("faq-lookup").input.focus(); }, n: () => press("备注"), t: () => press("转办"), b: () => press("退回"),
  d: () => press("双派"), e: () => press("办结"), v: () => press("登记回访"), p: phoneTicket, "/": () => search.focus(), "?": help,
};

function press(label) {
  const node = [...middle.querySelectorAll(".acts button")].find((one) => one.textContent.startsWith(label));
  if (node) node.click();
  return Boolean(node);
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (dialog.open) { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); document.getElementById("dialog-ok").click(); } return; }
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); KEYS.l(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.composedPath()[0];
  const inField = typing instanceof HTMLInputElement && typing.type !== "checkbox" || typing instanceof HTMLTextAreaElement || typing instanceof HTMLSelectElement;
  if (event.key === "Escape" && inField) { event.stopPropagation(); typing.blur(); list.focus(); return; }
  if (inField) return;
  if (typing instanceof HTMLButtonElement && event.key === "Enter") return;
  const digit = /^[1-6]$/.test(event.key) ? Number(event.key) - 1 : -1;
  if (digit >= 0) { view = VIEWS[digit][0]; page = 0; chosen = 0; load(); event.preventDefault(); return; }
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (act) { event.preventDefault(); event.stopPropagation(); act(); }
}, true);

let typed = 0;
search.addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(() => { page = 0; chosen = 0; if (search.value.trim()) view = "all"; load(); }, 200); });
document.getElementById("phone").addEventListener("click", phoneTicket);
document.getElementById("dialog-no").addEventListener("click", () => dialog.close());
for (const name of ["lookup", "facts", "history", "sum"]) document.getElementById(`tab-${name}`).addEventListener("click", () => tab(name));
document.querySelector("faq-lookup").addEventListener("insert", (event) => insert(event.detail.text));

let refreshing = false;
let again = false;
async function refresh() {
  if (refreshing) { again = true; return; }
  refreshing = true;
  try {
    await load();
    if (open) await show(open.number);
  } catch { /* the next event tries again */ } finally {
    refreshing = false;
    if (again) { again = false; refresh(); }
  }
}

function listen() {
  const net = document.getElementById("net");
  const source = new EventSource("/desk/api/live");
  source.onopen = () => { net.textContent = ""; };
  source.onmessage = refresh;
  source.onerror = () => { net.textContent = source.readyState === EventSource.CLOSED ? "连接断了，请刷新" : ""; };
}

(async () => {
  await signedIn();
  const duty = document.getElementById("duty");
  duty.checked = me.on_duty;
  duty.addEventListener("change", async () => {
    try { await call("POST", "/me/duty", { on_duty: duty.checked }); toast(duty.checked ? "已在岗，新工单会派过来。" : "已离岗，不再派单。"); } catch (error) { toast(error.message, true); }
  });
  await load();
  listen();
  setInterval(() => { [...list.querySelectorAll(".card")].forEach((node, at) => { const time = tickets[at] && remaining(tickets[at]); const left = node.querySelector(".left"); if (time && left) { left.textContent = time[0]; left.className = `left ${time[1] ? "soon" : ""}`; } }); }, 15000);
  list.focus();
})();
