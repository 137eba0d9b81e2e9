// Send two reports as JSON lines to Spikewatch and wait until the receipt tells what became of each. Node 18 or newer, no package.
//
//   SPIKEWATCH_URL=http://127.0.0.1:8080 SPIKEWATCH_KEY=... node send.mjs
//
// No name, no birth date, no phone number: they are dropped or refused.
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

const url = process.env.SPIKEWATCH_URL ?? "http://127.0.0.1:8080";
const key = process.env.SPIKEWATCH_KEY; // spikewatch agency-keys issue AGENCY
const busy = new Set([429, 502, 503, 504]);

async function call(method, path, body, headers = {}) {
  for (let attempt = 0; attempt < 6; attempt++) {
    try {
      const response = await fetch(url + path, {
        method, body, headers: { Authorization: `Bearer ${key}`, ...headers }, signal: AbortSignal.timeout(30_000),
      });
      if (response.ok) return await response.json();
      // A problem document: the field, what was wrong, what was expected, an example.
      if (!busy.has(response.status)) throw new Error(`refused: ${await response.text()}`, { cause: "refused" });
    } catch (error) {
      if (error.cause === "refused") throw error; // anything else is no answer: the Idempotency-Key makes it safe to ask again
    }
    await pause(200 * 2 ** attempt);
  }
  throw new Error(`${url} does not answer`);
}

const batch = randomUUID().replaceAll("-", "");
const occurred = new Date().toISOString();
const reports = [1, 2].map((number) => ({
  record_id: `EXAMPLE-JS-${batch}-${number}`, // your own id of the record: the same id again is a duplicate, or a correction
  occurred_at: occurred,
  lat: 30.2712,
  lon: -44.9412,
  outcome: "nonfatal",
  reversal_given: "yes",
  reversal_doses: number,
  age: 30 + number,
  sex: "male",
}));
const receipt = await call("POST", "/v1/submissions?format=statutory", reports.map((report) => JSON.stringify(report) + "\n").join(""), {
  "Content-Type": "application/x-ndjson",
  "Idempotency-Key": batch,
});
console.log("accepted:", receipt.submission_id); // 202: stored, safe from any crash

let told;
for (const deadline = Date.now() + 30_000; Date.now() < deadline; await pause(200)) {
  told = await call("GET", `/v1/submissions/${receipt.submission_id}`);
  if (told.status === "processed") break;
}
console.log(JSON.stringify(told, null, 2));
