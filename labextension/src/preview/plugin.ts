/** The command Preview: in the toolbar of R Markdown documents that are open as text, and in the command palette. */
import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, IThemeManager, MainAreaWidget, ToolbarButton, WidgetTracker } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { DocumentRegistry } from '@jupyterlab/docregistry';
import { Widget } from '@lumino/widgets';

import { isSource, SourceDocument } from '../source';
import type { Preview } from './panel';

const COMMAND = 'rc2-preview:open';

export const preview: JupyterFrontEndPlugin<void> = {
  id: '@rc2hub/workbench:preview',
  description: 'Shows R Markdown documents as they will be knitted, while they are edited',
  autoStart: true,
  requires: [IEditorLanguageRegistry],
  optional: [ILayoutRestorer, ICommandPalette, IThemeManager],
  activate: (
    app: JupyterFrontEnd,
    languages: IEditorLanguageRegistry,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    themes: IThemeManager | null
  ) => {
    const panels = new WidgetTracker<MainAreaWidget<Preview>>({ namespace: 'rc2-preview' });
    const pathOf = (panel: Widget) => panel.id.slice(panel.id.indexOf(':') + 1);
    const open = async (document: SourceDocument) => {
      const existing = panels.find(panel => pathOf(panel) === document.context.path);
      if (existing) {
        return app.shell.activateById(existing.id);
      }
      const panel = (await import('./panel')).createPreview(app, document, languages);
      await panels.add(panel);
      app.shell.add(panel, 'main', { mode: 'merge-right', ref: document.id });
      app.shell.activateById(document.id); // the user goes on typing
    };
    app.commands.addCommand(COMMAND, {
      label: 'Preview R Markdown',
      describedBy: { args: { type: 'object', properties: { path: { type: 'string' } } } },
      isEnabled: args => 'path' in args || isSource(app.shell.currentWidget),
      execute: async args => {
        const document = args.path
          ? await app.commands.execute('docmanager:open', { path: args.path, factory: 'Editor' })
          : app.shell.currentWidget;
        if (isSource(document)) {
          await open(document);
        }
      }
    });
    palette?.addItem({ command: COMMAND, category: 'R Markdown' });
    app.docRegistry.addWidgetExtension('Editor', new PreviewButton(open));
    themes?.themeChanged.connect(() => panels.forEach(panel => panel.content.takeTheme()));
    void restorer?.restore(panels, { command: COMMAND, args: panel => ({ path: pathOf(panel) }), name: pathOf });
  }
};

/** The button in the toolbar of each R Markdown document. */
class PreviewButton implements DocumentRegistry.WidgetExtension {
  constructor(private open: (document: SourceDocument) => Promise<void>) {}

  createNew(widget: Widget): ToolbarButton | void {
    if (isSource(widget)) {
      const button = new ToolbarButton({
        label: 'Preview',
        tooltip: 'Show the document beside it, and run what an edit changes',
        onClick: () => this.open(widget)
      });
      const { toolbar } = widget;
      // behind Knit, whichever of the two comes first
      ['rc2-knit', 'save'].some(name => toolbar.insertAfter(name, 'rc2-preview', button)) ||
        toolbar.addItem('rc2-preview', button);
      return button;
    }
  }
}
