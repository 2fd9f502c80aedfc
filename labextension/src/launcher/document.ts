/** A new R Markdown document in the user's home. */
import type { ServiceManager } from '@jupyterlab/services';

import { HttpServicesClient } from '../services/client';
import { documentWith } from './template';

/** Make a document with the attached services in this folder; returns its path. Without an answer of the broker it has none. */
export async function createDocument(manager: ServiceManager.IManager, folder: string): Promise<string> {
  const client = new HttpServicesClient(manager.serverSettings);
  const listing = await client.list('', new AbortController().signal).catch(() => null);
  const { path } = await manager.contents.newUntitled({ path: folder, type: 'file', ext: '.Rmd' });
  await manager.contents.save(path, { type: 'file', format: 'text', content: documentWith(listing?.services ?? []) });
  return path;
}
