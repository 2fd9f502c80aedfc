/** Scripts of R: Ctrl+Enter runs the statement at the cursor in a console below, as in RStudio. */
import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, SessionContextDialogs } from '@jupyterlab/apputils';
import { IConsoleTracker } from '@jupyterlab/console';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { ToolbarButton } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';

import { isScript, SourceDocument } from '../source';

const [RUN, SOURCE, INTERRUPT, RESTART] = ['run', 'source', 'interrupt', 'restart'].map(name => `rc2-script:${name}`);
export const DOCUMENT_CLASS = 'rc2-Script';

export const script: JupyterFrontEndPlugin<void> = {
  id: '@rc2hub/workbench:script',
  description: 'Runs scripts of R, by statements or whole, in a console',
  autoStart: true,
  requires: [IConsoleTracker],
  optional: [ICommandPalette, IMainMenu],
  activate: (app: JupyterFrontEnd, consoles: IConsoleTracker, palette: ICommandPalette | null, menu: IMainMenu | null) => {
    const actions = () => import('./run');
    const add = (command: string, label: string, run: (document: SourceDocument) => Promise<unknown>, keys?: string) => {
      app.commands.addCommand(command, {
        label,
        describedBy: { args: { type: 'object', properties: {} } },
        isEnabled: () => isScript(app.shell.currentWidget),
        execute: async () => {
          const document = app.shell.currentWidget;
          return isScript(document) && run(document);
        }
      });
      if (keys) {
        app.commands.addKeyBinding({ command, keys: [keys], selector: `.${DOCUMENT_CLASS} .cm-content` });
      }
      palette?.addItem({ command, category: 'R Script' });
    };
    const runStatement = async (document: SourceDocument) => (await actions()).runStatement(app, consoles, document);
    const runAll = async (document: SourceDocument) => (await actions()).runAll(app, consoles, document);
    add(RUN, 'Run Line or Selection', runStatement, 'Accel Enter');
    add(SOURCE, 'Source', runAll, 'Accel Shift Enter');
    add(INTERRUPT, 'Interrupt R', async document => document.context.sessionContext.session?.kernel?.interrupt());
    add(RESTART, 'Restart R…', async document => new SessionContextDialogs().restart(document.context.sessionContext));
    menu?.runMenu.codeRunners.run.add({ id: RUN, isEnabled: isScript, rank: 0 }); // Shift+Enter, too
    menu?.runMenu.codeRunners.runAll.add({ id: SOURCE, isEnabled: isScript, rank: 0 });
    menu?.kernelMenu.kernelUsers.interruptKernel.add({ id: INTERRUPT, isEnabled: isScript, rank: 0 });
    menu?.kernelMenu.kernelUsers.restartKernel.add({ id: RESTART, isEnabled: isScript, rank: 0 });
    app.docRegistry.addWidgetExtension('Editor', { createNew: widget => addButtons(app, widget) });
  }
};

function addButtons(app: JupyterFrontEnd, document: Widget): void {
  if (isScript(document)) {
    document.addClass(DOCUMENT_CLASS);
    for (const [label, command, keys] of [
      ['Run', RUN, 'Ctrl+Enter'],
      ['Source', SOURCE, 'Ctrl+Shift+Enter']
    ]) {
      const tooltip =
        label === 'Run'
          ? `Run the statement at the cursor, or what is selected (${keys})`
          : `Save the script, and run all of it (${keys})`;
      const onClick = async () => {
        app.shell.activateById(document.id);
        await app.commands.execute(command);
      };
      document.toolbar.addItem(command, new ToolbarButton({ label, tooltip, onClick }));
    }
  }
}
