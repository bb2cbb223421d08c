// Name and password in, a session cookie out.
"use strict";

const form = document.getElementById("form");
const state = document.getElementById("state");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  state.textContent = "";
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const body = JSON.stringify({ name: form.elements.name.value.trim(), password: form.elements.password.value });
    const response = await fetch("/desk/api/session", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    const found = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(typeof found.detail === "string" ? found.detail : "登录没有成功，请稍后再试。");
    location.href = found.role === "editor" ? "/desk/stats" : "/agent";
  } catch (error) {
    state.textContent = error instanceof TypeError ? "连不上服务器，请稍后再试。" : error.message;
    form.elements.password.select();
  } finally { button.disabled = false; }
});
