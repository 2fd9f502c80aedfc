/** The outline of an R Markdown document: JupyterLab's for Markdown, without what is no text. */
import { IDocumentWidget } from '@jupyterlab/docregistry';
import { FileEditor, IEditorTracker, MarkdownTableOfContentsFactory } from '@jupyterlab/fileeditor';
import { IMarkdownParser } from '@jupyterlab/rendermime';
import { TableOfContents } from '@jupyterlab/toc';
import { Widget } from '@lumino/widgets';

import { textOf } from './chunks';

export function outlineOf(
  tracker: IEditorTracker,
  parser: IMarkdownParser,
  isDocument: (widget: Widget) => boolean
): TableOfContents.IFactory {
  const markdown = new MarkdownTableOfContentsFactory(tracker as never, {
    render: source => parser.render(source),
    getHeadingTokens: async source => (await parser.getHeadingTokens?.(textOf(source))) ?? []
  });
  // JupyterLab is compiled with weaker checks, in which a model of headings with lines is one of headings
  const createNew: TableOfContents.IFactory['createNew'] = (widget, configuration) =>
    markdown.createNew(widget as IDocumentWidget<FileEditor>, configuration) as never;
  return { isApplicable: isDocument, createNew };
}
