#!/usr/bin/env bash
# One verb a line; people and CI call the same verbs.
#   serve · ask "…" · build · test · eval CASES.jsonl · check · bench · wechat-sim · wechat-menu · desk add NAME … · erase --ticket N
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

say() { if [ -t 1 ]; then echo "$@"; fi; }

install() { # install [extra]: the virtual environment, made where missing, renewed when pyproject.toml changed
  local extra="${1:-}" mark
  mark=".venv/.nuanxin-installed${extra:+-$extra}"
  if [ ! -x .venv/bin/python ]; then
    say "正在创建虚拟环境 .venv …"
    "${PYTHON:-python3}" -m venv .venv
  fi
  if [ ! -f "$mark" ] || [ pyproject.toml -nt "$mark" ]; then
    say "正在安装依赖（第一次要几分钟）…"
    # torch first: with no torch there, other packages would pull its newest build with gigabytes of CUDA.
    .venv/bin/python -c "import torch" 2>/dev/null || .venv/bin/python -m pip install -q "${NUANXIN_TORCH:-torch==2.13.0}"
    .venv/bin/python -m pip install -q -e ".${extra:+[$extra]}"
    touch "$mark"
  fi
}

build_if_stale() { .venv/bin/python index_build.py --if-stale; }

browser() { # Debian's Chromium and a Chinese font, where we may install them and they are missing
  if ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "正在安装 Chromium 与中文字体（供浏览器测试用）…"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk; } >/dev/null 2>&1 ||
      echo "Chromium could not be installed: the browser tests will be skipped" >&2
  fi
}

node_peers() { # independent WeChat clients for the tests, where node can be had
  if ! command -v npm >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq nodejs npm; } >/dev/null 2>&1 || true
  fi
  if command -v npm >/dev/null && [ ! -d tests/node/node_modules ]; then
    say "正在安装测试用的微信客户端 …"
    (cd tests/node && npm install --silent --no-audit --no-fund --package-lock=false >/dev/null 2>&1) ||
      echo "The node clients could not be installed: the tests that need them will be skipped" >&2
  fi
}

verb="${1:-help}"
[ $# -gt 0 ] && shift
case "$verb" in
  serve) install && build_if_stale && exec .venv/bin/python serve.py "$@" ;;
  ask)   install && build_if_stale && exec .venv/bin/python serve.py --ask "$*" ;;
  build) install && exec .venv/bin/python index_build.py "$@" ;;
  eval)  install && build_if_stale && exec .venv/bin/python -m eval.run "$@" ;;
  bench) install dev && build_if_stale && exec .venv/bin/python -m eval.bench "$@" ;;
  wechat-sim)  install && exec .venv/bin/python -m bot.weixin.simulate "$@" ;;
  wechat-menu) install && exec .venv/bin/python -m bot.weixin.menu "$@" ;;
  desk)  install && exec .venv/bin/python -m bot.desk.manage "$@" ;;
  erase) install && exec .venv/bin/python -m bot.desk.erase "$@" ;;
  test)  install dev && browser && node_peers && exec .venv/bin/python -m pytest "$@" ;;
  check) install dev
         .venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy &&
           .venv/bin/lint-imports && .venv/bin/python -m knowledge.checks ;;
  *)     sed -n '2,3p' "$0"; exit 2 ;;
esac
