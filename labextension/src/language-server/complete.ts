/** Names for JupyterLab's completer that R may not know yet: those of the document, and of packages that it attaches. */
import type { LSPPlugin } from '@codemirror/lsp-client';
import type { CompletionHandler } from '@jupyterlab/completer';
import type { CompletionList } from 'vscode-languageserver-protocol';

import { codeOf } from './code';

/** Milliseconds that the completer waits for it, as it shows R's own names with it. */
const PATIENCE = 500;
const MOST_NAMES = 200;
/** Invisible; before a label, as the completer sorts labels that match at their beginning first: R's own names stay there. */
const LATER = '\u200b';
const TYPES: Record<number, string> = { 3: 'function', 6: 'instance', 9: 'module', 14: 'keyword' };

type Names = CompletionHandler.ICompletionItemsReply;

export async function complete({ client, uri, view }: LSPPlugin, offset: number): Promise<Names> {
  const { doc } = view.state;
  const line = doc.lineAt(offset);
  const before = codeOf(uri, doc).sliceString(line.from, offset);
  const word = /(?<![$@:\p{L}\d._])[\p{L}.][\p{L}\d._]*$/u.exec(before)?.[0] ?? '';
  const reply = { start: offset - word.length, end: offset };
  if (!word) {
    return { ...reply, items: [] };
  }
  client.sync();
  const position = { line: line.number - 1, character: offset - line.from };
  const asked = client.request<object, CompletionList | null>('textDocument/completion', {
    textDocument: { uri },
    position
  });
  const given = new Promise<null>(resolve => setTimeout(() => resolve(null), PATIENCE));
  const found = (await Promise.race([asked.catch(() => null), given]))?.items ?? [];
  const names = found
    .filter(({ label }) => label.startsWith(word))
    .sort((a, b) => ((a.sortText ?? a.label) < (b.sortText ?? b.label) ? -1 : 1));
  const items = names.slice(0, MOST_NAMES).map(({ label, kind }) => ({
    label: LATER + label,
    insertText: label,
    type: TYPES[kind ?? 0]
  }));
  return { ...reply, items };
}
