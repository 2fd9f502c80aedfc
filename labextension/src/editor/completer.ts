/** JupyterLab's completer for chunks. What it knows is loaded with the first completion. */
import { CompletionHandler, ICompletionContext, ICompletionProvider } from '@jupyterlab/completer';

import { isSource } from '../source';

export const completer: ICompletionProvider = {
  identifier: 'rc2-editor:chunks',
  rank: 1000, // before R's own names
  isApplicable: async ({ widget }: ICompletionContext) => isSource(widget),
  fetch: async ({ text, offset }: CompletionHandler.IRequest) => {
    const { complete } = await import('./completion');
    const { start, end, items } = complete(text, offset) ?? { start: offset, end: offset, items: [] };
    return { start, end, items: items.map(label => ({ label, insertText: label })) };
  }
};
