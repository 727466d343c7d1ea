// Bundles the extension into dist/ and, with --tests, its tests into out/.
import { build } from "esbuild";

const common = { bundle: true, platform: "node", format: "cjs", target: "node20", sourcemap: "linked", logLevel: "warning" };

await build({
  ...common,
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  external: ["vscode"],
  minify: process.argv.includes("--minify"),
  // Prefers the files that libraries provide for node.
  mainFields: ["main"],
});
if (process.argv.includes("--tests")) {
  await build({
    ...common,
    entryPoints: ["core", "binary", "extension"].map((name) => `tests/${name}.test.ts`).concat("tests/fake-fimd.ts"),
    outdir: "out",
    outExtension: { ".js": ".cjs" },
  });
}
