/** Runs the code of a script in its console, which has the R of the script's path. This is loaded with the first run. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import type { ConsolePanel, IConsoleTracker } from '@jupyterlab/console';
import { PathExt } from '@jupyterlab/coreutils';

import { statementsOf } from '../editor/statements';
import type { SourceDocument } from '../source';

/** The console of each script, which may be being made. */
const opening = new WeakMap<SourceDocument, Promise<ConsolePanel>>();

/** Run what is selected, or the statement at the cursor, and go on to the next one. */
export async function runStatement(app: JupyterFrontEnd, consoles: IConsoleTracker, script: SourceDocument): Promise<void> {
  const { editor } = script.content;
  const source = editor.model.sharedModel.getSource();
  const { start, end } = editor.getSelection();
  const selected = source.slice(editor.getOffsetAt(start), editor.getOffsetAt(end));
  if (selected) {
    await run(app, consoles, script, selected);
    return;
  }
  const statements = statementsOf(source);
  const place = statements.findIndex(([, last]) => last >= start.line);
  if (place >= 0) {
    const [first, last] = statements[place];
    const next = statements[place + 1]?.[0] ?? Math.min(last + 1, editor.lineCount - 1);
    editor.setCursorPosition({ line: next, column: 0 });
    await run(
      app,
      consoles,
      script,
      source
        .split('\n')
        .slice(first, last + 1)
        .join('\n')
    );
  }
}

/** Save the script, and run all of it. */
export async function runAll(app: JupyterFrontEnd, consoles: IConsoleTracker, script: SourceDocument): Promise<void> {
  await script.context.save();
  const name = JSON.stringify(PathExt.basename(script.context.localPath));
  await run(app, consoles, script, `source(${name}, echo = TRUE)`);
}

/** In the order of the calls, as the first one makes the console. */
async function run(app: JupyterFrontEnd, consoles: IConsoleTracker, script: SourceDocument, code: string): Promise<void> {
  const earlier = opening.get(script) ?? Promise.resolve();
  const open = earlier.catch(() => undefined).then(() => openConsole(app, consoles, script));
  opening.set(script, open);
  void (await open).console.inject(code);
}

async function openConsole(app: JupyterFrontEnd, consoles: IConsoleTracker, script: SourceDocument): Promise<ConsolePanel> {
  const { path, sessionContext } = script.context;
  await sessionContext.ready;
  if (!sessionContext.session?.kernel) {
    await sessionContext.changeKernel({ name: 'ir' }); // its own, too, so that the panels follow the script
  }
  const panel: ConsolePanel =
    consoles.find(({ sessionContext }) => sessionContext.path === path) ??
    (await app.commands.execute('console:create', {
      path,
      name: PathExt.basename(path),
      ref: script.id,
      insertMode: 'split-bottom',
      activate: false,
      kernelPreference: { name: 'ir', canStart: true, shouldStart: true }
    }));
  await panel.sessionContext.ready;
  return panel;
}
