/** Starts the R of a document: that of its notebook, as JupyterLab looks for a session by the path. */
import { DocumentRegistry } from '@jupyterlab/docregistry';
import { Session } from '@jupyterlab/services';

/**
 * Call it when the document is made. JupyterLab's completer connects to the session of a file as soon as it is listed, and
 * the first connection gets the comms, through which R talks to the panels; so this one comes before it, and gives them up
 * when the document has its own.
 */
export function startR(sessions: Session.IManager, context: DocumentRegistry.Context): void {
  const { sessionContext } = context;
  let first: Session.ISessionConnection | undefined;
  const connect = () => {
    const model = [...sessions.running()].find(({ path }) => path === context.path);
    if (model) {
      first ??= sessions.connectTo({ model });
    }
  };
  const stop = () => {
    sessions.runningChanged.disconnect(connect);
    if (first?.kernel) {
      first.kernel.handleComms = false;
      void first.kernel.info.then(() => first?.dispose()); // not before, as that would be an error of the page
    }
  };
  connect();
  sessions.runningChanged.connect(connect);
  sessionContext.sessionChanged.connect(stop);
  sessionContext.disposed.connect(stop);
  sessionContext.kernelPreference = { ...sessionContext.kernelPreference, name: 'ir', shouldStart: true, canStart: true };
  void context.ready.then(() => sessionContext.initialize());
}
