// Accounts of the admin's region: add, close, open.
"use strict";

const ROLE_NAMES = { agent: "坐席", lawyer: "律师", editor: "编辑", supervisor: "班长", admin: "管理员" };

async function load() {
  const accounts = await call("GET", "/agents");
  const head = make("tr", "", ...["登录名", "名字", "角色", "地区", "状态", ""].map((text) => { const cell = make("th", "", text); cell.scope = "col"; return cell; }));
  const rows = accounts.map((one) => {
    const act = button(one.active ? "停用" : "启用", "", async () => {
      try { await call("POST", `/agents/${one.id}`, { active: !one.active }); toast("已修改。"); await load(); } catch (error) { toast(error.message, true); }
    });
    return make("tr", "", ...[one.name, one.shown, ROLE_NAMES[one.role], one.region, one.active ? "启用" : "停用"].map((text) => make("td", "", text)), make("td", "", one.name === me.name ? "" : act));
  });
  document.getElementById("list").replaceChildren(make("h2", "", "本地区账号"), make("table", "", make("thead", "", head), make("tbody", "", ...rows)));
}

document.getElementById("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  const state = document.getElementById("state");
  const body = Object.fromEntries(["name", "shown", "password", "role", "region"].map((id) => [id, document.getElementById(id).value.trim()]));
  try { await call("POST", "/agents", body); event.target.reset(); state.textContent = ""; toast("已添加。"); await load(); } catch (error) { state.textContent = error.message; }
});
(async () => { await signedIn(); document.getElementById("region").value = me.region; await load(); })();
