/** Jobs, explanations and status, over the wire and without VS Code. */

import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { CancellationTokenSource } from "vscode-languageserver-protocol/node";
import { explain } from "../src/core/explain";
import { generate, type Step } from "../src/core/jobs";
import { bar, page, type Server } from "../src/core/status";
import type { EngineStatus } from "../src/core/wire";
import { FAKE, FIMD, folder, NO_FIMD, session, shop } from "./tools";

chmodSync(FAKE, 0o755);

const never = new CancellationTokenSource().token;

test("a job is followed to its end", async (t) => {
  const { peer } = await session(t, FAKE, folder(t));
  const steps: Step[] = [];
  const status = await generate(peer, { output: join(folder(t), "data") }, (step) => steps.push(step), never);
  assert.deepEqual([status.state, status.examples], ["done", 7]);
  assert.deepEqual(steps.map(({ message }) => message).at(-1), "done: 7 examples");
  assert.equal(steps.reduce((sum, { increment }) => sum + increment, 0), 50);
});

test("a job is cancelled when it is no longer wanted", async (t) => {
  const { peer } = await session(t, FAKE, folder(t));
  const source = new CancellationTokenSource();
  const params = { output: "/nowhere", endless: true };
  const step = ({ increment }: Step) => increment === 50 && source.cancel();
  assert.equal((await generate(peer, params, step, source.token)).state, "cancelled");
  // Cancelled before the job has begun, too.
  assert.equal((await generate(peer, params, () => undefined, source.token)).state, "cancelled");
});

test("a job whose server ends is an error", async (t) => {
  const { peer, connection } = await session(t, FAKE, folder(t));
  const die = ({ increment }: Step) => increment === 50 && void connection.sendNotification("fake/die");
  await assert.rejects(generate(peer, { output: "/nowhere", endless: true }, die, never));
});

test("the real server makes a dataset, or none when it is cancelled", { skip: NO_FIMD }, async (t) => {
  const root = shop(t);
  const { peer } = await session(t, FIMD ?? "", root, ["--no-cache"]);
  const output = join(folder(t), "data");
  const steps: string[] = [];
  const params = { output, cross_file_context: true, min_middle_chars: 20 };
  const status = await generate(peer, params, ({ message }) => steps.push(message), never);
  assert.equal(status.state, "done", status.error);
  assert(status.examples > 0);
  assert.match(readFileSync(join(output, "report.html"), "utf8"), /^<!DOCTYPE html>/);
  assert(steps.length > 0);
  const source = new CancellationTokenSource();
  source.cancel();
  const other = join(folder(t), "other");
  const ended = await generate(peer, { output: other }, () => undefined, source.token);
  // The job may have ended before the cancellation.
  assert.equal(existsSync(other), ended.state === "done");
  assert(["done", "cancelled"].includes(ended.state), ended.state);
  await assert.rejects(generate(peer, { output: "relative" }, () => undefined, never), /absolute/);
});

test("what was sent is shown, with why and what came of it", async (t) => {
  const { peer, open } = await session(t, FAKE, folder(t));
  const uri = await open("a.php", "<?php\n$users->\n$unreachable->\n$broken->\nnothing\n$cached->");
  const at = (line: number, character: number) => explain(peer, { uri, position: { line, character } });
  const shown = await at(1, 8);
  for (const part of [
    "# Context for a.php:2:9",
    "Context in 3.0 ms, first token after 40 ms, all in 85 ms.",
    "## Context (88 characters)",
    "| src/Users.php | 10–60 | dependency | 0.875 | 50 |",
    "| src/Old.php | 10–60 | dependency: no room | 0.875 | 50 |",
    "```php\nfindByEmail($email);\n```",
  ]) {
    assert(shown.includes(part), `${part}\n--- is not in\n${shown}`);
  }
  assert.match(await at(2, 14), /Nothing was sent: no model server at .*\n\nThis context was ready[^]*findByEmail/);
  await assert.rejects(at(3, 9), /something inside/);
  assert.match(await at(4, 7), /nothing useful to add/);
  assert.match(await at(5, 9), /there already[^]*## Context \(88 characters\)[^]*## Answer\n\n```php\nfindByEmail/);
});

test("code that holds a fence does not end its block", async () => {
  const text = "```\nin a doc comment\n````";
  const context = { context: text, snippets: [] };
  const peer = {
    request: async (method: string) => {
      if (method === "complete") throw Object.assign(new Error("unknown"), { code: -32601 });
      return context as never;
    },
    onProgress: () => ({ dispose() {} }),
    onGone: () => ({ dispose() {} }),
  };
  const shown = await explain(peer, { uri: "file:///a.php", position: { line: 0, character: 0 } });
  assert(shown.includes(`\`\`\`\`\`php\n${text}\n\`\`\`\`\``), shown);
});

test("the real server explains its context and its status", { skip: NO_FIMD }, async (t) => {
  const root = shop(t);
  const { peer, open, initialized } = await session(t, FIMD ?? "", root, ["--no-cache"]);
  const path = "src/Service/OrderService.php";
  const text = existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : "<?php\n$this->";
  const uri = await open(path, text);
  const shown = await explain(peer, { uri, position: { line: text.split("\n").length - 2, character: 0 } });
  assert.match(shown, /^# Context for OrderService.php:/);
  assert.match(shown, /## Context \(\d+ characters\)/);
  const status = await peer.request<EngineStatus>("fimd/status");
  assert.equal(status.version, initialized.serverInfo?.version);
  const files = (initialized.capabilities.experimental as { fimd: { file_count: number } }).fimd.file_count;
  assert(files > 0);
  assert.equal(status.projects.find((project) => project.root === root)?.index?.files, files);
  const running: Server = { kind: "running", version: status.version, roots: [root], files, chunks: 0 };
  assert(page({ server: running, automatic: true }, status).includes(`| ${root} | ${files} |`));
});

test("the status bar says how it is", () => {
  const running: Server = { kind: "running", version: "0.1.0", roots: ["/shop"], files: 1234, chunks: 5678 };
  const text = (state: Parameters<typeof bar>[0]) => bar(state).text;
  assert.equal(text({ server: { kind: "starting" }, automatic: true }), "$(loading~spin) fimd: indexing");
  assert.equal(text({ server: running, automatic: true }), "$(sparkle) fimd: ready");
  const ready = { server: running, automatic: true, model: "qwen", latency: 84.6 };
  assert.equal(text(ready), "$(sparkle) fimd: qwen · 85 ms");
  assert.deepEqual(bar(ready).tooltip.slice(1, 4), ["/shop", "1,234 files, 5,678 chunks", "Model: qwen"]);
  const timings = { context_ms: 1, first_token_ms: 40.4, total_ms: 85, cached: false };
  const told = (more: object) => bar({ ...ready, timings: { ...timings, ...more } }).tooltip.slice(-2);
  const took = "The last completion took 85 ms";
  assert.deepEqual(told({}), [took, "First text after 40 ms"]);
  assert.deepEqual(told({ read_tokens: 1, reused_tokens: 1200 }), [took, "First text after 40 ms; 1 token read, 1,200 reused"]);
  assert.deepEqual(told({ read_tokens: 12, reused_tokens: null }), [took, "First text after 40 ms; 12 tokens read"]);
  assert.deepEqual(told({ first_token_ms: null }), ["Completes as you type", took]);
  assert.equal(text({ ...ready, automatic: false }), "$(circle-slash) fimd: off");
  const until = new Date(2026, 0, 2, 9, 30).getTime();
  assert.equal(text({ ...ready, snoozedUntil: until }), "$(bell-slash) fimd: snoozed until 09:30");
  const down = bar({ ...ready, outage: "nobody answers" });
  assert.deepEqual([down.text, down.severity, down.tooltip.at(-1)], ["$(warning) fimd: no answer", "warning", "nobody answers"]);
  const stale = bar({ ...ready, warning: "settings.toml:1: wrong" });
  assert.deepEqual([stale.severity, stale.tooltip.at(-1)], ["warning", "settings.toml:1: wrong"]);
  assert.equal(bar({ server: { kind: "failed", why: "gone" }, automatic: true }).severity, "error");
  assert.deepEqual(bar({ server: { kind: "stopped", why: "Open a folder" }, automatic: true }).tooltip, ["Open a folder"]);
});
