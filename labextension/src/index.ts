/** The panels of Rc² in JupyterLab, the editor of R Markdown, the language server, Knit, Preview, tiles in the launcher, and a quicker start. This file is loaded with the page; what a panel needs is loaded when it is first shown. */
import { ILabShell, ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILatexTypesetter } from '@jupyterlab/rendermime';
import { LabIcon } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';

import { followCurrentKernel } from './current-kernel';
import { editor } from './editor/plugin';
import { openGrids } from './grid/open';
import { HelpLink } from './help/link';
import type { HelpModel } from './help/model';
import { connectionsIcon, environmentIcon, helpIcon, packagesIcon, plotsIcon, servicesIcon } from './icons';
import { knit } from './knit/plugin';
import { languageServer } from './language-server/plugin';
import { launcherTiles } from './launcher/plugin';
import { LazyPanel } from './lazy-panel';
import { preview } from './preview/plugin';
import { rKeys } from './r-keys';
import { script } from './script/plugin';
import { startup } from './startup/open';
import { settings } from './startup/settings';

type Load = (shell: ILabShell, app: JupyterFrontEnd) => Promise<Widget>;

/** A plugin that is one panel; `load` makes its content. */
function panelPlugin(
  name: string,
  description: string,
  caption: string,
  icon: LabIcon,
  load: Load
): JupyterFrontEndPlugin<void> {
  const id = name.toLowerCase();
  return {
    id: `@rc2hub/workbench:${id}`,
    description,
    autoStart: true,
    requires: [ILabShell, ILayoutRestorer],
    activate: (app: JupyterFrontEnd, shell: ILabShell, restorer: ILayoutRestorer) =>
      addPanel(app, shell, restorer, new LazyPanel(`rc2-${id}`, name, caption, icon, () => load(shell, app)))
  };
}

const services = panelPlugin('Services', 'The shared services of Rc²', 'Shared services', servicesIcon, async (shell, app) =>
  (await import('./services/panel')).createServicesPanel(app.serviceManager.serverSettings, shell)
);

const environment = panelPlugin('Environment', 'The variables of R', 'Variables of R', environmentIcon, async shell =>
  (await import('./environment/panel')).createEnvironmentPanel(shell)
);

const connections = panelPlugin('Connections', 'The databases of R', 'Databases of R', connectionsIcon, async shell =>
  (await import('./connections/panel')).createConnectionsPanel(shell)
);

const plots = panelPlugin('Plots', 'The plots of R', 'Plots of R', plotsIcon, async shell =>
  (await import('./plots/panel')).createPlotsPanel(shell)
);

const packages = panelPlugin('Packages', 'The packages of R', 'Packages of R', packagesIcon, async shell =>
  (await import('./packages/panel')).createPackagesPanel(shell)
);

const help: JupyterFrontEndPlugin<void> = {
  id: '@rc2hub/workbench:help',
  description: 'The help of R',
  autoStart: true,
  requires: [ILabShell, ILayoutRestorer],
  optional: [ILatexTypesetter],
  activate: (app: JupyterFrontEnd, shell: ILabShell, restorer: ILayoutRestorer, latex: ILatexTypesetter | null) => {
    const link = new HelpLink();
    let loading: Promise<HelpModel> | undefined;
    const model = () => (loading ??= import('./help/model').then(({ HelpModel }) => new HelpModel(link)));
    const load = async () => (await import('./help/panel')).createHelpPanel(app, await model(), latex);
    const panel = new LazyPanel('rc2-help', 'Help', 'Help of R', helpIcon, load);
    addPanel(app, shell, restorer, panel);
    followCurrentKernel(shell, kernel => link.use(kernel));
    link.onPage = page => {
      panel.reveal(shell);
      void model().then(loaded => loaded.show(page));
    };
  }
};

const grid: JupyterFrontEndPlugin<void> = {
  id: '@rc2hub/workbench:grid',
  description: 'The rows of what R shows with View()',
  autoStart: true,
  requires: [ILabShell],
  activate: (_: JupyterFrontEnd, shell: ILabShell) => openGrids(shell)
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

export default [
  services,
  connections,
  environment,
  plots,
  packages,
  help,
  grid,
  editor,
  knit,
  preview,
  launcherTiles,
  rKeys,
  script,
  languageServer,
  startup,
  settings
];
