// What the desk's pages share: nodes, requests with the session's token, times as people read them.
"use strict";

let me = null;

function make(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function button(label, className, act) {
  const node = make("button", className, label);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

async function call(method, path, body) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (me) headers["X-CSRF-Token"] = me.csrf;
  const response = await fetch(`/desk/api${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (response.status === 401) { location.href = "/desk/sign-in"; throw new Error("请先登录。"); }
  const found = await response.json().catch(() => ({}));
  if (!response.ok) {
    const error = new Error(typeof found.detail === "string" ? found.detail : "没有成功，请检查填写的内容。");
    error.status = response.status;
    throw error;
  }
  return found;
}

async function signedIn() {
  me = await call("GET", "/me");
  const names = { agent: "坐席", lawyer: "律师", editor: "编辑", supervisor: "班长", admin: "管理员" };
  document.getElementById("who").textContent = `${me.shown} · ${names[me.role]} · ${me.office}`;
  const links = { desk: me.role !== "editor", stats: me.role !== "agent" && me.role !== "lawyer", accounts: me.role === "admin" };
  for (const [name, on] of Object.entries(links)) {
    for (const link of document.querySelectorAll(`[data-link="${name}"]`)) link.classList.toggle("hidden", !on);
  }
  document.getElementById("out").addEventListener("click", async () => {
    try { await call("DELETE", "/session"); } finally { location.href = "/desk/sign-in"; }
  });
  return me;
}

function beijing(utc) {
  return new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false }).format(new Date(utc));
}

let toastTimer = 0;
function toast(text, bad) {
  const node = document.getElementById("toast");
  node.textContent = text;
  node.className = bad ? "toast on bad" : "toast on";
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { node.className = "toast"; }, bad ? 5000 : 2500);
}
