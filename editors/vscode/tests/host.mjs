// Checks the packaged extension in a real VS Code: code-server, driven in Chromium.
// Run it by hand: its dependencies take minutes to install. See README.md.
//
//   CODE_SERVER  the program code-server
//   PLAYWRIGHT   the folder of the package playwright-core
//   CHROMIUM     a Chromium (default: /usr/bin/chromium)
//   FIMD         the fimd to test (default: the tests' fake, which `npm test` builds)
//   SHOTS        a folder for pictures (default: out/shots)
//
// The model is a script that answers with the method only if the prompt declares
// it. So grey text from the real fimd proves that the context was in the prompt.

import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createServer as createSocket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL("..", import.meta.url));
const FAKE = join(HERE, "out/fake-fimd.cjs");
const fimd = resolve(process.env.FIMD ?? FAKE);
const isFake = fimd === FAKE;
const shots = resolve(process.env.SHOTS ?? join(HERE, "out/shots"));
const { CODE_SERVER, PLAYWRIGHT, CHROMIUM = "/usr/bin/chromium" } = process.env;
if (!CODE_SERVER || !PLAYWRIGHT) throw new Error("CODE_SERVER and PLAYWRIGHT have to be set: see the head of this file");

const ANSWER = "byEmail($email);";
const BEFORE = `<?php

declare(strict_types=1);

namespace Shop\\Service;

use Shop\\Model\\Customer;
use Shop\\Repository\\CustomerRepository;

/** Greets those who come back. */
final class WelcomeService
{
    public function __construct(private readonly CustomerRepository $customers)
    {
    }

    public function greet(string $email): ?string
    {
        `;
const AFTER = `
        return $customer === null ? null : "Welcome back, {$customer->name}!";
    }
}
`;

const folder = mkdtempSync(join(tmpdir(), "fimd-host-"));
// The editor may still write while it ends.
const undo = [() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })];
const done = [];

/** Prints what the check has seen. */
function seen(what) {
  done.push(what);
  console.log(`ok ${done.length} - ${what}`);
}

function freePort() {
  return new Promise((found) => {
    const probe = createSocket();
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });
}

/** A server of OpenAI's completions that streams the scripted answer. */
function model() {
  const prompts = [];
  const server = createServer(async (request, response) => {
    // fimd asks what kind of server this is.
    if (request.method === "GET") {
      response.writeHead(404).end();
      return;
    }
    let body = "";
    for await (const piece of request) body += piece;
    const { prompt = "" } = body ? JSON.parse(body) : {};
    prompts.push(prompt);
    const text = /function byEmail\(/.test(prompt) ? ANSWER : "nobodyKnows();";
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    for (const piece of [text.slice(0, 4), text.slice(4)]) {
      response.write(`data: ${JSON.stringify({ choices: [{ index: 0, text: piece }] })}\n\n`);
    }
    response.end("data: [DONE]\n\n");
  });
  undo.push(() => server.close(), () => server.closeAllConnections());
  return new Promise((ready) => server.listen(0, "127.0.0.1", () => ready({ url: `http://127.0.0.1:${server.address().port}`, prompts })));
}

async function main() {
  mkdirSync(shots, { recursive: true });
  const root = join(folder, "shop");
  cpSync(join(HERE, "../../tests/fixtures/shop"), root, { recursive: true });
  writeFileSync(join(root, "src/Service/WelcomeService.php"), BEFORE + AFTER);
  writeFileSync(join(root, "notes.txt"), "[[[5]]] is a tag\n");

  const { url, prompts } = await model();
  const config = join(folder, "config");
  mkdirSync(join(config, "fimd"), { recursive: true });
  writeFileSync(join(config, "fimd/settings.toml"), `[endpoint]\nurl = "${url}"\n`);
  const data = join(folder, "data");
  mkdirSync(join(data, "User"), { recursive: true });
  // Nothing here changes when lists of suggestions and grey text come.
  const settings = {
    "fimd.path": fimd,
    "editor.minimap.enabled": false,
    "editor.fontSize": 15,
    "php.validate.enable": false,
    "security.workspace.trust.enabled": false,
    "telemetry.telemetryLevel": "off",
    "workbench.startupEditor": "none",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "chat.disableAIFeatures": true,
  };
  writeFileSync(join(data, "User/settings.json"), JSON.stringify(settings));
  if (isFake) chmodSync(FAKE, 0o755);

  const env = {
    ...process.env,
    XDG_CONFIG_HOME: config,
    XDG_CACHE_HOME: join(folder, "cache"),
    XDG_DATA_HOME: join(folder, "share"),
    XDG_STATE_HOME: join(folder, "state"),
    FAKE_TEXT: ANSWER,
  };
  const folders = ["--user-data-dir", data, "--extensions-dir", join(folder, "extensions")];
  const installed = spawnSync(CODE_SERVER, [...folders, "--install-extension", join(HERE, "out/fimd.vsix")], { env, encoding: "utf8" });
  if (installed.status !== 0) throw new Error(`the .vsix cannot be installed: ${installed.stdout}${installed.stderr}`);
  seen("the .vsix installs");

  const port = await freePort();
  const host = spawn(CODE_SERVER, [...folders, "--auth", "none", "--bind-addr", `127.0.0.1:${port}`, "--disable-telemetry", "--disable-update-check"], {
    env, stdio: ["ignore", "pipe", "inherit"], detached: true,
  });
  undo.push(() => process.kill(-host.pid));
  await new Promise((ready, failed) => {
    let said = "";
    host.stdout.on("data", (piece) => (said += piece).includes("HTTP server listening") && ready());
    host.on("exit", (code) => failed(new Error(`code-server ended with ${code}: ${said}`)));
  });

  const { chromium } = createRequire(import.meta.url)(PLAYWRIGHT);
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  undo.push(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1100, height: 700 } });
  page.setDefaultTimeout(60_000);
  const shot = (name) => page.screenshot({ path: join(shots, `${name}.png`) });
  undo.push(() => shot("last"));
  await page.goto(`http://127.0.0.1:${port}/?folder=${encodeURIComponent(root)}`);
  await page.locator(".monaco-workbench").waitFor();

  const open = async (name) => {
    await page.keyboard.press("Control+P");
    await page.locator(".quick-input-widget input").fill(name);
    await page.locator(`.quick-input-list .monaco-list-row[aria-label^="${name}"]`).first().waitFor();
    await page.keyboard.press("Enter");
    await page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
    await page.locator(".editor-instance .view-lines").first().click();
  };
  const command = async (title) => {
    await page.keyboard.press("F1");
    await page.locator(".quick-input-widget input").fill(`>${title}`);
    await page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().waitFor();
    await page.keyboard.press("Enter");
  };
  /** Waits for a text; VS Code shows non-breaking spaces in it. */
  const appears = (selector, what) =>
    page.waitForFunction(
      ([where, wanted]) => [...document.querySelectorAll(where)].some((each) => each.innerText.replaceAll("\u00a0", " ").includes(wanted)),
      [selector, what],
    );

  await open("WelcomeService.php");
  await appears(".statusbar", "fimd: qwen2.5-coder");
  seen("the status bar names the model");

  await page.keyboard.press("Control+B");
  const line = BEFORE.split("\n").length;
  await page.keyboard.press("Control+G");
  await page.locator(".quick-input-widget input").fill(`:${line}:9`);
  await page.keyboard.press("Enter");
  await page.keyboard.type("$customer = $this->customers->", { delay: 20 });
  await page.locator("[class*=ghost-text]").first().waitFor();
  await appears(".view-lines", `$this->customers->${ANSWER}`);
  await page.waitForFunction(() => /\d ms/.test(document.querySelector(".statusbar")?.innerText ?? ""));
  await shot("ghost");
  seen("grey text appears while typing, and the status bar says how long it took");
  await page.keyboard.press("Tab");
  await page.locator("[class*=ghost-text]").first().waitFor({ state: "detached" });
  await appears(".view-lines", `$customer = $this->customers->${ANSWER}`);
  seen("Tab accepts it");
  if (!isFake) {
    if (!prompts.some((prompt) => prompt.includes("function byEmail("))) throw new Error("the prompt held no context");
    seen("the model was shown the declaration from another file");
  }

  await command("fimd: Show the Context Sent for the Cursor");
  // A webview is a frame in a frame; both appear late.
  const webview = page.frameLocator("iframe.webview").frameLocator("iframe");
  await webview.getByRole("heading", { name: /^Context \(/ }).waitFor();
  await shot("context");
  seen("the context is shown beside it");
  await command("View: Close All Editors");
  const dialog = page.locator(".monaco-dialog-box");
  await Promise.race([dialog.waitFor(), page.locator(".tab").first().waitFor({ state: "detached" })]);
  if (await dialog.isVisible()) await dialog.getByText("Don't Save").click();

  await command("fimd: Generate Dataset");
  const input = page.locator(".quick-input-widget input");
  await appears(".quick-input-title", "Folder for the dataset");
  await page.waitForFunction(() => document.querySelector(".quick-input-widget input")?.value.includes("shop-dataset"));
  await input.press("Enter");
  await appears(".quick-input-title", "what it has");
  await page.keyboard.press("Enter");
  await appears(".quick-input-title", "family");
  await page.locator(".quick-input-list .monaco-list-row").first().waitFor();
  await page.keyboard.press("Enter");
  await appears(".notifications-toasts", "examples in");
  await shot("dataset");
  seen("a dataset is made, asked for by three questions");
  await page.locator(".notifications-toasts").getByText("Open Report").click();
  await page.waitForFunction(() => document.querySelector(".tab.active")?.innerText.includes("Report: "));
  await webview.getByText(/examples/i).first().waitFor();
  await shot("report");
  seen("its report opens");

  await open("notes.txt");
  await appears(".view-lines", "[[[5]]] is a tag");
  const lens = page.locator(".codelens-decoration", { hasText: "Generate here" });
  await lens.waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".view-line")[0].querySelectorAll("span span").length > 1);
  await shot("tags");
  seen("a tag has its colours and a code lens");
  await lens.click();
  if (isFake) {
    await appears(".notifications-toasts", "7 characters");
    await page.locator(".notifications-toasts").getByText("Cancel").click();
    await page.locator(".notifications-toasts", { hasText: "Generating" }).waitFor({ state: "detached" });
    seen("its run is shown, and can be stopped");
  } else {
    await appears(".view-lines", "nobodyKnows(); is a tag");
    seen("its run puts the model's text in its place");
    await page.locator(".editor-instance .view-lines").first().click();
    await page.keyboard.press("Control+Z");
    await appears(".view-lines", "[[[5]]] is a tag");
    seen("one undo takes the text back");
  }
}

let failed;
try {
  await main();
} catch (error) {
  failed = error;
}
for (const each of undo.reverse()) {
  try {
    await each();
  } catch (error) {
    console.error(`# cleaning up: ${error.message}`);
  }
}
if (failed) {
  console.error(failed);
  process.exit(1);
}
console.log(`1..${done.length}; pictures in ${shots}`);
