/** R Markdown and Quarto documents in JupyterLab's editor of files: type of file, colours, outline, and chunks that run. */
import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { ICompletionProviderManager } from '@jupyterlab/completer';
import { IEditorTracker } from '@jupyterlab/fileeditor';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { IMarkdownParser, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITableOfContentsRegistry } from '@jupyterlab/toc';
import { Widget } from '@lumino/widgets';

import { isSource } from '../source';
import { completer } from './completer';
import { outlineOf } from './outline';
import type { ChunkRunner } from './runner';
import { startR } from './session';

const MIME_TYPE = 'text/x-rmarkdown';
const COMMANDS: [name: string, label: string, run: (runner: ChunkRunner) => unknown][] = [
  ['run-chunk', 'Run Chunk', runner => runner.runChunk()],
  ['run-line', 'Run Line or Selection', runner => runner.runLine()],
  ['run-above', 'Run All Chunks Above', runner => runner.runAbove()],
  ['run-from-here', 'Run This Chunk and All Below', runner => runner.runFromHere()],
  ['run-all', 'Run All Chunks', runner => runner.runAll()],
  ['interrupt', 'Interrupt R', runner => runner.interrupt()],
  ['restart', 'Restart R…', runner => runner.restart()],
  ['next-chunk', 'Go to Next Chunk', runner => runner.goToNext()],
  ['previous-chunk', 'Go to Previous Chunk', runner => runner.goToPrevious()],
  ['insert-chunk', 'Insert Chunk', runner => runner.insertChunk()],
  ['clear-outputs', 'Clear All Outputs', runner => runner.clearAll()]
];

export const editor: JupyterFrontEndPlugin<void> = {
  id: '@rc2hub/workbench:editor',
  description: 'Opens R Markdown and Quarto documents as text whose chunks run, and as notebooks',
  autoStart: true,
  requires: [IRenderMimeRegistry, IEditorLanguageRegistry],
  optional: [
    IEditorTracker,
    ITableOfContentsRegistry,
    IMarkdownParser,
    ICommandPalette,
    IMainMenu,
    ICompletionProviderManager
  ],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    languages: IEditorLanguageRegistry,
    tracker: IEditorTracker | null,
    outlines: ITableOfContentsRegistry | null,
    parser: IMarkdownParser | null,
    palette: ICommandPalette | null,
    menu: IMainMenu | null,
    completion: ICompletionProviderManager | null
  ) => {
    completion?.registerProvider(completer);
    // a notebook is offered for files of a registered type only; the first factory is what a double click opens
    app.docRegistry.addFileType(
      { name: 'rmarkdown', displayName: 'R Markdown', extensions: ['.Rmd', '.qmd'], mimeTypes: [MIME_TYPE] },
      ['Editor', 'Notebook']
    );
    languages.addLanguage({
      name: 'R Markdown',
      mime: MIME_TYPE,
      extensions: ['Rmd', 'qmd'],
      load: async () => (await import('./language')).languageOf(languages)
    });
    if (tracker && outlines && parser) {
      outlines.add(outlineOf(tracker, parser, isSource));
    }
    const runners = new WeakMap<Widget, Promise<ChunkRunner>>();
    app.docRegistry.addWidgetExtension('Editor', {
      createNew: widget => {
        if (isSource(widget)) {
          startR(app.serviceManager.sessions, widget.context);
          runners.set(
            widget,
            import('./open').then(({ openChunks }) => openChunks(widget, rendermime))
          );
        }
      }
    });
    for (const [name, label, run] of COMMANDS) {
      const command = `rc2-editor:${name}`;
      app.commands.addCommand(command, {
        label,
        describedBy: { args: { type: 'object', properties: {} } },
        isEnabled: () => isSource(app.shell.currentWidget),
        execute: async () => {
          const runner = await runners.get(app.shell.currentWidget!);
          return runner && run(runner);
        }
      });
      palette?.addItem({ command, category: 'R Markdown' });
    }
    if (menu) {
      const item = (name: string) => ({ id: `rc2-editor:${name}`, isEnabled: isSource, rank: 0 });
      menu.runMenu.codeRunners.run.add(item('run-line')); // Shift+Enter, too
      menu.runMenu.codeRunners.runAll.add(item('run-all'));
      menu.runMenu.codeRunners.restart.add(item('restart'));
      menu.kernelMenu.kernelUsers.interruptKernel.add(item('interrupt'));
      menu.kernelMenu.kernelUsers.restartKernel.add(item('restart'));
      menu.kernelMenu.kernelUsers.clearWidget.add(item('clear-outputs'));
    }
  }
};
