/** The settings of package.json, typed. */

import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import * as vscode from "vscode";
import { expand, type Surroundings } from "./core/binary";

/** The settings whose change needs a restart of the server. */
const OF_SERVER = ["path", "socket", "arguments", "includePaths", "bm25", "languages", "tags.languages"];

export const surroundings = (): Surroundings => ({
  env: process.env,
  home: homedir(),
  platform: process.platform,
});

/** Reads the current settings. */
export function settings(scope?: vscode.ConfigurationScope) {
  const section = vscode.workspace.getConfiguration("fimd", scope);
  return {
    enable: section.get("enable", true),
    languages: section.get<string[]>("languages", []),
    tagLanguages: section.get<string[]>("tags.languages", []),
    path: section.get("path", ""),
    socket: section.get("socket", ""),
    arguments: section.get<string[]>("arguments", []),
    includePaths: section.get<string[]>("includePaths", []),
    bm25: section.get("bm25", true),
    dataset: section.get<Record<string, unknown>>("dataset.options", {}),
  };
}

/** Whether the server must restart after this change. */
export function needsRestart(change: vscode.ConfigurationChangeEvent): boolean {
  return OF_SERVER.some((name) => change.affectsConfiguration(`fimd.${name}`));
}

/** The folders, besides the first, whose files serve as context. */
export function includes(root: string, others: readonly string[], paths: readonly string[]): string[] {
  const absolute = paths.map((path) => expand(path, surroundings()));
  return [...others, ...absolute.map((path) => (isAbsolute(path) ? path : join(root, path)))];
}
