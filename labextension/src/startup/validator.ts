/** Validates settings like JupyterLab, but compiles a schema only if a user has changed a setting of it. */
import type { ISchemaValidator, ISettingRegistry } from '@jupyterlab/settingregistry';

import { defaultsOf, Schema } from './defaults';

const UNCHANGED = /^\s*\{\s*\}\s*$/;

/** JupyterLab compiles about 90 schemas, each twice, before it shows anything: half a second of a core. */
export class LazyValidator implements ISchemaValidator {
  private complete: ISchemaValidator | undefined;

  /** Take what makes JupyterLab's own validator. */
  constructor(private makeComplete: () => ISchemaValidator) {}

  validateData(plugin: ISettingRegistry.IPlugin, populate = true): ISchemaValidator.IError[] | null {
    const composite = UNCHANGED.test(plugin.raw) ? defaultsOf(plugin.schema as unknown as Schema) : null;
    if (!composite) {
      this.complete ??= this.makeComplete();
      return this.complete.validateData(plugin, populate);
    }
    if (populate) {
      plugin.data = { composite, user: {} } as ISettingRegistry.ISettingBundle;
    }
    return null;
  }
}
