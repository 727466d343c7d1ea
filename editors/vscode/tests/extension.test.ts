/**
 * The packaged bundle in a model of VS Code's API: against the fake fimd for what a
 * model server does, against the real program where there is one.
 */

import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { join, resolve } from "node:path";
import test, { type TestContext } from "node:test";
import { FAKE, FIMD, finally_, folder, HERE, NO_FIMD, shop } from "./tools";
import { CancellationTokenSource, InlineCompletionItem, InlineCompletionList, Position, Seen, TextDocument, Uri, vscode } from "./vscode";

chmodSync(FAKE, 0o755);
const bundle = resolve(HERE, "dist/extension.js");
const load = createRequire(bundle);

interface Extension {
  activate(context: unknown): Promise<void>;
  deactivate(): Promise<void>;
}

/** A window with the extension, after it has started. */
async function open(t: TestContext, root: string | undefined, settings: Record<string, unknown>, env = {}): Promise<Seen> {
  const seen = new Seen();
  seen.folder = root;
  for (const [name, value] of Object.entries(settings)) seen.settings.set(`fimd.${name}`, value);
  const internals = Module as unknown as { _load: (name: string, ...rest: unknown[]) => unknown };
  const original = internals._load;
  const module = vscode(seen);
  internals._load = (name, ...rest) => (name === "vscode" ? module : original(name, ...rest));
  delete load.cache[bundle];
  const extension = load(bundle) as Extension;
  internals._load = original;
  const memory = new Map<string, unknown>();
  const state = { get: (key: string) => memory.get(key), update: async (key: string, value: unknown) => void memory.set(key, value) };
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  const subscriptions: { dispose(): unknown }[] = [];
  Object.assign(process.env, env);
  await extension.activate({ subscriptions, workspaceState: state, extension: { packageJSON: { version } } });
  for (const name of Object.keys(env)) delete process.env[name];
  finally_(t, async () => {
    await extension.deactivate();
    subscriptions.forEach((each) => each.dispose());
  });
  return seen;
}

/** Opens a document in the editor, with the cursor at its first `|`. */
function edit(seen: Seen, path: string, marked: string, language = "php") {
  const at = marked.indexOf("|");
  const before = marked.slice(0, at).split("\n");
  const document = new TextDocument(Uri.file(path), language, marked.replace("|", ""));
  const position = new Position(before.length - 1, before.at(-1)?.length ?? 0);
  seen.documents.push(document);
  seen.emitters.get("workspace.onDidOpenTextDocument")?.fire(document);
  seen.activeTextEditor = { document, selection: { active: position } };
  return { document, position };
}

/** Asks for an inline completion as VS Code does. */
async function complete(seen: Seen, { document, position }: ReturnType<typeof edit>, triggerKind = 1, source = new CancellationTokenSource()) {
  const { provider } = await seen.until(() => seen.providers.get("inline"));
  const answer = await provider["provideInlineCompletionItems"]?.(
    ...([document, position, { triggerKind }, source.token] as never[]),
  );
  return answer instanceof InlineCompletionList ? answer.items : (answer as InlineCompletionItem[] | null);
}

/** The last message to the user. */
const said = (seen: Seen) => seen.messages.at(-1)?.message ?? "";

/** Runs a command as VS Code does for a key or a lens. */
async function run(seen: Seen, name: string, ...args: unknown[]): Promise<unknown> {
  const command = seen.commands.get(name);
  assert(command, `${name} is not registered`);
  return command(...args);
}

/** The server's process. */
async function pid(seen: Seen): Promise<number> {
  await run(seen, "fimd.status");
  const [, id] = /process (\d+)/.exec(seen.pages.at(-1)?.text ?? "") ?? [];
  assert(id, JSON.stringify(seen.messages));
  return Number(id);
}

test("every command of package.json is there, and no other of ours", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  const { contributes } = JSON.parse(readFileSync("package.json", "utf8"));
  const named: string[] = contributes.commands.map(({ command }: { command: string }) => command);
  const theirs = ["fimd.completion.accepted", "fimd.tags.generate", "fimd.tags.validate"];
  assert.deepEqual([...seen.commands.keys()].sort(), [...named, ...theirs].sort());
  const keys: string[] = contributes.keybindings.map(({ command }: { command: string }) => command);
  for (const command of named) assert(keys.includes(command), `${command} has no key`);
});

test("grey text comes, with what is to be run once it is accepted", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  assert.equal(seen.bar.text, "$(sparkle) fimd: 1,234 files");
  const place = edit(seen, join(seen.folder ?? "", "a.php"), "<?php\n$users->|");
  const [item] = (await complete(seen, place)) ?? [];
  assert.equal(item?.insertText, "findByEmail($email);");
  assert.deepEqual([item.range.start.line, item.range.start.character], [1, 8]);
  assert.match(seen.bar.text ?? "", /^\$\(sparkle\) fimd: 1,234 files · \d+ ms$/);
  assert.equal(item.command?.command, "fimd.completion.accepted");
  assert.equal(await run(seen, "fimd.completion.accepted", ...item.command.arguments), null);
  assert.deepEqual(seen.messages, []);
});

test("it comes only where and when it is wanted", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE, enable: false });
  assert.match(seen.bar.text ?? "", /circle-slash/);
  const php = edit(seen, "/a.php", "<?php\n$users->|");
  assert.equal(await complete(seen, php), null);
  assert.equal((await complete(seen, php, 0))?.length, 1);
  assert.equal(await complete(seen, edit(seen, "/a.md", "->|", "markdown"), 0), null);
  await run(seen, "fimd.toggle");
  assert.equal((await complete(seen, php))?.length, 1);
  seen.emitters.get("workspace.onDidChangeConfiguration")?.fire({ affectsConfiguration: (name: string) => name !== "" && "fimd.enable".startsWith(name) });
  assert.match(seen.bar.text ?? "", /sparkle/);
});

test("a cancelled request is cancelled on the server", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  const source = new CancellationTokenSource();
  const answer = complete(seen, edit(seen, "/a.php", "<?php $endless->|"), 1, source);
  source.cancel();
  // The fake answers this request only after it is cancelled.
  assert.equal(await answer, null);
  assert.deepEqual(seen.messages, []);
});

test("a model server that is down is told of in the status bar, and in words when asked", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  const down = edit(seen, "/a.php", "<?php $unreachable->|");
  assert.equal(await complete(seen, down), null);
  assert.equal(seen.bar.text, "$(warning) fimd: no model server");
  assert.match(seen.bar.tooltip ?? "", /start one or set/);
  assert.deepEqual(seen.messages, []);
  assert.equal(await complete(seen, down, 0), null);
  assert.match(said(seen), /no model server at/);
  await complete(seen, edit(seen, "/b.php", "<?php $up->|"));
  assert.match(seen.bar.text ?? "", /sparkle/);
  assert.equal(await complete(seen, edit(seen, "/c.php", "<?php $broken->|")), null);
  assert(seen.log.some((line) => line.includes("something inside")));
});

test("a fimd that is missing or of another version is told of, with what to do", async (t) => {
  const missing = await open(t, folder(t), { path: "/nowhere/fimd" });
  assert.match(missing.bar.text ?? "", /error/);
  assert.match(missing.messages[0]?.message ?? "", /\/nowhere\/fimd is not a program/);
  assert.deepEqual(missing.messages[0]?.actions, ["Choose fimd…", "Open Settings"]);
  const old = await open(t, folder(t), { path: FAKE }, { FAKE_VERSION: "0.0.9" });
  assert.match(old.messages[0]?.message ?? "", /is fimd 0.0.9, but this extension needs 0.1.x/);
  await run(old, "fimd.showContext");
  assert.match(old.messages[1]?.message ?? "", /fimd/);
  // It works after the program is installed.
  const { length } = old.messages;
  await run(old, "fimd.restart");
  assert.match(old.bar.text ?? "", /1,234 files/);
  assert.equal(old.messages.length, length);
});

test("no folder is no error", async (t) => {
  const seen = await open(t, undefined, { path: FAKE });
  assert.match(seen.bar.text ?? "", /^\$\(sparkle\) fimd$/);
  assert.match(seen.bar.tooltip ?? "", /No folder is open/);
  const [item] = (await complete(seen, edit(seen, "/lone/a.php", "<?php\n$users->|"))) ?? [];
  assert.match(String(item?.insertText), /findByEmail/);
  assert.deepEqual(seen.messages, []);
});

test("a server that ends is started again, and given up when it ends again and again", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  const started = () => seen.texts.filter((text) => text.endsWith("fimd: 1,234 files")).length;
  for (let times = 1; times <= 5; times++) {
    await seen.until(() => started() === times);
    process.kill(await pid(seen), "SIGKILL");
  }
  const last = await seen.until(() => seen.messages[0]);
  assert.match(last.message, /ended 5 times in three minutes/);
  assert.deepEqual(last.actions, ["Show Output", "Restart"]);
  await run(seen, "fimd.restart");
  assert.match(seen.bar.text ?? "", /1,234 files/);
});

test("the context that was sent is shown beside the editor", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  edit(seen, "/a.php", "<?php\n$users->|");
  await run(seen, "fimd.showContext");
  assert.match(seen.pages[0]?.text ?? "", /^# Context for a.php:2:9[^]*findByEmail/);
  await run(seen, "fimd.status");
  assert.match(seen.pages[1]?.text ?? "", /1,235 files, 5,680 chunks/);
  assert.match(seen.bar.text ?? "", /1,235 files/);
  await run(seen, "fimd.showTagLog");
  assert.match(seen.pages[2]?.text ?? "", /five words/);
  assert.deepEqual(seen.messages, []);
});

test("a dataset is made with progress, and its report opens", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE, "dataset.options": { seed: 7 } });
  const output = join(folder(t), "data");
  seen.choices.set("save", Uri.file(output));
  seen.choices.set(`fimd: 7 examples in ${output}`, "Open Report");
  await run(seen, "fimd.generateDataset");
  assert.deepEqual(seen.progress[0]?.title, "fimd: dataset");
  assert(seen.progress[0].reports.includes("1 of 2 files"));
  assert.match(seen.panels[0]?.html ?? "", /Seven examples/);
  seen.choices.set("open", [Uri.file(join(output, "report.html"))]);
  await run(seen, "fimd.openReport");
  assert.equal(seen.panels[1]?.title, "Report: data");
});

test("a dataset can be cancelled", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  seen.choices.set("save", Uri.file(join(folder(t), "data")));
  // The fake's job with this family never ends by itself.
  seen.settings.set("fimd.dataset.options", { endless: true });
  const made = run(seen, "fimd.generateDataset");
  (await seen.until(() => seen.progress[0]?.reports.includes("1 of 2 files") && seen.progress[0])).cancel();
  await made;
  assert.match(seen.messages[0]?.message ?? "", /cancelled; no dataset/);
});

test("a tag runs in sight and can be stopped", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  const { document } = edit(seen, "/notes.txt", "|[[[5]]]", "plaintext");
  await run(seen, "fimd.generateHere");
  const shown = await seen.until(() => seen.progress[0]?.reports.includes("7 characters") && seen.progress[0]);
  assert.equal(shown.title, "fimd: Generating");
  assert.deepEqual(seen.executed.filter(([name]) => name === "setContext").at(-1), ["setContext", "fimd.generating", true]);
  await run(seen, "fimd.stopGenerating");
  await shown.ended;
  assert.deepEqual(seen.executed.filter(([name]) => name === "setContext").at(-1), ["setContext", "fimd.generating", false]);
  // A code lens runs the server's own command; its button can stop it.
  await run(seen, "fimd.tags.generate", { uri: document.uri.toString(), position: { line: 0, character: 0 } });
  const again = await seen.until(() => seen.progress[1]?.reports.includes("7 characters") && seen.progress[1]);
  again.cancel();
  await again.ended;
  assert(seen.providers.has("lens") && seen.providers.has("tokens"));
});

test("what the server refuses is said in its words", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  edit(seen, "/notes.txt", "|", "plaintext");
  await run(seen, "fimd.validateTags");
  assert.equal(seen.messages[0]?.message, "fimd: uri: is not open");
  seen.activeTextEditor = undefined;
  await run(seen, "fimd.generateHere");
  assert.match(seen.messages[1]?.message ?? "", /Open a document/);
});

test("the real program: indexed, explained, and a dataset made of it", { skip: NO_FIMD }, async (t) => {
  const root = shop(t);
  const seen = await open(t, root, { path: FIMD, arguments: ["--no-cache"] });
  assert.match(seen.bar.text ?? "", /fimd: \d+ files/, seen.log.join("\n"));
  edit(seen, join(root, "src/new.php"), "<?php\nuse Shop\\Order;\n(new Order())->|\n");
  await run(seen, "fimd.showContext");
  assert.match(seen.pages[0]?.text ?? "", /## Context \(\d+ characters\)/, JSON.stringify(seen.messages));
  await run(seen, "fimd.status");
  assert.match(seen.pages[1]?.text ?? "", /\| getContext \|/);
  const output = join(folder(t), "data");
  seen.choices.set("save", Uri.file(output));
  seen.settings.set("fimd.dataset.options", { min_middle_chars: 20 });
  await run(seen, "fimd.generateDataset");
  assert.match(seen.messages[0]?.message ?? "", /fimd: \d+ examples in /);
  assert(readdirSync(output).includes("report.html"));
});

test("the real program: a mistake in its settings is told once, in its words", { skip: NO_FIMD }, async (t) => {
  const here = folder(t);
  const file = join(here, "settings.toml");
  writeFileSync(file, '[endpoint]\nurll = "x"\n');
  for (const socket of ["", join(here, "fimd.sock")]) {
    const seen = await open(t, shop(t), { path: FIMD, socket, arguments: ["--no-cache", "--settings", file] });
    assert.deepEqual(seen.messages.map(({ kind }) => kind), ["error"], JSON.stringify(seen.messages));
    assert.match(said(seen), /settings\.toml:2: endpoint\.urll: unknown; expected one of url/);
    assert.deepEqual(seen.messages[0]?.actions, ["Show Output", "Restart"]);
    assert.match(seen.bar.tooltip ?? "", /endpoint\.urll/);
  }
});

test("the real program: through a daemon that the first window starts", { skip: NO_FIMD }, async (t) => {
  const socket = join(folder(t), "fimd.sock");
  const settings = { path: FIMD, socket, arguments: ["--no-cache"] };
  const [first, second] = [await open(t, shop(t), settings), await open(t, shop(t), settings)];
  const daemon = await pid(first);
  finally_(t, () => process.kill(daemon));
  assert.equal(await pid(second), daemon);
});
