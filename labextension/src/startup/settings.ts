/** JupyterLab's registry of settings with a validator that costs nothing at the start; JupyterLab's own plugin is off. */
import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { PageConfig } from '@jupyterlab/coreutils';
import { DefaultSchemaValidator, ISettingConnector, ISettingRegistry, SettingRegistry } from '@jupyterlab/settingregistry';

import { LazyValidator } from './validator';

export const settings: JupyterFrontEndPlugin<ISettingRegistry> = {
  id: '@rc2hub/workbench:settings',
  description: 'The registry of settings',
  autoStart: true,
  requires: [ISettingConnector],
  provides: ISettingRegistry,
  activate: async (app: JupyterFrontEnd, connector: ISettingConnector) => {
    const active = (await connector.list('active')).values as ISettingRegistry.IPlugin[];
    const plugins = active.filter(plugin => app.hasPlugin(plugin.id));
    const validator = new LazyValidator(() => new DefaultSchemaValidator());
    const registry = new SettingRegistry({ connector, plugins, validator });
    void app.restored.then(() => loadOthers(app, connector, registry));
    return registry;
  }
};

/** Load the settings of plugins that no plugin has asked for, so that the editor of settings shows them. */
async function loadOthers(app: JupyterFrontEnd, connector: ISettingConnector, registry: SettingRegistry): Promise<void> {
  const { ids } = await connector.list('ids');
  const missing = ids.filter(id => app.hasPlugin(id) && !PageConfig.Extension.isDisabled(id) && !(id in registry.plugins));
  for (const id of missing) {
    await registry.load(id).catch(error => console.warn(`The settings of ${id} cannot be loaded.`, error));
  }
}
