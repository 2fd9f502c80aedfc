/** Marks what the language server has found in the documents. */
import { Diagnostic, forEachDiagnostic, setDiagnostics } from '@codemirror/lint';
import { LSPClient, LSPClientExtension, LSPPlugin, serverDiagnostics } from '@codemirror/lsp-client';
import type { EditorState } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import type { Diagnostic as Finding, PublishDiagnosticsParams } from 'vscode-languageserver-protocol';

import { givenNames } from './code';
import type { RFile } from './workspace';

const SEVERITIES = ['error', 'warning', 'info', 'hint'] as const;
/** A guess, as the name may come from other code, and be one of a column. */
const UNKNOWN_NAME = 'undefined-symbol';

export function diagnostics(): LSPClientExtension {
  return {
    ...serverDiagnostics(),
    clientCapabilities: {
      textDocument: {
        publishDiagnostics: { versionSupport: true },
        diagnostic: { toJSON: () => undefined } // arity sends nothing by itself to a client that can ask
      }
    },
    notificationHandlers: { 'textDocument/publishDiagnostics': publish }
  };
}

/** The first line, counted from 1, with a mistake for which R would not read the document. */
export function lineOfError(state: EditorState): number | undefined {
  let line: number | undefined;
  forEachDiagnostic(state, ({ severity }, from) => {
    line ??= severity === 'error' ? state.doc.lineAt(from).number : undefined;
  });
  return line;
}

function publish(client: LSPClient, { uri, version, diagnostics }: PublishDiagnosticsParams): boolean {
  const file = client.workspace.getFile(uri) as RFile | null;
  if (file && (version ?? file.version) === file.version) {
    file.views.forEach(view => show(view, file, diagnostics));
  }
  return true;
}

function show(view: EditorView, file: RFile, findings: Finding[]): void {
  const plugin = LSPPlugin.get(view);
  if (!plugin) {
    return;
  }
  const isScript = /\.r$/i.test(file.uri);
  const given = isScript ? new Set() : givenNames(view.state.doc.toJSON());
  const found = findings.flatMap(({ range, severity, code, message }): Diagnostic[] => {
    const [start, end] = [range.start, range.end].map(position => plugin.fromPosition(position, file.doc));
    const isUnknown = code === UNKNOWN_NAME;
    if (isUnknown && given.has(file.doc.sliceString(start, end))) {
      return [];
    }
    const [from, to] = [start, end].map(position => plugin.unsyncedChanges.mapPos(position));
    return [
      {
        from,
        to,
        message: textOf(message),
        source: `${code ?? ''}`,
        severity: isUnknown ? 'info' : SEVERITIES[(severity ?? 1) - 1]
      }
    ];
  });
  view.dispatch(setDiagnostics(view.state, found));
}

function textOf(message: Finding['message']): string {
  return (typeof message === 'string' ? message : message.value).replace('\n\n', '\n');
}
