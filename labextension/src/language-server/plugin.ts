/** The language server of R in scripts and R Markdown: diagnostics, names, Format and Rename. Its client is loaded with the first document. */
import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { CompletionHandler, ICompletionContext, ICompletionProviderManager } from '@jupyterlab/completer';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { Widget } from '@lumino/widgets';

import { DOCUMENT_CLASS as R_MARKDOWN } from '../knit/plugin';
import { DOCUMENT_CLASS as SCRIPT } from '../script/plugin';
import { isScript, isSource, SourceDocument } from '../source';
import type { LanguageServer } from './server';

const EDITORS = [SCRIPT, R_MARKDOWN].map(name => `.${name} .cm-content`);
const COMMANDS: [
  name: string,
  label: string,
  keys: string,
  run: (server: LanguageServer, document: SourceDocument) => unknown
][] = [
  ['format', 'Format Document', 'Accel Shift A', (server, document) => server.format(document)],
  ['rename', 'Rename Symbol…', 'F2', (server, document) => server.rename(document)],
  ['definition', 'Go to Definition', 'F12', (server, document) => server.goToDefinition(document)],
  ['next-problem', 'Go to Next Problem', 'F8', (server, document) => server.goToNextProblem(document)],
  ['problems', 'Show Problems', 'Shift F8', (server, document) => server.showProblems(document)]
];

export const languageServer: JupyterFrontEndPlugin<void> = {
  id: '@rc2hub/workbench:language-server',
  description: 'Diagnostics, names, formatting and renaming in scripts of R and R Markdown',
  autoStart: true,
  optional: [ICommandPalette, IMainMenu, ICompletionProviderManager],
  activate: (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    menu: IMainMenu | null,
    completion: ICompletionProviderManager | null
  ) => {
    let loading: Promise<LanguageServer> | undefined;
    const load = () => (loading ??= import('./server').then(({ LanguageServer }) => new LanguageServer(app)));
    app.docRegistry.addWidgetExtension('Editor', {
      createNew: widget => {
        if (isR(widget)) {
          void widget.context.ready.then(async () => (await load()).open(widget));
        }
      }
    });
    for (const [name, label, keys, run] of COMMANDS) {
      const command = `rc2-language-server:${name}`;
      app.commands.addCommand(command, {
        label,
        describedBy: { args: { type: 'object', properties: {} } },
        isEnabled: () => isR(app.shell.currentWidget),
        execute: async () => isR(app.shell.currentWidget) && run(await load(), app.shell.currentWidget)
      });
      palette?.addItem({ command, category: 'R Code' });
      EDITORS.forEach((selector, rank) => {
        app.commands.addKeyBinding({ command, keys: [keys], selector });
        app.contextMenu.addItem({ command, selector, rank });
      });
    }
    menu?.editMenu.addGroup(['format', 'rename'].map(name => ({ command: `rc2-language-server:${name}` })));
    completion?.registerProvider({
      identifier: 'rc2-language-server',
      rank: 540, // after the names that R itself knows
      isApplicable: async ({ widget }: ICompletionContext) => isR(widget),
      fetch: async ({ offset }: CompletionHandler.IRequest, { widget }: ICompletionContext) =>
        (await load()).complete(widget as SourceDocument, offset)
    });
  }
};

function isR(widget: Widget | null | undefined): widget is SourceDocument {
  return isScript(widget) || isSource(widget);
}
