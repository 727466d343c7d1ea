/**
 * The entry point: connects the parts and registers the commands. fimd does the
 * work; the extension asks and shows.
 */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as vscode from "vscode";
import { locate } from "./core/binary";
import { explain } from "./core/explain";
import { bar, page } from "./core/status";
import { words } from "./core/wire";
import { generateDataset, openReport } from "./dataset";
import { Pages } from "./pages";
import { Server } from "./server";
import { changesOverrides, needsRestart, settings, surroundings } from "./settings";
import { menu, snooze, toggle } from "./switches";

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel("fimd", { log: true });
  const { id } = context.extension;
  const own = (context.extension.packageJSON as { version: string }).version;
  const pages = new Pages();
  const running = new Server(output, own);
  server = running;
  context.subscriptions.push(output, pages, statusBar(running));

  const command = (name: string, run: () => unknown) => {
    const guarded = async () => {
      try {
        await run();
      } catch (error) {
        output.error(`${name}: ${words(error)}`);
        void vscode.window.showErrorMessage(`fimd: ${words(error)}`);
      }
    };
    context.subscriptions.push(vscode.commands.registerCommand(name, guarded));
  };
  command("fimd.complete", () => vscode.commands.executeCommand("editor.action.inlineSuggest.trigger"));
  command("fimd.dismiss", () => running.dismiss());
  command("fimd.menu", () => menu(running));
  command("fimd.toggle", () => toggle("everywhere"));
  command("fimd.toggleLanguage", () => toggle("language"));
  command("fimd.toggleWorkspace", () => toggle("workspace"));
  command("fimd.snooze", () => snooze(running));
  command("fimd.settings", () => vscode.commands.executeCommand("workbench.action.openSettings", `@ext:${id}`));
  command("fimd.restart", () => running.restart());
  command("fimd.status", async () => {
    const status = await running.status();
    await pages.show("status.md", page(running.state, status));
  });
  command("fimd.showContext", async () => {
    const { document, selection } = editor();
    const { line, character } = selection.active;
    const place = { uri: document.uri.toString(), position: { line, character } };
    await pages.show("context.md", await explain(running.peer(), place));
  });
  command("fimd.generateDataset", () => generateDataset(running, context, own));
  command("fimd.openReport", () => openReport(context));
  command("fimd.showTagLog", async () => pages.show("tags.log", await tagLog(own)));
  command("fimd.showLog", () => output.show());
  command("fimd.stopGenerating", () => running.runs.stopAll());
  for (const [name, theirs] of [
    ["fimd.generateHere", "fimd.tags.generate"],
    ["fimd.validateTags", "fimd.tags.validate"],
    ["fimd.repeatLastTag", "fimd.tags.repeat"],
    ["fimd.pasteLastTag", "fimd.tags.paste"],
    ["fimd.applySettings", "fimd.tags.applySettings"],
  ] as const) {
    command(name, () => running.command(theirs, editor()));
  }

  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (needsRestart(change)) void running.restart();
      else if (changesOverrides(change)) void running.tellOverrides();
      if (change.affectsConfiguration("fimd.enable")) running.refresh();
    }),
    vscode.window.onDidChangeActiveTextEditor(() => running.refresh()),
    vscode.window.onDidChangeActiveTextEditor(running.rest.begin),
    vscode.window.onDidChangeTextEditorSelection(running.rest.begin),
    vscode.workspace.onDidChangeWorkspaceFolders(() => running.foldersChanged()),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void running.restart()),
    vscode.workspace.onDidSaveTextDocument(({ languageId }) => {
      // The number of files may have changed.
      const isServed = settings().languages.includes(languageId) && running.state.server.kind === "running";
      if (isServed) running.status().catch((error: unknown) => output.warn(words(error)));
    }),
  );
  running.refresh();
  await running.restart();
}

export async function deactivate(): Promise<void> {
  await server?.dispose();
}

function editor(): vscode.TextEditor {
  const active = vscode.window.activeTextEditor;
  if (!active) throw new Error("Open a document and put the cursor where you mean.");
  return active;
}

/** What `fimd tags log` prints. */
async function tagLog(own: string): Promise<string> {
  const binary = await locate(settings().path, own, surroundings());
  const { stdout } = await promisify(execFile)(binary.path, ["tags", "log"], { maxBuffer: 2 ** 26 });
  return stdout || "No run of a tag is remembered.\n";
}

function statusBar(running: Server): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("fimd.status", vscode.StatusBarAlignment.Right, 100);
  item.name = "fimd";
  const show = () => {
    const { text, tooltip, severity } = bar(running.state);
    item.text = text;
    // Plain text, because a message may contain any markup.
    item.tooltip = tooltip.join("\n");
    item.backgroundColor =
      severity === "none" ? undefined : new vscode.ThemeColor(`statusBarItem.${severity}Background`);
    item.command = "fimd.menu";
  };
  show();
  item.show();
  return vscode.Disposable.from(item, running.onDidChange(show));
}
