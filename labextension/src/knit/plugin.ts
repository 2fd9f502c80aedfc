/** The command Knit: in the menu File, the command palette, the toolbar of R Markdown documents, and at Ctrl+Shift+K. */
import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, ToolbarButton } from '@jupyterlab/apputils';
import { DocumentRegistry } from '@jupyterlab/docregistry';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { Widget } from '@lumino/widgets';

import { isRMarkdown } from '../source';
import { Format } from './client';
import type { Knitter } from './notification';

const COMMAND = 'rc2-knit:knit';
const LABELS: Record<Format, string> = { own: 'Knit', html: 'Knit to HTML', word: 'Knit to Word', pdf: 'Knit to PDF' };
export const DOCUMENT_CLASS = 'rc2-RMarkdown';

export const knit: JupyterFrontEndPlugin<void> = {
  id: '@rc2hub/workbench:knit',
  description: 'Knits R Markdown documents',
  autoStart: true,
  optional: [ICommandPalette, IMainMenu],
  activate: (app: JupyterFrontEnd, palette: ICommandPalette | null, menu: IMainMenu | null) => {
    let loading: Promise<Knitter> | undefined;
    const load = () => (loading ??= import('./notification').then(({ Knitter }) => new Knitter(app)));
    addCommand(app, load);
    const extension = new KnitButton(app, load);
    app.docRegistry.addWidgetExtension('Editor', extension);
    app.docRegistry.addWidgetExtension('Notebook', extension);
    const items = (Object.keys(LABELS) as Format[]).map(format => ({ command: COMMAND, args: { format } }));
    items.forEach(item => palette?.addItem({ ...item, category: 'R Markdown' }));
    menu?.fileMenu.addGroup(items);
  }
};

function addCommand(app: JupyterFrontEnd, load: () => Promise<Knitter>): void {
  const formatOf = (args: object) => (args as { format?: Format }).format ?? 'own';
  const current = () => (isRMarkdown(app.shell.currentWidget) ? app.shell.currentWidget : null);
  app.commands.addCommand(COMMAND, {
    label: args => LABELS[formatOf(args)],
    describedBy: { args: { type: 'object', properties: { format: { type: 'string', enum: Object.keys(LABELS) } } } },
    isEnabled: () => current() !== null,
    execute: async args => {
      const document = current();
      if (document) {
        await (await load()).knit(document, formatOf(args));
      }
    }
  });
  // the second is for the keys of the editor inside, which delete a line with this shortcut
  for (const selector of [`.${DOCUMENT_CLASS}`, `.${DOCUMENT_CLASS} .cm-content`]) {
    app.commands.addKeyBinding({ command: COMMAND, args: { format: 'own' }, keys: ['Accel Shift K'], selector });
  }
}

/** The button in the toolbar of each R Markdown document. */
class KnitButton implements DocumentRegistry.WidgetExtension {
  constructor(
    private app: JupyterFrontEnd,
    private load: () => Promise<Knitter>
  ) {}

  createNew(widget: Widget): ToolbarButton | void {
    if (!isRMarkdown(widget)) {
      return;
    }
    widget.addClass(DOCUMENT_CLASS);
    const button = new ToolbarButton({
      label: 'Knit',
      tooltip: 'Save the document, run it in a new R, and open the output (Ctrl+Shift+K)',
      onClick: async () => (await this.load()).knit(widget, 'own')
    });
    widget.toolbar.insertAfter('save', 'rc2-knit', button) || widget.toolbar.addItem('rc2-knit', button);
    void this.app.restored.then(async () => (await this.load()).resume(widget));
    return button;
  }
}
