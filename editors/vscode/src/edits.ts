/** Applies the edits of the server so that one undo takes back a whole text. */

import * as vscode from "vscode";
import { TextDocumentEdit, type ApplyWorkspaceEditParams, type LanguageClient, type Middleware } from "vscode-languageclient/node";

type Handle = NonNullable<NonNullable<Middleware["workspace"]>["handleApplyEdit"]>;

/** The edits of running tags. */
export class Edits {
  /** The version of each document after the last edit of a running tag. */
  private versions = new WeakMap<vscode.TextDocument, number>();

  constructor(
    private readonly client: () => LanguageClient | undefined,
    private readonly isRunning: () => boolean,
  ) {}

  /** The next edit begins a step of undo. */
  begin(): void {
    this.versions = new WeakMap();
  }

  /**
   * Handles edits in place of the language client. Through VS Code's `applyEdit`, each
   * edit of a growing text would be a step of undo.
   */
  readonly handle: Handle = async (params, library) => {
    // The library's type wants a token, which it ignores.
    const next = () => library(params, new vscode.CancellationTokenSource().token);
    const change = onlyChange(params);
    const converter = this.client()?.protocol2CodeConverter;
    if (!change || !converter || !this.isRunning()) return next();
    const uri = converter.asUri(change.textDocument.uri).toString();
    // A document in no visible editor can be edited only through `applyEdit`.
    const editor = vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === uri);
    if (!editor) return next();
    const { document } = editor;
    const { version } = change.textDocument;
    // VS Code itself refuses the edit if the document changes from here on.
    if (version !== null && version !== document.version) return { applied: false };
    const isFirst = this.versions.get(document) !== document.version;
    const applied = await editor.edit(
      (builder) => {
        for (const edit of change.edits) {
          if ("newText" in edit) builder.replace(converter.asRange(edit.range), edit.newText);
        }
      },
      { undoStopBefore: isFirst, undoStopAfter: false },
    );
    if (applied) this.versions.set(document, document.version);
    return { applied };
  };
}

/** The change of the one document that the request edits; none if it does more. */
function onlyChange({ edit }: ApplyWorkspaceEditParams): TextDocumentEdit | undefined {
  const [change, ...others] = edit.documentChanges ?? [];
  return change && others.length === 0 && TextDocumentEdit.is(change) ? change : undefined;
}
