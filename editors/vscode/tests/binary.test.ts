/** Which fimd the extension finds, and which it refuses. */

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import test from "node:test";
import { checkVersion, expand, find, locate, serveArguments, Unusable, type Surroundings } from "../src/core/binary";
import { FAKE, FIMD, folder, NO_FIMD } from "./tools";

/** Writes a program called fimd with this output into `directory`. */
function program(directory: string, says = "fimd 0.1.0", name = "fimd"): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\necho '${says}'\n`);
  chmodSync(path, 0o755);
  return path;
}

const around = (home: string, ...path: string[]): Surroundings => ({
  env: { PATH: path.join(delimiter), XDG_RUNTIME_DIR: "/run/user/1" },
  home,
  platform: "linux",
});

const refused = (says: RegExp) => (error: unknown) => {
  assert(error instanceof Unusable, String(error));
  assert.match(error.message, says);
  return true;
};

test("the setting counts before PATH, and PATH before cargo's folder", async (t) => {
  const home = folder(t);
  const cargo = program(join(home, ".cargo/bin"));
  assert.equal(await find("", around(home, "/nowhere")), cargo);
  const onPath = program(join(home, "path"));
  const both = around(home, "/nowhere", "relative", join(home, "path"));
  assert.equal(await find("", both), onPath);
  const own = program(join(home, "own"), "fimd 0.1.0", "my-fimd");
  assert.equal(await find("~/own/my-fimd", both), own);
  assert.equal(await find("fimd", both), onPath);
  const elsewhere = { ...around(home), env: { PATH: "", CARGO_HOME: join(home, "cargo") } };
  await assert.rejects(find("", elsewhere), refused(/cargo\/bin. Install it/));
});

test("a setting that names no program is an error, whatever else there is", async (t) => {
  const home = folder(t);
  program(join(home, ".cargo/bin"));
  writeFileSync(join(home, "text"), "");
  const here = around(home);
  await assert.rejects(find("/nowhere/fimd", here), refused(/fimd.path/));
  await assert.rejects(find(join(home, "text"), here), refused(/not a program/));
  await assert.rejects(find(home, here), refused(/not a program/));
  await assert.rejects(find("bin/fimd", here), refused(/absolute/));
  await assert.rejects(find("fimd2", here), refused(/not on PATH/));
});

test("what is no fimd of this series is refused, and told what it is", async (t) => {
  const home = folder(t);
  const here = around(home);
  const is = (says: string) => program(home, says);
  assert.deepEqual(await locate(is("fimd 0.1.7"), "0.1.0", here), { path: join(home, "fimd"), version: "0.1.7" });
  await assert.rejects(locate(is("fimd 0.2.0"), "0.1.0", here), refused(/is fimd 0.2.0, but this extension needs 0.1.x/));
  await assert.rejects(locate(is("fim daemon 3"), "0.1.0", here), refused(/not fimd: it says "fim daemon 3"/));
  const fails = join(home, "fails");
  writeFileSync(fails, "#!/bin/sh\nexit 3\n");
  chmodSync(fails, 0o755);
  await assert.rejects(locate(fails, "0.1.0", here), refused(/--version failed/));
  checkVersion("1.9.0", "1.2.0", "it");
  assert.throws(() => checkVersion("0.10.0", "0.1.0", "it"), refused(/0.1.x/));
});

test("the fake is a fimd", async (t) => {
  chmodSync(FAKE, 0o755);
  assert.equal((await locate(FAKE, "0.1.0", around(folder(t)))).version, "0.1.0");
});

test("the real one is found and fits", { skip: NO_FIMD }, async (t) => {
  const own = (await import("../package.json")).version;
  assert.match((await locate(FIMD ?? "", own, around(folder(t)))).version, /^\d/);
});

test("a socket is reached through connect", () => {
  const here = around("/home/me");
  assert.deepEqual(serveArguments(" ", ["--log-level", "debug"], here), ["--log-level", "debug"]);
  const socket = "${env:XDG_RUNTIME_DIR}/fimd.sock";
  assert.deepEqual(serveArguments(socket, ["--no-cache"], here), ["connect", "--socket", "/run/user/1/fimd.sock", "--no-cache"]);
  assert.equal(expand("~", here), "/home/me");
  assert.equal(expand("~other/$&", here), "~other/$&");
  assert.throws(() => expand("${env:NOT_SET}/x", here), refused(/NOT_SET is not set/));
});
