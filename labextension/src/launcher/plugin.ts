/** Tiles in the launcher: a new R Markdown document beside the R notebook, and the examples. */
import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { ILauncher } from '@jupyterlab/launcher';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { markdownIcon } from '@jupyterlab/ui-components';

import { examplesIcon } from '../icons';

const NEW_DOCUMENT = 'rc2-rmarkdown:new';
const OPEN_EXAMPLES = 'rc2-examples:open';
const EXAMPLES = 'examples/README.md';
/** After R, which has 0, and before the other kernels, which have none. */
const AFTER_R = 1;

export const launcherTiles: JupyterFrontEndPlugin<void> = {
  id: '@rc2hub/workbench:launcher',
  description: 'Tiles in the launcher: R Markdown document and examples',
  autoStart: true,
  optional: [ILauncher, ICommandPalette, IMainMenu],
  activate: (app: JupyterFrontEnd, launcher: ILauncher | null, palette: ICommandPalette | null, menu: IMainMenu | null) => {
    addCommands(app);
    launcher?.add({ command: NEW_DOCUMENT, category: 'Notebook', rank: AFTER_R });
    palette?.addItem({ command: NEW_DOCUMENT, category: 'R Markdown' });
    menu?.fileMenu.newMenu.addItem({ command: NEW_DOCUMENT, rank: AFTER_R });
    // the server tells whether the home has them, as only homes of one machine get them, and a user may delete them
    if (PageConfig.getOption('rc2Examples') === 'true') {
      launcher?.add({ command: OPEN_EXAMPLES, category: 'Other', rank: 0 });
    }
  }
};

function addCommands(app: JupyterFrontEnd): void {
  app.commands.addCommand(NEW_DOCUMENT, {
    label: args => (args.isMenu ? 'R Markdown Document' : 'R Markdown'),
    caption: 'A new R Markdown document, with the services that are attached',
    icon: args => (args.isMenu ? undefined : markdownIcon),
    describedBy: { args: { type: 'object', properties: { cwd: { type: 'string' }, isMenu: { type: 'boolean' } } } },
    execute: async args => {
      const { createDocument } = await import('./document');
      const path = await createDocument(app.serviceManager, (args as { cwd?: string }).cwd ?? '');
      return app.commands.execute('docmanager:open', { path, factory: 'Editor' });
    }
  });
  app.commands.addCommand(OPEN_EXAMPLES, {
    label: 'Examples in R',
    caption: 'A course: dplyr, PostgreSQL, Spark and machine learning',
    icon: examplesIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => app.commands.execute('docmanager:open', { path: EXAMPLES, factory: 'Markdown Preview' })
  });
}
