/** Changes that the language server makes: each is one step of undo, and the cursor stays where it is in the code. */
import type { LSPPlugin } from '@codemirror/lsp-client';
import type { TransactionSpec } from '@codemirror/state';
import type { TextEdit, WorkspaceEdit } from 'vscode-languageserver-protocol';

import type { SourceDocument } from '../source';
import { chunkRanges, placeAfter } from './code';
import { lineOfError } from './diagnostics';

const OPTIONS = { tabSize: 2, insertSpaces: true };

/** Format a script, or each chunk of R; returns what to tell the user. */
export async function format(document: SourceDocument, plugin: LSPPlugin): Promise<string> {
  const { client, uri, view } = plugin;
  client.sync();
  const { doc } = view.state;
  const textDocument = { uri };
  const edits = /\.r$/i.test(uri)
    ? await client.request<object, TextEdit[] | null>('textDocument/formatting', { textDocument, options: OPTIONS })
    : await formatChunks(plugin);
  if (view.state.doc !== doc) {
    return format(document, plugin); // the user goes on typing
  }
  if (!edits) {
    const line = lineOfError(view.state);
    return line
      ? `The document cannot be formatted before the mistake in line ${line} is mended.`
      : 'The document cannot be formatted; look for a mistake in its code or in the file arity.toml.';
  }
  const changes = changesOf(plugin, edits);
  const set = view.state.changes(changes);
  const moved = (position: number) => {
    const inside = changes.find(({ from, to }) => from <= position && position < to);
    return inside
      ? set.mapPos(inside.from, -1) +
          placeAfter(doc.sliceString(inside.from, inside.to), position - inside.from, inside.insert)
      : set.mapPos(position);
  };
  const { anchor, head } = view.state.selection.main;
  if (changes.length) {
    apply(document, plugin, { changes, selection: { anchor: moved(anchor), head: moved(head) }, userEvent: 'format' });
  }
  return '';
}

async function formatChunks({ client, uri, view }: LSPPlugin): Promise<TextEdit[] | null> {
  const ranges = chunkRanges(view.state.doc.toJSON());
  const answers = await Promise.all(
    ranges.map(([first, end]) =>
      client.request<object, TextEdit[] | null>('textDocument/rangeFormatting', {
        textDocument: { uri },
        range: { start: { line: first, character: 0 }, end: { line: end, character: 0 } },
        options: OPTIONS
      })
    )
  );
  // the rest of the document is blank for the language server
  const isInside = ({ range: { start, end } }: TextEdit, [first, last]: [number, number]) =>
    start.line >= first && (end.line < last || (end.line === last && end.character === 0));
  return answers.every((edits, row) => edits?.every(edit => isInside(edit, ranges[row])))
    ? (answers.flat() as TextEdit[])
    : null;
}

/** Rename what is at the cursor to what `ask` returns for its present name; returns what to tell the user. */
export async function rename(
  document: SourceDocument,
  plugin: LSPPlugin,
  ask: (name: string) => Promise<string | null>
): Promise<string> {
  const { client, uri, view } = plugin;
  client.sync();
  const place = { textDocument: { uri }, position: plugin.toPosition(view.state.selection.main.head) };
  const found = await client.request<object, { placeholder: string } | null>('textDocument/prepareRename', place);
  if (!found) {
    return 'There is no name of this document at the cursor.';
  }
  const newName = await ask(found.placeholder);
  if (newName === null || newName === found.placeholder) {
    return '';
  }
  client.sync();
  const { doc } = view.state;
  const edit = await client.request<object, WorkspaceEdit | null>('textDocument/rename', { ...place, newName });
  if (!edit?.changes) {
    return `“${newName}” cannot be a name in R.`;
  }
  const others = Object.keys(edit.changes).filter(other => decodeURIComponent(other) !== decodeURIComponent(uri));
  if (others.length) {
    const names = others.map(other => decodeURIComponent(other.slice(other.lastIndexOf('/') + 1))).join(', ');
    return `${found.placeholder} is not renamed, as ${names} uses it too.`;
  }
  if (view.state.doc !== doc) {
    return `${found.placeholder} is not renamed, as the document has changed meanwhile; try again.`;
  }
  const changes = changesOf(plugin, Object.values(edit.changes).flat());
  apply(document, plugin, { changes, userEvent: 'rename' });
  return '';
}

function changesOf(plugin: LSPPlugin, edits: TextEdit[]): { from: number; to: number; insert: string }[] {
  return edits.map(({ range, newText }) => ({
    from: plugin.fromPosition(range.start),
    to: plugin.fromPosition(range.end),
    insert: newText
  }));
}

/** Typing before and after it is undone for itself. */
function apply(document: SourceDocument, { view }: LSPPlugin, change: TransactionSpec): void {
  const { undoManager } = document.content.editor.model.sharedModel as unknown as {
    undoManager?: { stopCapturing(): void };
  };
  undoManager?.stopCapturing();
  view.dispatch({ ...change, scrollIntoView: true });
  undoManager?.stopCapturing();
}
