/** Runs code where the user works: in a new cell of a notebook, or in a console. */
import { JupyterFrontEnd } from '@jupyterlab/application';

/** The parts of a notebook and a console that are used here. */
interface Working {
  content?: { activeCell?: { model: { sharedModel: { setSource(code: string): void } } } | null };
  console?: { inject(code: string): Promise<void> };
}

/** Run code, whose output is shown there; returns what to tell the user. */
export async function runCode(app: JupyterFrontEnd, code: string): Promise<string> {
  const working = (app.shell.currentWidget ?? {}) as Working;
  if (working.console) {
    void working.console.inject(code);
    return 'The examples run in the console.';
  }
  if (!working.content?.activeCell) {
    return 'Open an R notebook or console first.';
  }
  await app.commands.execute('notebook:insert-cell-below');
  working.content.activeCell.model.sharedModel.setSource(code);
  void app.commands.execute('notebook:run-cell');
  return 'The examples run in a new cell of the notebook.';
}
