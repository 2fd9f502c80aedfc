/** Requests to what Rc² adds to the user's own server, under `rc2/`. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { NoAnswer } from './no-answer';

/** Send a request; every error that it throws has a sentence for the user, and 304 is no error. */
export async function askServer(settings: ServerConnection.ISettings, path: string, init: RequestInit): Promise<Response> {
  const url = URLExt.join(settings.baseUrl, 'rc2') + path;
  const response = await ServerConnection.makeRequest(url, init, settings).catch(() => null);
  if (response?.ok || response?.status === 304) {
    return response;
  }
  const answer = await response?.json().catch(() => null);
  if (!answer?.message) {
    throw new NoAnswer('Your server does not answer; trying again.');
  }
  throw new Error(answer.message);
}
