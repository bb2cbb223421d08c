// <faq-lookup [server="https://…"] [focus] [insert]>: the agents' lookup as one element that fits any page.
// With `insert`, an answer is handed to the page (event "insert", detail.text) instead of the clipboard.
// Shadow DOM keeps its style to itself; everything shown is built from text nodes.
"use strict";

const HOME = new URL(document.currentScript.src);

function lookupNode(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

// The words of the query of two characters or more, marked where they stand in the text.
function marked(text, query) {
  const grams = new Set();
  const clean = query.replace(/[\s\p{P}]+/gu, "");
  for (let at = 0; at + 1 < clean.length; at += 1) grams.add(clean.slice(at, at + 2));
  if (clean.length === 1) grams.add(clean);
  const on = new Array(text.length).fill(false);
  for (const gram of grams) {
    for (let at = text.indexOf(gram); at >= 0; at = text.indexOf(gram, at + 1)) on.fill(true, at, at + gram.length);
  }
  const parts = document.createDocumentFragment();
  for (let at = 0; at < text.length;) {
    let end = at;
    while (end < text.length && on[end] === on[at]) end += 1;
    const piece = text.slice(at, end);
    parts.append(on[at] ? lookupNode("mark", "", piece) : piece);
    at = end;
  }
  return parts;
}

class FaqLookup extends HTMLElement {
  #found = null;
  #chosen = 0;
  #asked = 0;
  #timer = 0;
  #query = "";

  connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: "open" });
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("faq-lookup.css", HOME).href;
    this.input = lookupNode("input");
    this.input.type = "search";
    this.input.maxLength = 200;
    this.input.placeholder = "输入关键词，如：拖欠 工资 工地";
    this.input.setAttribute("aria-label", "检索题库和法规");
    this.state = lookupNode("span", "state");
    this.list = lookupNode("div", "list");
    this.answer = lookupNode("div", "answer");
    this.answer.setAttribute("aria-live", "polite");
    this.laws = lookupNode("div", "laws");
    this.toast = lookupNode("div", "toast");
    this.toast.setAttribute("role", "status");
    const keys = lookupNode("div", "keys");
    for (const [key, meaning] of [["/", "回到输入框"], ["↑ ↓", "选题"], ["Alt+1-9", "直接选"], ["Enter", this.hasAttribute("insert") ? "插入答案" : "复制答案"], ["Esc", "清空"]]) {
      keys.append(lookupNode("kbd", "", key), ` ${meaning}　`);
    }
    const whole = lookupNode("div", "whole", lookupNode("div", "bar", this.input, this.state), keys, lookupNode("div", "body", this.list, this.answer, this.laws), this.toast);
    root.append(style, whole);
    this.#empty("输入来电人的话或几个关键词，边输边出结果。");
    this.input.addEventListener("input", (event) => { if (!event.isComposing) this.#later(); });
    this.input.addEventListener("compositionend", () => this.#later());
    whole.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("keydown", (event) => {
      const typing = event.composedPath()[0];
      if (event.key === "/" && !(typing instanceof HTMLInputElement || typing instanceof HTMLTextAreaElement)) {
        event.preventDefault();
        this.input.focus();
        this.input.select();
      }
    });
    if (this.hasAttribute("focus")) this.input.focus();
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#search(), 60);
  }

  async #search() {
    const query = this.input.value.trim();
    const number = this.#asked += 1;
    if (!query) { this.#found = null; this.state.textContent = ""; this.#empty("输入来电人的话或几个关键词，边输边出结果。"); return; }
    try {
      const url = new URL("/api/lookup", this.getAttribute("server") || HOME.origin);
      url.searchParams.set("q", query);
      url.searchParams.set("k", "9");
      const response = await fetch(url);
      const found = await response.json();
      if (number !== this.#asked) return; // a later query is on its way
      if (!response.ok) throw new Error(typeof found.detail === "string" ? found.detail : "检索没有成功");
      this.#query = query;
      this.#found = found;
      this.state.textContent = `${found.entries.length}题 · ${found.articles.length}条 · ${Math.max(1, Math.round(found.took_ms))}毫秒`;
      this.#choose(0);
    } catch (error) {
      if (number === this.#asked) this.state.textContent = error instanceof TypeError ? "连不上服务器" : error.message;
    }
  }

  #empty(text) {
    this.list.removeAttribute("role"); // a list box without options is none
    this.list.removeAttribute("aria-label");
    this.list.replaceChildren(lookupNode("p", "empty", text));
    this.answer.replaceChildren();
    this.laws.replaceChildren();
  }

  #choose(place) {
    const { entries, articles } = this.#found;
    if (!entries.length && !articles.length) { this.#empty("没有找到。换几个词试试。"); return; }
    this.#chosen = Math.min(Math.max(place, 0), Math.max(entries.length - 1, 0));
    if (entries.length) {
      this.list.setAttribute("role", "listbox");
      this.list.setAttribute("aria-label", "匹配的问题");
    }
    this.list.replaceChildren(...entries.map((entry, at) => this.#row(entry, at)));
    const row = this.list.querySelector('[aria-selected="true"]');
    if (row) row.scrollIntoView({ block: "nearest" });
    this.#show(entries[this.#chosen], articles);
  }

  #row(entry, at) {
    const level = entry.score >= 0.75 ? ["高", "high"] : entry.score >= 0.55 ? ["中", ""] : ["低", "low"];
    const words = lookupNode("span", "", lookupNode("b", "", marked(entry.question, this.#query)));
    if (entry.matched !== entry.question) words.append(lookupNode("small", "", "问法：", marked(entry.matched, this.#query)));
    const row = lookupNode("button", "row", lookupNode("span", "digit", String(at + 1)), words, lookupNode("span", `level ${level[1]}`, level[0]));
    row.type = "button";
    row.tabIndex = -1;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(at === this.#chosen));
    row.title = `得分 ${entry.score.toFixed(2)}：语义 ${entry.parts.dense.toFixed(2)}，字词 ${entry.parts.lexical.toFixed(2)}，字面 ${entry.parts.fuzzy.toFixed(2)}`;
    row.addEventListener("click", () => { this.#choose(at); this.input.focus(); });
    return row;
  }

  #show(entry, articles) {
    this.answer.replaceChildren();
    this.laws.replaceChildren();
    if (entry) {
      const tools = lookupNode("div", "tools");
      const verb = this.hasAttribute("insert") ? "插入" : "复制";
      for (const [label, text, className] of [[`${verb}答案`, entry.answer, ""], [`${verb}简答`, entry.short, "plain"]]) {
        if (!text) continue;
        const node = lookupNode("button", className, label);
        node.type = "button";
        node.addEventListener("click", () => this.#copy(text));
        tools.append(node);
      }
      this.answer.append(lookupNode("h2", "", marked(entry.question, this.#query)));
      const facts = [entry.kind === "complaint" ? "投诉" : "咨询", entry.topic, entry.entry_id, entry.as_of && `核对至 ${entry.as_of}`];
      this.answer.append(lookupNode("p", "facts", facts.filter(Boolean).join(" · ")));
      if (entry.short) this.answer.append(lookupNode("p", "short", entry.short));
      this.answer.append(tools, lookupNode("p", "", marked(entry.answer || "这道题还没有答案。", this.#query)));
      if (entry.next.length) this.answer.append(lookupNode("h3", "", "下一步"), lookupNode("ul", "", ...entry.next.map((step) => lookupNode("li", "", step))));
      if (entry.basis.length) this.laws.append(lookupNode("h3", "", "答案依据"));
      for (const basis of entry.basis) this.laws.append(this.#law(basis));
    }
    if (articles.length) this.laws.append(lookupNode("h3", "", "相近条文"));
    for (const article of articles.slice(0, 6)) this.laws.append(this.#law(article));
  }

  #law({ law, article, text, status, version, is_digest: isDigest }) {
    const card = lookupNode("div", "law", lookupNode("b", "", `《${law}》${article}`));
    const notes = [isDigest && text && "大意，非原文", version && `${version} 版`, { revised: "旧版", repealed: "已废止", unknown: "库中无原文" }[status]].filter(Boolean);
    if (notes.length) card.append(lookupNode("small", "", notes.join(" · ")));
    card.append(lookupNode("p", "", marked(text, this.#query)));
    return card;
  }

  #key(event) {
    if (event.isComposing || event.keyCode === 229) return; // the input method has the keyboard
    if (event.key === "Escape") { this.input.value = ""; this.#search(); this.input.focus(); event.preventDefault(); return; }
    if (!this.#found) return;
    const digit = /^Digit([1-9])$/.exec(event.code);
    const bare = event.target !== this.input && !event.ctrlKey && !event.metaKey;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.#choose(this.#chosen + (event.key === "ArrowDown" ? 1 : -1));
    else if (digit && (event.altKey || bare)) this.#choose(Number(digit[1]) - 1);
    else if (event.key === "Enter" && event.target === this.input) this.#copyChosen();
    else return;
    event.preventDefault();
  }

  #copyChosen() {
    const entry = this.#found.entries[this.#chosen];
    if (entry && entry.answer) this.#copy(entry.answer);
  }

  async #copy(text) {
    if (this.hasAttribute("insert")) {
      this.dispatchEvent(new CustomEvent("insert", { detail: { text } }));
      this.#say("已放进回复框");
      return;
    }
    try {
      await navigator.clipboard.writeText(text);
    } catch { // no clipboard permission, or a page without https: the old way
      const area = lookupNode("textarea", "", text);
      this.shadowRoot.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      this.input.focus();
    }
    this.#say("已复制");
  }

  #say(text) {
    this.toast.textContent = text;
    this.toast.classList.add("on");
    setTimeout(() => this.toast.classList.remove("on"), 1600);
  }
}

customElements.define("faq-lookup", FaqLookup);
