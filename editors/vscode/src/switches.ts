/** Where and when completions come as the user types: switches, a snooze and their menu. */

import * as vscode from "vscode";
import { clock } from "./core/status";
import type { Server } from "./server";
import { settings } from "./settings";

/** What a switch of completion as the user types holds for. */
export type Reach = "everywhere" | "language" | "workspace";

/** How long a snooze may last, in minutes. */
const MINUTES = [5, 15, 60];

/** Switches completion as the user types on or off, in the settings. */
export async function toggle(reach: Reach): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  if (reach === "language" && !document) throw new Error("Open a document of the language that you mean.");
  if (reach === "workspace" && !vscode.workspace.workspaceFolders) throw new Error("No folder is open.");
  const section = vscode.workspace.getConfiguration("fimd", document);
  const enable = !section.get("enable", true);
  const { Global, Workspace } = vscode.ConfigurationTarget;
  const set = (value: boolean | undefined) =>
    section.update("enable", value, reach === "workspace" ? Workspace : Global, reach === "language");
  // A value that is not needed would later overrule others.
  await set(undefined);
  if (settings(document).enable !== enable) await set(enable);
  const state = `completion as you type is ${enable ? "on" : "off"}`;
  if (settings(document).enable === enable) {
    const where = { everywhere: "", language: ` for ${document?.languageId}`, workspace: " for this workspace" }[reach];
    vscode.window.setStatusBarMessage(`fimd: ${state}${where}`, 3000);
    return;
  }
  const open = "Open Settings";
  const why = `${state} in the setting, but another value of fimd.enable, for the language, workspace or folder, counts more here`;
  if ((await vscode.window.showWarningMessage(`fimd: ${why}.`, open)) === open) {
    await vscode.commands.executeCommand("workbench.action.openSettings", "fimd.enable");
  }
}

/** Asks for how long no completion is to come as the user types. */
export async function snooze(server: Server): Promise<void> {
  const { snoozedUntil } = server.state;
  const items = MINUTES.map((minutes) => ({ label: `${minutes} minutes`, minutes }));
  if (snoozedUntil !== undefined) items.unshift({ label: "End the snooze now", minutes: 0 });
  const title = "Snooze: complete only when asked";
  const picked = await vscode.window.showQuickPick(items, { title });
  if (picked) server.snooze(picked.minutes);
}

/** Shows what can be done about completions. */
export async function menu(server: Server): Promise<void> {
  const language = vscode.window.activeTextEditor?.document.languageId;
  const { automatic, snoozedUntil } = server.state;
  const turn = automatic ? "Turn off" : "Turn on";
  const items = [
    { label: `${automatic ? "$(circle-slash)" : "$(sparkle)"} ${turn} completion as you type`, command: "fimd.toggle" },
    ...(language === undefined
      ? []
      : [{ label: `$(code) ${turn} completion as you type for ${language}`, command: "fimd.toggleLanguage" }]),
    ...(vscode.workspace.workspaceFolders
      ? [{ label: `$(root-folder) ${turn} completion as you type for this workspace`, command: "fimd.toggleWorkspace" }]
      : []),
    {
      label: snoozedUntil === undefined ? "$(bell-slash) Snooze…" : `$(bell) Snoozed until ${clock(snoozedUntil)}…`,
      command: "fimd.snooze",
    },
    { label: "$(info) Show status", command: "fimd.status" },
    { label: "$(settings-gear) Settings", command: "fimd.settings" },
    { label: "$(output) Show output", command: "fimd.showLog" },
    { label: "$(debug-restart) Restart", command: "fimd.restart" },
  ];
  const picked = await vscode.window.showQuickPick(items, { title: "fimd" });
  if (picked) await vscode.commands.executeCommand(picked.command);
}
