/** The panels of Rc² in JupyterLab, R Markdown as a type of file, Knit and Preview. This file is loaded with the page; what a panel needs is loaded when it is first shown. */
import { ILabShell, ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { openGrids } from './grid/open';
import { environmentIcon, servicesIcon } from './icons';
import { knit } from './knit/plugin';
import { LazyPanel } from './lazy-panel';
import { preview } from './preview/plugin';

const services: JupyterFrontEndPlugin<void> = {
  id: '@rc2hub/workbench:services',
  description: 'The shared services of Rc²',
  autoStart: true,
  requires: [ILabShell, ILayoutRestorer],
  activate: (app: JupyterFrontEnd, shell: ILabShell, restorer: ILayoutRestorer) => {
    const load = async () =>
      (await import('./services/panel')).createServicesPanel(app.serviceManager.serverSettings, shell);
    addPanel(app, shell, restorer, new LazyPanel('rc2-services', 'Services', 'Shared services', servicesIcon, load));
  }
};

const environment: JupyterFrontEndPlugin<void> = {
  id: '@rc2hub/workbench:environment',
  description: 'The variables of R',
  autoStart: true,
  requires: [ILabShell, ILayoutRestorer],
  activate: (app: JupyterFrontEnd, shell: ILabShell, restorer: ILayoutRestorer) => {
    const load = async () => (await import('./environment/panel')).createEnvironmentPanel(shell);
    addPanel(app, shell, restorer, new LazyPanel('rc2-environment', 'Environment', 'Variables of R', environmentIcon, load));
  }
};

const grid: JupyterFrontEndPlugin<void> = {
  id: '@rc2hub/workbench:grid',
  description: 'The rows of what R shows with View()',
  autoStart: true,
  requires: [ILabShell],
  activate: (_: JupyterFrontEnd, shell: ILabShell) => openGrids(shell)
};

const rmarkdown: JupyterFrontEndPlugin<void> = {
  id: '@rc2hub/workbench:rmarkdown',
  description: 'Opens R Markdown and Quarto documents as text and as notebooks',
  autoStart: true,
  activate: (app: JupyterFrontEnd) => {
    // a notebook is offered for files of a registered type only; the first factory is what a double click opens
    app.docRegistry.addFileType(
      { name: 'rmarkdown', displayName: 'R Markdown', extensions: ['.Rmd', '.qmd'], mimeTypes: ['text/x-rmarkdown'] },
      ['Editor', 'Notebook']
    );
  }
};

/** Add it to the right sidebar, where it is open again after a reload, and a command that shows it, for shortcuts. */
function addPanel(app: JupyterFrontEnd, shell: ILabShell, restorer: ILayoutRestorer, panel: LazyPanel): void {
  shell.add(panel, 'right');
  restorer.add(panel, panel.id);
  app.commands.addCommand(`${panel.id}:show`, {
    label: `Show ${panel.title.caption}`,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => shell.activateById(panel.id)
  });
}

export default [services, environment, grid, rmarkdown, knit, preview];
