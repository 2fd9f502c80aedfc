/** Shows the launcher, or the file of a link, as soon as JupyterLab has restored its layout. */
import { ILabShell, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { PageConfig } from '@jupyterlab/coreutils';

/**
 * JupyterLab itself does so after its state is saved, which it delays by 0.75 s; what it opens then is open already.
 * Nothing waits for this plugin, since its activation only begins to wait.
 */
export const startup: JupyterFrontEndPlugin<void> = {
  id: '@rc2hub/workbench:startup',
  description: 'Shows the launcher or the file of a link without delay',
  autoStart: true,
  requires: [ILabShell],
  activate: (app: JupyterFrontEnd, shell: ILabShell) => void shell.restored.then(() => open(app, shell))
};

async function open(app: JupyterFrontEnd, shell: ILabShell): Promise<void> {
  const path = decodeURIComponent(PageConfig.getOption('treePath'));
  if (!path && shell.isEmpty('main') && app.commands.hasCommand('launcher:create')) {
    await app.commands.execute('launcher:create');
  } else if (path && !location.search) {
    // folders, missing files, and what a query asks for, such as another editor, are left to JupyterLab
    const item = await app.serviceManager.contents.get(path, { content: false }).catch(() => null);
    if (item && item.type !== 'directory') {
      await app.commands.execute('docmanager:open', { path });
    }
  }
}
