/** Read-only pages that the extension renders on demand. */

import * as vscode from "vscode";

const SCHEME = "fimd";

export class Pages implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changes = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changes.event;
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? "This page is of an earlier session; run its command again.\n";
  }

  /**
   * Shows `text` beside the editor, Markdown as it is rendered. Replaces an older page
   * of the same name.
   */
  async show(name: string, text: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}` });
    this.texts.set(uri.path, text);
    this.changes.fire(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    // The extension comes with VS Code, but may be disabled.
    if (name.endsWith(".md") && vscode.extensions.getExtension("vscode.markdown-language-features")) {
      await vscode.commands.executeCommand("markdown.showPreviewToSide", uri);
      return;
    }
    const where = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true, preview: true };
    await vscode.window.showTextDocument(document, where);
  }

  dispose(): void {
    this.registration.dispose();
    this.changes.dispose();
  }
}
