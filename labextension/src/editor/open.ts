/** Makes the editor of an R Markdown document from JupyterLab's editor of files. This is loaded with the first document. */
import { Prec } from '@codemirror/state';
import { EditorView, KeyBinding, keymap } from '@codemirror/view';
import { Toolbar } from '@jupyterlab/apputils';
import { CodeMirrorEditor } from '@jupyterlab/codemirror';
import { PageConfig } from '@jupyterlab/coreutils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ToolbarButton } from '@jupyterlab/ui-components';

import { SourceDocument } from '../source';
import { chunkField } from './chunk-field';
import { chunkMarks } from './marks';
import { namePictures } from './output-area';
import { outputBlocks } from './output-blocks';
import { outputField } from './outputs';
import { ChunkRunner } from './runner';

const NAME = EditorView.contentAttributes.of({ 'aria-label': 'Source of the document' });

/** Mark the chunks, and return what runs them. */
export function openChunks(document: SourceDocument, rendermime: IRenderMimeRegistry): ChunkRunner {
  const { context, content, toolbar } = document;
  const { sessionContext } = context;
  const view = (content.editor as CodeMirrorEditor).editor;
  const ownRendermime = rendermime.clone({ resolver: context.urlResolver });
  namePictures(ownRendermime);
  const runner = new ChunkRunner(view, sessionContext, ownRendermime);
  content.editor.injectExtension?.([
    chunkField,
    outputField,
    outputBlocks,
    NAME,
    chunkMarks(runner),
    Prec.high(keymap.of(keysOf(runner)))
  ]);
  const key = () => `rc2-outputs:${PageConfig.getBaseUrl()}${context.path}`;
  const leave = () => runner.keepOutputs(key());
  window.addEventListener('pagehide', leave);
  void context.ready.then(() => runner.restoreOutputs(key()));
  document.disposed.connect(() => {
    window.removeEventListener('pagehide', leave);
    runner.dispose();
  });
  const runAll = new ToolbarButton({
    label: 'Run All',
    tooltip: 'Run all chunks (Ctrl+Alt+R)',
    onClick: () => runner.runAll()
  });
  toolbar.addItem('rc2-run-all', runAll);
  toolbar.addItem('rc2-interrupt', Toolbar.createInterruptButton(sessionContext));
  toolbar.addItem('rc2-restart', Toolbar.createRestartButton(sessionContext));
  toolbar.addItem('rc2-kernel', Toolbar.createKernelNameItem(sessionContext));
  toolbar.addItem('rc2-status', Toolbar.createKernelStatusItem(sessionContext));
  return runner;
}

/** RStudio's keys, and Alt with Page Up and Page Down, as browsers keep these with Ctrl to themselves. */
function keysOf(runner: ChunkRunner): KeyBinding[] {
  const binding = (key: string, run: () => void): KeyBinding => ({
    key,
    run: () => {
      run();
      return true;
    }
  });
  return [
    binding('Mod-Shift-Enter', () => runner.runChunk()),
    binding('Mod-Enter', () => runner.runLine()),
    binding('Mod-Alt-p', () => runner.runAbove()),
    binding('Mod-Alt-e', () => runner.runFromHere()),
    binding('Mod-Alt-r', () => runner.runAll()),
    binding('Mod-Alt-i', () => runner.insertChunk()),
    binding('Mod-PageDown', () => runner.goToNext()),
    binding('Mod-PageUp', () => runner.goToPrevious()),
    binding('Alt-PageDown', () => runner.goToNext()),
    binding('Alt-PageUp', () => runner.goToPrevious())
  ];
}
