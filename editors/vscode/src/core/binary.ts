/** Finds the program `fimd`, checks its version, and says how to start it. */

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import { words } from "./wire";

/** How long `fimd --version` may take, in milliseconds. */
const VERSION_TIMEOUT = 30_000;

/** How long `fimd` may take to report why it does not serve, in milliseconds. */
const DIAGNOSIS_TIMEOUT = 30_000;

/** The places where the extension looks for programs. */
export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  platform: string;
}

/** No `fimd` can run; the message says why and what to do. */
export class Unusable extends Error {}

/** A program that runs, and its version. */
export interface Binary {
  path: string;
  version: string;
}

/** Replaces a leading `~` and every `${env:NAME}`. */
export function expand(text: string, { env, home }: Surroundings): string {
  const path = text.replace(/^~(?=$|[/\\])/, () => home);
  return path.replace(/\$\{env:([^}]*)\}/g, (_, name: string) => {
    const value = env[name];
    if (!value) {
      throw new Unusable(`${text}: the environment variable ${name} is not set; set it or write the path itself.`);
    }
    return value;
  });
}

/**
 * The program that the setting `fimd.path` names. If the setting is empty, the
 * first `fimd` on PATH, else the one that cargo has installed.
 */
export async function find(setting: string, around: Surroundings): Promise<string> {
  const wanted = expand(setting.trim(), around);
  if (isAbsolute(wanted)) {
    if (await isProgram(wanted)) return wanted;
    throw new Unusable(`${wanted} is not a program that can be run; correct the setting fimd.path.`);
  }
  if (/[/\\]/.test(wanted)) {
    throw new Unusable(`fimd.path is ${wanted}; give an absolute path, or a name that is on PATH.`);
  }
  const suffix = around.platform === "win32" && !/\.exe$/i.test(wanted) ? ".exe" : "";
  const name = (wanted || "fimd") + suffix;
  const folders = (around.env["PATH"] ?? "").split(delimiter).filter(isAbsolute);
  const cargo = join(around.env["CARGO_HOME"] ?? join(around.home, ".cargo"), "bin");
  for (const folder of wanted ? folders : [...folders, cargo]) {
    if (await isProgram(join(folder, name))) return join(folder, name);
  }
  throw new Unusable(
    wanted
      ? `${wanted}, which the setting fimd.path names, is not on PATH.`
      : `The program fimd is neither on PATH nor in ${cargo}. Install it, or say in the setting fimd.path where it is.`,
  );
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** The version that the program at `path` prints. */
export async function version(path: string): Promise<string> {
  let said: string;
  try {
    said = (await promisify(execFile)(path, ["--version"], { timeout: VERSION_TIMEOUT })).stdout.trim();
  } catch (error) {
    throw new Unusable(`${path} --version failed: ${words(error).trim()}`);
  }
  const match = /^fimd (\d+\.\d+\.\d+\S*)$/.exec(said);
  if (!match?.[1]) {
    const found = JSON.stringify(said.slice(0, 80));
    throw new Unusable(`${path} is not fimd: it says ${found}. Correct the setting fimd.path.`);
  }
  return match[1];
}

/**
 * Refuses a version of fimd that does not fit an extension of version `own`.
 * Before 1.0 the minor versions must be equal, from 1.0 on the major versions.
 */
export function checkVersion(found: string, own: string, who: string): void {
  const [major, minor] = own.split(".");
  const series = major === "0" ? `${major}.${minor}.` : `${major}.`;
  if (!found.startsWith(series)) {
    throw new Unusable(
      `${who} is fimd ${found}, but this extension needs ${series}x. Install the fimd that it came with.`,
    );
  }
}

/** The program to run, after all checks. */
export async function locate(setting: string, own: string, around: Surroundings): Promise<Binary> {
  const path = await find(setting, around);
  const found = await version(path);
  checkVersion(found, own, path);
  return { path, version: found };
}

/**
 * Runs `fimd` with `args` once more, without input, and returns its own message
 * about why it does not serve. Returns nothing if it ends well.
 */
export async function whyNot(path: string, args: readonly string[], cwd: string): Promise<string | undefined> {
  const run = promisify(execFile)(path, args, { cwd, timeout: DIAGNOSIS_TIMEOUT });
  run.child.stdin?.end();
  try {
    await run;
    return undefined;
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().replace(/^fimd: /, "");
    return said || undefined;
  }
}

/** The arguments that make `fimd` serve, itself or through a daemon. */
export function serveArguments(socket: string, more: readonly string[], around: Surroundings): string[] {
  const path = expand(socket.trim(), around);
  return path ? ["connect", "--socket", path, ...more] : [...more];
}
