/** Runs code where the user works: in a new cell of a notebook, in a new chunk of R Markdown, or in a console. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { CodeEditor } from '@jupyterlab/codeeditor';

/** The parts of a notebook, a document and a console that are used here. */
interface Working {
  content?: {
    activeCell?: { model: { sharedModel: { setSource(code: string): void } } } | null;
    editor?: CodeEditor.IEditor;
  };
  console?: { inject(code: string): Promise<void> };
}

/** Run code, whose output is shown there; returns what to tell the user. */
export async function runCode(app: JupyterFrontEnd, code: string): Promise<string> {
  const working = (app.shell.currentWidget ?? {}) as Working;
  if (working.console) {
    void working.console.inject(code);
    return 'The examples run in the console.';
  }
  if (working.content?.editor && app.commands.isEnabled('rc2-editor:insert-chunk')) {
    await app.commands.execute('rc2-editor:insert-chunk');
    working.content.editor.replaceSelection?.(code);
    await app.commands.execute('rc2-editor:run-chunk');
    return 'The examples run in a new chunk of the document.';
  }
  if (!working.content?.activeCell) {
    return 'Open an R notebook, an R Markdown document or a console first.';
  }
  await app.commands.execute('notebook:insert-cell-below');
  working.content.activeCell.model.sharedModel.setSource(code);
  void app.commands.execute('notebook:run-cell');
  return 'The examples run in a new cell of the notebook.';
}
