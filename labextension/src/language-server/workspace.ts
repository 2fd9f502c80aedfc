/** The open documents of R, as the language server knows them. A document can be open in several tabs. */
import { LSPClient, LSPPlugin, Workspace, WorkspaceFile } from '@codemirror/lsp-client';
import { Text } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';

import { codeOf, difference } from './code';

export class RFile implements WorkspaceFile {
  readonly languageId = 'r';
  readonly views: EditorView[] = [];
  version = 0;

  constructor(
    readonly uri: string,
    public doc: Text
  ) {}

  getView(main?: EditorView): EditorView | null {
    return main && this.views.includes(main) ? main : (this.views[0] ?? null);
  }
}

export class RWorkspace extends Workspace {
  files: RFile[] = [];

  /** `show` opens a document in JupyterLab. */
  constructor(
    client: LSPClient,
    private show: (uri: string) => Promise<EditorView | null>
  ) {
    super(client);
  }

  /** The language server may encode other characters of an address. */
  getFile(uri: string): RFile | null {
    return this.files.find(file => decodeURIComponent(file.uri) === decodeURIComponent(uri)) ?? null;
  }

  openFile(uri: string, _language: string, view: EditorView): void {
    const file = this.getFile(uri);
    if (file) {
      file.views.push(view);
      return;
    }
    const opened = new RFile(uri, codeOf(uri, view.state.doc));
    opened.views.push(view);
    this.files.push(opened);
    this.client.didOpen(opened);
  }

  closeFile(uri: string, view: EditorView): void {
    const file = this.getFile(uri);
    file?.views.splice(file.views.indexOf(view), 1);
    if (file && !file.views.length) {
      this.files = this.files.filter(other => other !== file);
      this.client.didClose(uri);
    }
  }

  syncFiles() {
    return this.files.flatMap(file => {
      const plugin = LSPPlugin.get(file.views[0]);
      if (!plugin || plugin.unsyncedChanges.empty) {
        return [];
      }
      const prevDoc = file.doc;
      file.doc = codeOf(file.uri, plugin.view.state.doc);
      file.version++;
      const changes = file.doc === plugin.view.state.doc ? plugin.unsyncedChanges : difference(prevDoc, file.doc);
      file.views.forEach(view => LSPPlugin.get(view)?.clear());
      return [{ file, prevDoc, changes }];
    });
  }

  async displayFile(uri: string): Promise<EditorView | null> {
    return this.getFile(uri)?.getView() ?? this.show(uri);
  }
}
