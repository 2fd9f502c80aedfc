import assert from 'node:assert/strict';
import { test } from 'node:test';

import { followCurrentKernel } from '../src/current-kernel';
import { startR } from '../src/editor/session';
import { settled } from './kernel';

class Signal {
  private slots: (() => void)[] = [];
  connect = (slot: () => void) => this.slots.push(slot);
  disconnect = (slot: () => void) => (this.slots = this.slots.filter(each => each !== slot));
  emit = () => this.slots.forEach(slot => slot());
}

/** The sessions of a page. As in JupyterLab, only the first connection of a kernel gets its comms. */
class Sessions {
  models: { path: string }[] = [];
  connections: { kernel: { handleComms: boolean; info: Promise<void> }; isDisposed: boolean; dispose(): void }[] = [];
  runningChanged = new Signal();
  running = () => this.models;
  connectTo = () => {
    const kernel = { handleComms: this.connections.every(({ kernel }) => !kernel.handleComms), info: Promise.resolve() };
    const connection = { kernel, isDisposed: false, dispose: () => (connection.isDisposed = true) as unknown as void };
    this.connections.push(connection);
    return connection;
  };
}

function open(sessions: Sessions): { sessionContext: { sessionChanged: Signal; kernelPreference: { name?: string } } } {
  const sessionContext = {
    sessionChanged: new Signal(),
    disposed: new Signal(),
    kernelPreference: {},
    initialize: () => Promise.resolve(true)
  };
  startR(sessions as never, { path: 'a.Rmd', ready: Promise.resolve(), sessionContext } as never);
  return { sessionContext };
}

test('no other connection gets the comms of a document before the document has its own', async () => {
  const sessions = new Sessions();
  const { sessionContext } = open(sessions);
  assert.equal(sessionContext.kernelPreference.name, 'ir');
  sessions.models = [{ path: 'other.Rmd' }, { path: 'a.Rmd' }];
  sessions.runningChanged.emit();
  const completer = sessions.connectTo();
  assert.equal(completer.kernel.handleComms, false);
  sessionContext.sessionChanged.emit();
  await settled();
  assert.equal(sessions.connections[0].isDisposed, true);
  assert.equal(sessions.connectTo().kernel.handleComms, true);
});

test('an R that runs already is connected at once, and only once', () => {
  const sessions = new Sessions();
  sessions.models = [{ path: 'a.Rmd' }];
  open(sessions);
  sessions.runningChanged.emit();
  assert.equal(sessions.connections.length, 1);
});

test('panels use the connection with the comms, which can be that of the notebook of the same document', () => {
  const widget = (handleComms: boolean, id = 'r') => ({
    sessionContext: { session: { kernel: { id, handleComms } }, kernelChanged: new Signal() },
    disposed: new Signal()
  });
  const used = (current: object, ...others: object[]) => {
    let kernel: unknown;
    const shell = { currentChanged: new Signal(), currentWidget: current, widgets: () => [...others, current] };
    followCurrentKernel(shell as never, each => (kernel = each));
    return kernel;
  };
  const [editor, notebook] = [widget(false), widget(true)];
  assert.equal(used(editor, widget(true, 'another'), notebook), notebook.sessionContext.session.kernel);
  assert.equal(editor.sessionContext.session.kernel.handleComms, false);
  assert.equal(used(editor, widget(false)), editor.sessionContext.session.kernel);
  assert.equal(editor.sessionContext.session.kernel.handleComms, true);
});
