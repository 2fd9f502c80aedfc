/** RStudio's keys for `<-` and `|>`, where R is written: cells and prompts of R, R scripts, and R Markdown as text. */
import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { DOCUMENT_CLASS } from './knit/plugin';
import { editorOf } from './insert';

const R_EDITORS = ['.jp-Editor [data-language="r"]', `.${DOCUMENT_CLASS} .cm-content`];
const OPERATORS = [
  { command: 'rc2:insert-assignment', label: 'Insert <-', text: ' <- ', keys: ['Alt -'] },
  { command: 'rc2:insert-pipe', label: 'Insert |>', text: ' |> ', keys: ['Accel Shift M'] }
];

export const rKeys: JupyterFrontEndPlugin<void> = {
  id: '@rc2hub/workbench:r-keys',
  description: "RStudio's keys for <- and |>",
  autoStart: true,
  activate: (app: JupyterFrontEnd) =>
    OPERATORS.forEach(({ command, label, text, keys }) => {
      app.commands.addCommand(command, {
        label,
        describedBy: { args: { type: 'object', properties: {} } },
        execute: () => editorOf(app.shell.currentWidget)?.replaceSelection?.(text)
      });
      R_EDITORS.forEach(selector => app.commands.addKeyBinding({ command, keys, selector }));
    })
};
