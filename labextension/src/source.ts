/** Which documents have R: scripts, and R Markdown and Quarto, which have chunks. */
import { CodeEditor } from '@jupyterlab/codeeditor';
import { IDocumentWidget } from '@jupyterlab/docregistry';
import { Widget } from '@lumino/widgets';

/** A document that is open as text. */
export type SourceDocument = IDocumentWidget<Widget & { editor: CodeEditor.IEditor }>;

/** Whether it is R Markdown or Quarto, as text or as notebook. */
export function isRMarkdown(widget: Widget | null | undefined): widget is IDocumentWidget {
  return /\.(rmd|qmd)$/i.test((widget as IDocumentWidget | null)?.context?.path ?? '');
}

export function isSource(widget: Widget | null | undefined): widget is SourceDocument {
  return isRMarkdown(widget) && (widget as unknown as SourceDocument).content?.editor !== undefined;
}

export function isScript(widget: Widget | null | undefined): widget is SourceDocument {
  const document = widget as SourceDocument | null;
  return /\.r$/i.test(document?.context?.path ?? '') && document?.content?.editor !== undefined;
}
