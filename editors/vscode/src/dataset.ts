/** Makes datasets as jobs of the server, with progress, and opens their reports. */

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import * as vscode from "vscode";
import { locate } from "./core/binary";
import { CHOICES, generate } from "./core/jobs";
import type { Server } from "./server";
import { settings, surroundings } from "./settings";

/** The key under which the folder of the last dataset is stored. */
const LAST = "dataset";

/** Asks for the folder and the options, and makes a dataset of the project. */
export async function generateDataset(server: Server, context: vscode.ExtensionContext, own: string): Promise<void> {
  const peer = server.peer();
  const { server: running } = server.state;
  const root = (running.kind === "running" && running.roots[0]) || homedir();
  const folder = await vscode.window.showSaveDialog({
    title: "Folder for the dataset (one that is there is replaced)",
    saveLabel: "Generate",
    defaultUri: vscode.Uri.file(join(dirname(root), `${basename(root)}-dataset`)),
  });
  if (!folder) return;
  const picks = await vscode.window.showQuickPick(
    CHOICES.map((choice) => ({ ...choice })),
    { canPickMany: true, title: "Generate Dataset: what it has", placeHolder: "Options; others are in fimd.dataset.options" },
  );
  if (!picks) return;
  const model = await vscode.window.showQuickPick(families(own), { title: "Generate Dataset: for which family of models" });
  if (!model) return;
  const output = folder.fsPath;
  const chosen = Object.fromEntries(picks.map(({ name }) => [name, true]));
  const params = { ...settings().dataset, ...chosen, base_model: model, output };
  const where = { location: vscode.ProgressLocation.Notification, cancellable: true, title: "fimd: dataset" };
  const status = await vscode.window.withProgress(where, (bar, token) =>
    generate(peer, params, (step) => bar.report(step), token),
  );
  switch (status.state) {
    case "failed":
      throw new Error(`No dataset was made: ${status.error ?? "fimd does not say why"}`);
    case "cancelled":
      void vscode.window.showInformationMessage("fimd: cancelled; no dataset was made.");
      return;
    default:
      await context.workspaceState.update(LAST, output);
  }
  const made = `fimd: ${status.examples.toLocaleString("en")} examples in ${output}`;
  const [open, reveal] = ["Open Report", "Show Folder"] as const;
  const wanted = await vscode.window.showInformationMessage(made, open, reveal);
  if (wanted === open) await showReport(join(output, "report.html"));
  else if (wanted === reveal) await vscode.commands.executeCommand("revealFileInOS", folder);
}

/** The model families that fimd knows, the default first. */
async function families(own: string): Promise<string[]> {
  const { path, arguments: more } = settings();
  const binary = await locate(path, own, surroundings());
  const { stdout } = await promisify(execFile)(binary.path, ["models", "--json", ...more]);
  return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
}

/** Opens the report of the last dataset, or of one that the user chooses. */
export async function openReport(context: vscode.ExtensionContext): Promise<void> {
  const last = context.workspaceState.get<string>(LAST);
  const first = vscode.workspace.workspaceFolders?.[0]?.uri;
  const chosen = await vscode.window.showOpenDialog({
    title: "A dataset's report.html",
    openLabel: "Open Report",
    filters: { Report: ["html"] },
    ...(last ? { defaultUri: vscode.Uri.file(join(last, "report.html")) } : first ? { defaultUri: first } : {}),
  });
  if (chosen?.[0]) await showReport(chosen[0].fsPath);
}

async function showReport(path: string): Promise<void> {
  const html = await readFile(path, "utf8");
  const title = `Report: ${basename(dirname(path))}`;
  const panel = vscode.window.createWebviewPanel("fimd.report", title, vscode.ViewColumn.Active, {
    // The policy of the page forbids it to fetch anything.
    enableScripts: true,
    enableFindWidget: true,
    retainContextWhenHidden: true,
    localResourceRoots: [],
  });
  panel.webview.html = html;
}
