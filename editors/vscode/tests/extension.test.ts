/**
 * The packaged bundle in a model of VS Code's API: against the fake fimd for what a
 * model server does, against the real program where there is one.
 */

import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { join, resolve } from "node:path";
import test, { type TestContext } from "node:test";
import { FAKE, FIMD, finally_, folder, HERE, modelServer, NO_FIMD, says, sends, shop, withSettings } from "./tools";
import { CancellationTokenSource, InlineCompletionItem, InlineCompletionList, Position, Range, Seen, TextDocument, TextEdit, Uri, vscode } from "./vscode";

chmodSync(FAKE, 0o755);
const bundle = resolve(HERE, "dist/extension.js");
const load = createRequire(bundle);

interface Extension {
  activate(context: unknown): Promise<void>;
  deactivate(): Promise<void>;
}

/** A window with the extension, after it has started. */
async function open(t: TestContext, root: string | undefined, settings: Record<string, unknown>, env = {}, others: string[] = []): Promise<Seen> {
  const seen = new Seen();
  seen.folder = root;
  seen.others = others;
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
  await extension.activate({ subscriptions, workspaceState: state, extension: { id: "fimd.fimd", packageJSON: { version } } });
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
  seen.show(document, position);
  return { document, position };
}

/** Asks for an inline completion as VS Code does. */
async function complete(
  seen: Seen,
  { document, position }: ReturnType<typeof edit>,
  triggerKind = 1,
  source = new CancellationTokenSource(),
  selectedCompletionInfo?: { text: string; range: Range },
) {
  const { provider } = await seen.until(() => seen.providers.get("inline"));
  const answer = await provider["provideInlineCompletionItems"]?.(
    ...([document, position, { triggerKind, selectedCompletionInfo }, source.token] as never[]),
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
  await seen.until(() => seen.bar.text === "$(sparkle) fimd: qwen2.5-coder");
  assert.match(seen.bar.tooltip ?? "", /1,234 files, 5,678 chunks\nModel: qwen2.5-coder/);
  const place = edit(seen, join(seen.folder ?? "", "a.php"), "<?php\n$users->|");
  const [item] = (await complete(seen, place)) ?? [];
  assert.equal(item?.insertText, "findByEmail($email);");
  assert.deepEqual([item.range.start.line, item.range.start.character], [1, 8]);
  assert.match(seen.bar.text ?? "", /^\$\(sparkle\) fimd: qwen2.5-coder · \d+ ms$/);
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
  assert.match(seen.bar.text ?? "", /sparkle/);
});

test("fimd is told where the cursor rests", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  const read = (line: string) => seen.until(() => seen.bar.text?.startsWith(`$(sparkle) fimd: read behind ${line}`));
  const { document } = edit(seen, "/a.php", "<?php\n$users->|\n$orders");
  await read("$users->");
  seen.show(document, new Position(2, 3));
  seen.emitters.get("window.onDidChangeTextEditorSelection")?.fire({});
  await read("$or");
  // Not where completions do not come of their own accord.
  seen.settings.set("fimd.enable", false);
  seen.show(document, new Position(1, 2));
  edit(seen, "/a.md", "# notes|", "markdown");
  seen.settings.set("fimd.enable", true);
  seen.show(document, new Position(1, 6));
  await read("$users");
  assert.deepEqual(seen.texts.filter((text) => /behind (\$u$|#)/.test(text)), []);
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

test("an error that is no outage goes to the output", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  assert.equal(await complete(seen, edit(seen, "/c.php", "<?php $broken->|")), null);
  assert(seen.log.some((line) => line.includes("something inside")));
  assert.deepEqual(seen.messages, []);
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
  assert.match(old.bar.tooltip ?? "", /1,234 files/);
  assert.equal(old.messages.length, length);
});

test("no folder is no error", async (t) => {
  const seen = await open(t, undefined, { path: FAKE });
  assert.match(seen.bar.text ?? "", /^\$\(sparkle\) fimd: /);
  assert.match(seen.bar.tooltip ?? "", /No folder is open/);
  const [item] = (await complete(seen, edit(seen, "/lone/a.php", "<?php\n$users->|"))) ?? [];
  assert.match(String(item?.insertText), /findByEmail/);
  assert.deepEqual(seen.messages, []);
});

test("a server that ends is started again, and given up when it ends again and again", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  const started = () => /sparkle/.test(seen.bar.text ?? "") && seen.texts.filter((text) => text.endsWith("indexing")).length;
  for (let times = 1; times <= 5; times++) {
    await seen.until(() => started() === times);
    process.kill(await pid(seen), "SIGKILL");
  }
  const last = await seen.until(() => seen.messages[0]);
  assert.match(last.message, /ended 5 times in three minutes/);
  assert.deepEqual(last.actions, ["Show Output", "Restart"]);
  await run(seen, "fimd.restart");
  assert.match(seen.bar.tooltip ?? "", /1,234 files/);
});

test("the context that was sent is shown beside the editor", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  edit(seen, "/a.php", "<?php\n$users->|");
  await run(seen, "fimd.showContext");
  assert.match(seen.pages[0]?.text ?? "", /^# Context for a.php:2:9[^]*findByEmail/);
  const previewed = seen.executed.filter(([name]) => name === "markdown.showPreviewToSide");
  assert.deepEqual(previewed.map(([, uri]) => String(uri)), ["fimd:/context.md"]);
  await run(seen, "fimd.status");
  assert.match(seen.pages[1]?.text ?? "", /1,235 files, 5,680 chunks/);
  assert.match(seen.bar.tooltip ?? "", /1,235 files/);
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
  const seen = await open(t, root, { path: FIMD, arguments: withSettings(t, '[endpoint]\nurl = "http://127.0.0.1:9"\n').arguments });
  assert.match(seen.bar.tooltip ?? "", /\d+ files/, seen.log.join("\n"));
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

test("the real program: each folder of the workspace is a project of its own", { skip: NO_FIMD }, async (t) => {
  const roots = ["greet", "welcome", "salute"].map((method) => {
    const root = realpathSync(folder(t));
    const declared = `<?php\nclass Greeter\n{\n    public function ${method}(string $name): string { return $name; }\n}\n`;
    writeFileSync(join(root, "Greeter.php"), declared);
    return root;
  });
  const [first, second, third] = roots as [string, string, string];
  const seen = await open(t, first, { path: FIMD, arguments: ["--no-cache"] }, {}, [second]);
  const shown = async (root: string) => {
    edit(seen, join(root, "caller.php"), "<?php\n$greeter = new Greeter();\n$greeter->|\n");
    await run(seen, "fimd.showContext");
    return seen.pages.at(-1)?.text.match(/function (\w+)\(string/)?.[1];
  };
  assert.equal(await shown(first), "greet", seen.log.join("\n"));
  assert.equal(await shown(second), "welcome");
  // A file outside of them has no context until its folder is added.
  assert.equal(await shown(third), undefined);
  seen.others.push(third);
  const added = { added: [{ uri: Uri.file(third), name: "project", index: 2 }], removed: [] };
  seen.emitters.get("workspace.onDidChangeWorkspaceFolders")?.fire(added);
  assert.equal(await shown(third), "salute");
  assert(seen.bar.tooltip?.includes(third), seen.bar.tooltip);
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

test("the real program: an outage of the model server is told once, and so is its end", { skip: NO_FIMD }, async (t) => {
  const model = await modelServer(t, says("save($order);"));
  const settings = withSettings(t, `[endpoint]\nurl = "${model.url}"\nmodel = "small"\n`);
  const seen = await open(t, shop(t), { path: FIMD, arguments: settings.arguments });
  await seen.until(() => seen.bar.text === "$(sparkle) fimd: small");
  assert.equal((await complete(seen, edit(seen, "/first.php", "<?php $first->|")))?.length, 1);
  let places = 0;
  const type = (trigger = 1) => complete(seen, edit(seen, `/${++places}.php`, `<?php $place${places}->|`), trigger);
  const page = "<!DOCTYPE html><title>Welcome to nginx!</title><h1>Welcome</h1>";
  for (const [act, why] of [
    [sends(401, "application/json", '{"error":{"message":"Invalid API Key"}}'), /401 Unauthorized: Invalid API Key; set FIMD_API_KEY/],
    [sends(404, "application/json", '{"error":{"message":"File Not Found"}}'), /404 Not Found: File Not Found; see whether kind and url under/],
    [sends(503, "application/json", '{"error":{"message":"Loading model"}}'), /503 Service Unavailable: Loading model; try again/],
    [sends(200, "text/html", page), /no model server answers here: it sent an HTML page: Welcome to nginx!; set url/],
    [sends(200, "application/json", '{"message":"hello"}'), /no model server of this kind answers here: .* found application\/json: hello/],
  ] as const) {
    model.act = act;
    const { length } = seen.messages;
    for (let times = 0; times < 3; times++) assert.equal(await type(), null);
    assert.deepEqual(seen.messages.slice(length).map(({ kind }) => kind), ["warning"]);
    assert.match(said(seen), why);
    assert.deepEqual(seen.messages[length]?.actions, ["Open Settings", "Show Output"]);
    assert.equal(seen.bar.text, "$(warning) fimd: no answer");
    assert.match(seen.bar.tooltip ?? "", why);
    // A text from before the outage does not end it.
    assert.equal((await complete(seen, edit(seen, "/first.php", "<?php $first->sa|")))?.[0]?.insertText, "ve($order);");
    assert.deepEqual([seen.messages.length, seen.bar.text], [length + 1, "$(warning) fimd: no answer"]);
    // A user who asks is answered.
    assert.equal(await type(0), null);
    assert.equal(seen.messages.length, length + 2);
    model.act = says("save($order);");
    for (let times = 0; times < 3; times++) assert.equal((await type())?.length, 1);
    assert.deepEqual([seen.messages.length, said(seen)], [length + 3, "fimd: the model server answers again."]);
    assert.match(seen.bar.text ?? "", /^\$\(sparkle\) fimd: small · \d+ ms$/);
  }
});

test("the real program: a faulty settings file shows in the status bar until it is mended", { skip: NO_FIMD }, async (t) => {
  const settings = withSettings(t, '[endpoint]\nmodel = "small"\n');
  const seen = await open(t, shop(t), { path: FIMD, arguments: settings.arguments });
  await seen.until(() => seen.bar.text === "$(sparkle) fimd: small");
  writeFileSync(settings.file, '[endpoint]\nmodle = "large"\n');
  await seen.until(() => /endpoint\.modle: unknown.*the last good settings stay in use/.test(seen.bar.tooltip ?? ""));
  writeFileSync(settings.file, '[endpoint]\nmodel = "large"\n');
  await seen.until(() => seen.bar.text === "$(sparkle) fimd: large" && !seen.bar.tooltip?.includes("modle"));
});

test("the real program: one undo takes back the text of a tag, and no more", { skip: NO_FIMD }, async (t) => {
  const words = ["one ", "two\n", "three ", "four ", "five ", "six ", "seven ", "eight ", "nine ", "ten ", "eleven"];
  const model = await modelServer(t, says(...words));
  const settings = withSettings(t, `[endpoint]\nurl = "${model.url}"\n`);
  const seen = await open(t, folder(t), { path: FIMD, arguments: settings.arguments });
  const { document } = edit(seen, "/notes.txt", "Num|bers: [[[20]]]\n[[[20]]]\n", "plaintext");
  const type = (text: string) => seen.change(document, [new TextEdit(new Range(0, 0, 0, 0), text)]);
  type("My ");
  const before = document.text;
  seen.show(document, new Position(0, 13));
  await run(seen, "fimd.generateHere");
  await (await seen.until(() => seen.progress[0])).ended;
  const first = `My Numbers: ${words.join("")}\n[[[20]]]\n`;
  assert.equal(document.text, first);
  seen.show(document, new Position(2, 1));
  await run(seen, "fimd.generateHere");
  await (await seen.until(() => seen.progress[1])).ended;
  type("All ");
  for (const expected of [document.text.slice(4), first, before, "Numbers: [[[20]]]\n[[[20]]]\n"]) {
    document.undo();
    assert.equal(document.text, expected);
  }
});

test("the real program: after an arrow grey text comes in place of VS Code's list of PHP's globals", { skip: NO_FIMD }, async (t) => {
  const model = await modelServer(t, says("save($order);"));
  const settings = withSettings(t, `[endpoint]\nurl = "${model.url}"\n`);
  const seen = await open(t, shop(t), { path: FIMD, arguments: settings.arguments });
  const place = edit(seen, "/a.php", "<?php\n$this->orders->|");
  const select = (text: string) => ({ text, range: new Range(place.position, place.position) });
  const hidden = () => seen.executed.filter(([name]) => name === "hideSuggestWidget").length;
  const globals = { label: "$_COOKIE", kind: 5 };
  seen.commands.set("vscode.executeCompletionItemProvider", () => ({ items: [globals, { label: "array_map", kind: 2 }] }));
  assert.equal(await complete(seen, place, 1, undefined, select("$_COOKIE")), null);
  assert.deepEqual([hidden(), model.asked], [1, []]);
  // The user may open it again.
  assert.equal(await complete(seen, place, 1, undefined, select("$_COOKIE")), null);
  assert.equal(hidden(), 1);
  assert.equal((await complete(seen, place))?.[0]?.insertText, "save($order);");
  // The list of a language server stays, also behind the globals.
  const other = edit(seen, "/b.php", "<?php\n$this->orders->|");
  seen.commands.set("vscode.executeCompletionItemProvider", () => ({ items: [globals, { label: "find", kind: 1 }] }));
  assert.equal(await complete(seen, other, 1, undefined, select("$_COOKIE")), null);
  assert.equal(hidden(), 1);
  // Grey text goes on from the selected member.
  model.act = says("($id);");
  assert.equal((await complete(seen, place, 1, undefined, select("find")))?.[0]?.insertText, "find($id);");
  assert.equal(hidden(), 1);
});

test("the real program: VS Code's settings overrule the settings file, at the start and later", { skip: NO_FIMD }, async (t) => {
  const [ofFile, ofEditor] = [await modelServer(t, says("save();")), await modelServer(t, says("find();"))];
  const settings = withSettings(t, `[endpoint]\nurl = "${ofFile.url}"\nmodel = "of-file"\n`);
  const own = { "endpoint.url": ofEditor.url, "endpoint.model": "", "completion.max_tokens": 7 };
  const seen = await open(t, shop(t), { path: FIMD, arguments: settings.arguments, ...own });
  const type = (name: string) => complete(seen, edit(seen, `/${name}.php`, `<?php $${name}->|`));
  assert.equal((await type("first"))?.[0]?.insertText, "find();");
  const { model, max_tokens } = ofEditor.asked[0] ?? {};
  // What is empty in VS Code is the file's.
  assert.deepEqual([model, max_tokens, ofFile.asked], ["of-file", 7, []]);
  seen.set("workspace:fimd.endpoint.model", "of-workspace");
  await seen.until(() => seen.bar.text?.includes("fimd: of-workspace"));
  seen.set("fimd.endpoint.url", undefined);
  assert.equal((await type("second"))?.[0]?.insertText, "save();");
  assert.equal(ofFile.asked[0]?.model, "of-workspace");
  assert.deepEqual(seen.messages, []);
  // What cannot be used is told of, and changes nothing.
  seen.set("fimd.endpoint.kind", "nonsense");
  assert.match((await seen.until(() => seen.messages[0])).message, /the editor's settings.*endpoint\.kind/);
  assert.equal((await type("third"))?.[0]?.insertText, "save();");
  await run(seen, "fimd.restart");
  assert.match(said(seen), /the editor's settings.*endpoint\.kind/);
  assert.equal(seen.messages.length, 2);
});

test("the settings that overrule the file are those of the file, with its defaults", () => {
  const text = readFileSync(resolve(HERE, "../../docs/settings.md"), "utf8");
  const parts = JSON.parse(readFileSync("package.json", "utf8")).contributes.configuration as { properties: Record<string, { default: unknown }> }[];
  const properties = Object.assign({}, ...parts.map((part) => part.properties)) as Record<string, { default: unknown }>;
  for (const section of ["endpoint", "completion"]) {
    const keys = Object.keys(properties).filter((name) => name.startsWith(`fimd.${section}.`));
    const [, defaults = ""] = new RegExp(`^\\[${section}\\]\\n([^]*?)\\n\\n`, "m").exec(text) ?? [];
    const known = new Map(defaults.split("\n").map((line) => line.split(" = ") as [string, string]));
    for (const name of keys) {
      const key = name.split(".")[2] ?? "";
      const value = properties[name]?.default || null;
      assert.equal(known.has(key) ? known.get(key) : "null", JSON.stringify(value), name);
      assert(text.includes(`\`${key}\``), name);
      known.delete(key);
    }
    // A document may not be made free to name servers by the editor's settings.
    known.delete("allow_remote_endpoints");
    assert.deepEqual([...known.keys()], []);
  }
});

test("completion as you type can be switched by language and workspace, and snoozed", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  const comes = async () => (await complete(seen, edit(seen, "/a.php", "<?php\n$users->|")))?.length === 1;
  assert(await comes());
  for (const [name, setting] of [
    ["fimd.toggle", "fimd.enable"],
    ["fimd.toggleLanguage", "[php]:fimd.enable"],
    ["fimd.toggleWorkspace", "workspace:fimd.enable"],
  ] as const) {
    await run(seen, name);
    assert.deepEqual([seen.settings.get(setting), seen.bar.text, await comes()], [false, "$(circle-slash) fimd: off", false]);
    // Asked for, it comes.
    assert.equal((await complete(seen, edit(seen, "/a.php", "<?php\n$users->|"), 0))?.length, 1);
    await run(seen, name);
    // Nothing is left that could overrule another switch.
    assert.deepEqual([seen.settings.has(setting), await comes()], [false, true]);
  }
  // The state is that of the document in the editor.
  seen.settings.set("[plaintext]:fimd.enable", false);
  edit(seen, "/a.txt", "|", "plaintext");
  assert.equal(seen.bar.text, "$(circle-slash) fimd: off");
  assert(await comes());
  assert.match(seen.bar.text ?? "", /sparkle/);
  assert.deepEqual(seen.messages, []);
  // A switch that changes nothing here says why.
  seen.settings.set("[php]:fimd.enable", false);
  await run(seen, "fimd.toggle");
  assert.match(said(seen), /is on in the setting, but another value of fimd\.enable/);
  assert.equal(await comes(), false);
});

test("a snooze ends by itself, or by hand", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  const comes = async () => (await complete(seen, edit(seen, "/a.php", "<?php\n$users->|")))?.length === 1;
  const title = "Snooze: complete only when asked";
  t.mock.timers.enable({ apis: ["setTimeout"] });
  seen.choices.set(title, "15 minutes");
  await run(seen, "fimd.snooze");
  assert.deepEqual(seen.lists.at(-1), ["5 minutes", "15 minutes", "60 minutes"]);
  assert.match(seen.bar.text ?? "", /^\$\(bell-slash\) fimd: snoozed until \d\d:\d\d$/);
  assert.equal(await comes(), false);
  t.mock.timers.tick(15 * 60_000);
  assert.match(seen.bar.text ?? "", /sparkle/);
  await run(seen, "fimd.snooze");
  seen.choices.set(title, "End");
  await run(seen, "fimd.snooze");
  t.mock.timers.reset();
  assert(await comes());
});

test("the status bar opens a menu of what can be done", async (t) => {
  const seen = await open(t, folder(t), { path: FAKE });
  edit(seen, "/a.php", "<?php\n|");
  assert.equal(seen.bar.command, "fimd.menu");
  seen.choices.set("fimd", "for php");
  await run(seen, "fimd.menu");
  assert.equal(seen.settings.get("[php]:fimd.enable"), false);
  const [labels] = seen.lists;
  for (const part of ["Turn off completion", "for this workspace", "Snooze", "Show status", "Settings", "Restart"]) {
    assert(labels?.some((label) => label.includes(part)), part);
  }
});

test("the real program: several texts when asked by hand, and none again that the user does not want", { skip: NO_FIMD }, async (t) => {
  const model = await modelServer(t, says("save($order);"));
  const settings = withSettings(t, `[endpoint]\nurl = "${model.url}"\n[completion]\ndebounce_ms = 0\n`);
  const seen = await open(t, shop(t), { path: FIMD, arguments: settings.arguments });
  const at = (typed: string) => edit(seen, "/a.php", `<?php\n$this->orders->${typed}|`);
  const texts = async (typed: string, trigger = 1) => (await complete(seen, at(typed), trigger))?.map(({ insertText }) => insertText);
  assert.deepEqual(await texts(""), ["save($order);"]);
  let number = 0;
  model.act = (response) => says(["find($id);", "count();", "count();"][number++] ?? "")(response);
  assert.deepEqual(await texts("", 0), ["find($id);", "count();"]);
  assert.equal(model.asked.length, 4);

  // Dismissed.
  await run(seen, "fimd.dismiss");
  assert.deepEqual(seen.executed.at(-1)?.[0], "editor.action.inlineSuggest.hide");
  assert.deepEqual(await texts(""), ["count();"]);
  // Typed past; one wrong character is a slip.
  model.act = says("");
  assert.deepEqual(await texts("x"), []);
  assert.deepEqual(await texts(""), ["count();"]);
  assert.deepEqual(await texts("x"), []);
  assert.deepEqual(await texts("xy"), []);
  assert.deepEqual(await texts(""), ["save($order);"]);
  // Who types what is shown wants it.
  assert.deepEqual(await texts("sa"), ["ve($order);"]);
});
