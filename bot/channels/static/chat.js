// The workers' chat: words in, the approved answer out. Everything shown is built from text nodes.
"use strict";

const log = document.getElementById("log");
const form = document.getElementById("form");
const box = document.getElementById("text");
const send = document.getElementById("send");
let session = null;
try { session = sessionStorage.getItem("nuanxin"); } catch { /* private mode: the session lives in this page */ }
let waiting = false;

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function add(className) {
  const turn = make("div", `turn ${className}`);
  log.append(turn);
  return turn;
}

function scroll(turn) {
  turn.scrollIntoView({ block: turn.offsetHeight > log.clientHeight - 80 ? "start" : "end" });
}

function button(label, text, className) {
  const node = make("button", className, label);
  node.type = "button";
  node.addEventListener("click", () => ask(text, label));
  return node;
}

function greet() {
  const turn = add("bot");
  turn.append(make("p", "", "您好，我是暖心，工会的问答助手。您把遇到的事说给我听，我从审核过的题库里找答案；拿不准的，我转给人工。"));
  const quick = make("div", "quick");
  for (const text of ["老板不发工资怎么办", "没签劳动合同怎么办", "上班路上出车祸算工伤吗", "被辞退能赔多少钱", "年假没休怎么算钱"]) quick.append(button(text, text));
  turn.append(quick);
}

function showBasis(turn, basis) {
  if (!basis.length) return;
  const fold = make("details");
  fold.append(make("summary", "", `法律依据（${basis.length}条）`));
  for (const item of basis) {
    fold.append(make("h3", "", `《${item.law}》${item.article}${item.status === "repealed" ? "（已废止）" : ""}`));
    if (item.text) fold.append(make("p", "law-text", item.is_digest ? `（大意）${item.text}` : item.text));
  }
  turn.append(fold);
}

function showUseful(turn, entry) {
  const row = make("div", "useful");
  row.append(make("span", "", "这个回答"));
  for (const [label, useful] of [["有用", true], ["没用", false]]) {
    const node = make("button", "", label);
    node.type = "button";
    node.addEventListener("click", async () => {
      try {
        await post("/api/feedback", { session, entry_id: entry.id, useful });
        row.replaceChildren(make("span", "", useful ? "谢谢，您的反馈已记下。" : "已记下。换个说法再问一次，或者点右上角“转人工”。"));
      } catch { row.replaceChildren(make("span", "", "没记上，请稍后再试。")); }
    });
    row.append(node);
  }
  turn.append(row);
}

function show(turn, reply) {
  turn.className = `turn bot ${reply.kind}`;
  turn.replaceChildren();
  if (reply.kind === "answer") {
    if (reply.entry) turn.append(make("p", "asked", reply.entry.question));
    const short = reply.entry && reply.entry.short;
    if (short && short !== reply.text) {
      turn.append(make("p", "short", short));
      const fold = make("details");
      fold.append(make("summary", "", "详细说明"), make("p", "", reply.text));
      turn.append(fold);
    } else turn.append(make("p", reply.entry ? "" : "lines", reply.text));
    if (reply.next.length) {
      const fold = make("details");
      fold.append(make("summary", "", "下一步怎么办"));
      const list = make("ul");
      for (const step of reply.next) list.append(make("li", "", step));
      fold.append(list);
      turn.append(fold);
    }
    showBasis(turn, reply.basis);
    if (reply.related.length) {
      const near = make("div", "choices");
      near.append(make("span", "asked", "您可能还想问："));
      for (const item of reply.related) near.append(button(item.question, item.question));
      turn.append(near);
    }
    if (reply.entry) showUseful(turn, reply.entry);
  } else if (reply.kind === "clarify" && !reply.choices.length) {
    turn.append(make("p", "lines", reply.text));
  } else if (reply.kind === "clarify") {
    turn.append(make("p", "", reply.choices.length > 1 ? "您想问的是下面哪一个？点一下，或回复序号。" : "您想问的是这个吗？"));
    const choices = make("div", "choices");
    reply.choices.forEach((choice, at) => choices.append(button(`${at + 1}. ${choice.question}`, String(at + 1))));
    choices.append(button("都不是，转人工", "转人工", "none"));
    turn.append(choices);
  } else turn.append(make("p", "", reply.text));
  if (reply.follow) turn.append(make("p", "follow", reply.follow));
  if (reply.actions.length) {
    const row = make("div", "quick");
    for (const action of reply.actions) row.append(button(action.label, action.say));
    turn.append(row);
  }
  if (reply.form) turn.append(formFor(reply.form));
  if (reply.ticket) turn.append(make("p", "ticket", `工单 ${reply.ticket.number} · ${reply.ticket.state}`));
}

// A small form for what a calculation asks, where typing is harder than choosing.
function formFor(asked) {
  if (asked.kind !== "date" && asked.kind !== "money" && asked.kind !== "count") return document.createTextNode("");
  const node = make("form", "small");
  const label = make("label", "", asked.label);
  const input = make("input");
  input.type = asked.kind === "date" ? "date" : "text";
  if (asked.kind !== "date") input.inputMode = "decimal";
  label.append(input);
  node.append(label, make("button", "", "填好了"));
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim()) { node.remove(); ask(input.value.trim()); }
  });
  return node;
}

// What comes unasked: an agent's words, the end of a ticket. Asked for only while a ticket is open here.
let following = 0;
let last = 0;
const FOLLOW_MS = 2500;

function follow() {
  try { sessionStorage.setItem("nuanxin-follow", "1"); } catch { /* as above */ }
  if (!following) following = setTimeout(fetchMessages, FOLLOW_MS);
}

async function fetchMessages() {
  following = 0;
  if (!session) return;
  let human = true;
  try {
    const found = await (await fetch(`/api/messages?session=${encodeURIComponent(session)}&after=${last}`)).json();
    human = found.human || found.open;
    for (const message of found.messages) {
      last = Math.max(last, message.id);
      const turn = add("bot agent");
      if (message.author) turn.append(make("p", "asked", message.author));
      turn.append(make("p", "lines", message.text));
      if (message.actions.length) {
        const row = make("div", "quick");
        for (const action of message.actions) row.append(button(action.label, action.say));
        turn.append(row);
      }
      scroll(turn);
    }
  } catch { /* no network for a moment: the next round tries again */ }
  if (human) follow();
  else { try { sessionStorage.removeItem("nuanxin-follow"); } catch { /* as above */ } }
}

async function post(url, body) {
  const response = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const data = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(typeof data.detail === "string" ? data.detail : "没有发出去，请稍后再试；急事请拨打12351。");
  return data;
}

async function ask(text, shown) {
  text = text.trim();
  if (!text || waiting) return;
  waiting = true;
  send.disabled = true;
  add("mine").textContent = shown || text;
  const turn = add("bot waiting");
  turn.textContent = "正在找…";
  scroll(turn);
  try {
    const reply = await post("/api/ask", session ? { text, session } : { text });
    session = reply.session;
    try { sessionStorage.setItem("nuanxin", session); } catch { /* as above */ }
    if (reply.silent) turn.remove(); else show(turn, reply);
    if (reply.ticket || reply.silent) follow();
  } catch (error) {
    turn.className = "turn bot";
    turn.textContent = error instanceof TypeError ? "网络不通，话没有发出去。请稍后再试；急事请拨打12351。" : error.message;
    if (!box.value) box.value = text;
  } finally {
    waiting = false;
    send.disabled = false;
    if (turn.isConnected) scroll(turn);
  }
}

function grow() {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + 2}px`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = box.value;
  if (waiting || !text.trim()) return;
  box.value = "";
  grow();
  ask(text);
});
box.addEventListener("input", grow);
box.addEventListener("keydown", (event) => {
  // Enter while an input method is composing picks a word; it must not send.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
    event.preventDefault();
    form.requestSubmit();
  }
});
document.getElementById("human").addEventListener("click", () => ask("转人工"));
greet();
try { if (session && sessionStorage.getItem("nuanxin-follow")) following = setTimeout(fetchMessages, 300); } catch { /* as above */ }
if (matchMedia("(pointer: fine)").matches) box.focus();
