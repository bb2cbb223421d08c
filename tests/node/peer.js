// Reads one JSON array of jobs from standard input and prints one array of results; the other side of tests/test_weixin_peers.py.
"use strict";
const wecom = require("@wecom/crypto");
const { parseString } = require("xml2js");

async function work(job) {
  if (job.do === "encrypt") return wecom.encrypt(job.key, job.text, job.id);
  if (job.do === "decrypt") {
    const { message, id } = wecom.decrypt(job.key, job.text);
    return { message, id };
  }
  if (job.do === "sign") return wecom.getSignature(...job.parts);
  return new Promise((resolve) => parseString(job.text, { explicitArray: false }, (error, found) => resolve(error ? null : found.xml)));
}

let input = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (chunk) => { input += chunk; });
process.stdin.on("end", async () => process.stdout.write(JSON.stringify(await Promise.all(JSON.parse(input).map(work)))));
