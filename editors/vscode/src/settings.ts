/** The settings of package.json, typed. */

import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import * as vscode from "vscode";
import { expand, type Surroundings } from "./core/binary";

/** The settings whose change needs a restart of the server. */
const OF_SERVER = ["path", "socket", "arguments", "includePaths", "bm25", "languages", "tags.languages"];

/** The keys of fimd's settings file that VS Code's settings may overrule, by section. */
const OF_FILE = {
  endpoint: [
    "url", "kind", "model", "api_key", "family", "fim_prefix", "fim_suffix", "fim_middle", "temperature", "top_p",
    "connect_timeout_ms", "first_byte_timeout_ms", "idle_timeout_ms", "total_timeout_ms",
  ],
  completion: [
    "max_tokens", "max_lines", "debounce_ms", "max_total_chars", "max_context_chars", "max_prefix_chars",
    "max_suffix_chars", "context_style", "order", "read_ahead", "target_ms",
  ],
};

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

/**
 * The settings that overrule fimd's settings file, by section and with its names. A
 * key that the user has not set, or has emptied, is left to the file.
 */
export function overrides(): Record<string, Record<string, unknown>> {
  const section = vscode.workspace.getConfiguration("fimd");
  const entries = Object.entries(OF_FILE).map(([name, keys]) => {
    const set = keys.flatMap((key) => {
      const { globalValue, workspaceValue } = section.inspect(`${name}.${key}`) ?? {};
      const value = workspaceValue ?? globalValue ?? "";
      return value === "" ? [] : [[key, value] as const];
    });
    return [name, Object.fromEntries(set)] as const;
  });
  return Object.fromEntries(entries);
}

/** Whether this change is one of the settings that overrule fimd's file. */
export function changesOverrides(change: vscode.ConfigurationChangeEvent): boolean {
  return Object.keys(OF_FILE).some((name) => change.affectsConfiguration(`fimd.${name}`));
}

/** Whether the server must restart after this change. */
export function needsRestart(change: vscode.ConfigurationChangeEvent): boolean {
  return OF_SERVER.some((name) => change.affectsConfiguration(`fimd.${name}`));
}

/** The paths of the folders of the workspace that are on the disk. */
export const roots = (): string[] =>
  (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === "file").map(({ uri }) => uri.fsPath);

/** The absolute paths of the folders, besides the workspace's, whose files serve as context. */
export function includes(root: string, paths: readonly string[]): string[] {
  const expanded = paths.map((path) => expand(path, surroundings()));
  return expanded.map((path) => (isAbsolute(path) ? path : join(root, path)));
}
