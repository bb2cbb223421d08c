// 算一算 for agents: choose a calculation, fill in what is known, read the steps with their articles.
"use strict";

async function showSums(pane, insert) {
  const list = await (await fetch("/api/calculate")).json();
  const choose = make("select", "");
  choose.setAttribute("aria-label", "算哪一项");
  choose.append(make("option", "", "选一项…"));
  for (const item of list) {
    const option = make("option", "", item.title);
    option.value = item.name;
    choose.append(option);
  }
  const form = make("form", "sum-form");
  const out = make("div", "");
  out.setAttribute("aria-live", "polite");
  pane.replaceChildren(make("div", "row", choose), form, out);
  choose.addEventListener("change", () => {
    out.replaceChildren();
    form.replaceChildren();
    const item = list.find((one) => one.name === choose.value);
    if (!item) return;
    for (const field of item.fields) form.append(make("label", "", `${field.label}${field.optional ? "（可不填）" : ""}`, sumInput(field)));
    const go = make("button", "main", "算");
    form.append(make("div", "row", go));
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const item = list.find((one) => one.name === choose.value);
    const values = {};
    for (const field of item.fields) {
      const text = form.elements[field.name].value.trim();
      if (text) values[field.name] = field.kind === "yes" ? text === "yes" : field.kind === "months" || field.kind === "count" ? Number(text) : text;
    }
    const response = await fetch(`/api/calculate/${item.name}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(values) });
    const found = await response.json().catch(() => ({}));
    if (!response.ok) {
      const detail = found.detail;
      const labels = Object.fromEntries(item.fields.map((field) => [field.name, field.label]));
      const text = typeof detail === "string" ? detail.replace(/[a-z_]+/g, (name) => labels[name] || name) : detail && detail.text ? detail.text : "填的内容有误，请检查。";
      out.replaceChildren(make("p", "sum-result", text));
      return;
    }
    const steps = found.steps.map((step, at) => `${at + 1}. ${step.text}（《${step.law}》${step.article}）`);
    const more = [["还不知道的", found.unknown], ["前提", found.assumptions], ["会改变结果的", found.changes]];
    const text = [found.headline, "", ...steps, ...more.filter(([, some]) => some.length).map(([title, some]) => `${title}：${some.join("；")}`), found.human, found.note].filter((line, at) => line || at === 1).join("\n");
    out.replaceChildren(make("div", "sum-result", text), button("插入回复", "", () => insert(text)));
  });
}

function sumInput(field) {
  let node;
  if (field.kind === "choice" || field.kind === "yes") {
    node = make("select", "");
    const choices = field.kind === "yes" ? [["yes", "是"], ["no", "否"]] : field.choices;
    node.append(make("option", "", ""));
    for (const [key, label] of choices) {
      const option = make("option", "", label);
      option.value = key;
      node.append(option);
    }
  } else {
    node = make("input", "");
    node.type = field.kind === "date" ? "date" : "text";
    if (field.kind !== "date") node.inputMode = "decimal";
  }
  node.name = field.name;
  return node;
}
