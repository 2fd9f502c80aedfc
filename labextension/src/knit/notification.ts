/** Shows the jobs of Knit as notifications of JupyterLab, and opens what they make. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { CodeEditor } from '@jupyterlab/codeeditor';
import { PathExt } from '@jupyterlab/coreutils';
import { IDocumentWidget } from '@jupyterlab/docregistry';
import { Widget } from '@lumino/widgets';

import { Format, HttpKnitClient, Job } from './client';
import { Display, Knitting } from './knitting';

const READY_TIME = 5000;

/** The parts of a file and of a notebook in which a place can be shown. */
interface Working {
  editor?: CodeEditor.IEditor;
  widgets?: readonly { model: { type: string } }[];
  activeCellIndex?: number;
}

export class Knitter {
  private client: HttpKnitClient;
  private knitting: Knitting;

  constructor(private app: JupyterFrontEnd) {
    this.client = new HttpKnitClient(app.serviceManager.serverSettings);
    this.knitting = new Knitting(this.client);
  }

  /** Save the document, knit it, and open the output. */
  async knit(document: IDocumentWidget, format: Format): Promise<void> {
    if (await this.isSaved(document)) {
      await this.knitting.start(document.context.path, format, this.display(document));
    }
  }

  /** Whether the file is what the user sees; if not, the user has been told why. */
  private async isSaved({ context }: IDocumentWidget): Promise<boolean> {
    if (context.contentsModel?.writable) {
      return context.save().then(
        () => true,
        () => false // JupyterLab has told the user why
      );
    }
    if (context.model.dirty) {
      const name = PathExt.basename(context.path);
      Notification.warning(`${name} is read-only; choose File, Save As, and knit that file.`, { autoClose: READY_TIME });
    }
    return !context.model.dirty;
  }

  /** Show the job of a document that was started before the page was loaded. */
  resume(document: IDocumentWidget): Promise<void> {
    return this.knitting.resume(document.context.path, () => this.display(document));
  }

  private display(document: IDocumentWidget): Display {
    const path = document.context.path;
    const name = PathExt.basename(path);
    const cancel = { label: 'Cancel', callback: () => void this.client.cancel(path).catch(() => undefined) };
    const id = Notification.emit(`Knit ${name}`, 'in-progress', { autoClose: false, actions: [cancel] });
    const refuse = (message: string, actions: Notification.IAction[] = []) =>
      void Notification.update({ id, message, type: 'error', autoClose: false, progress: undefined, actions });
    return {
      refuse,
      progress: (message, progress) =>
        void Notification.update({
          id,
          message: `Knit ${name}: ${message}`,
          type: 'in-progress',
          autoClose: false,
          progress,
          actions: [cancel]
        }),
      end: job => {
        if (job.state === 'failed') {
          refuse(`${name}: ${job.message}`, this.actions(document, job));
          return;
        }
        const type = job.state === 'done' ? 'success' : 'info';
        Notification.update({ id, message: job.message, type, autoClose: READY_TIME, progress: undefined, actions: [] });
        if (job.state === 'done') {
          void this.open(document, PathExt.join(PathExt.dirname(path), job.output));
        }
      }
    };
  }

  /** What the user can do about a failure. */
  private actions(document: IDocumentWidget, job: Job): Notification.IAction[] {
    const show = { label: 'Show Output', callback: () => void showOutput(document.context.path, job) };
    const go = { label: 'Go to Chunk', callback: () => this.reveal(document, job) };
    return job.line && !document.isDisposed ? [go, show] : [show];
  }

  /** Put the cursor at what failed. */
  private reveal(document: IDocumentWidget, job: Job): void {
    const content = document.content as unknown as Working;
    this.app.shell.activateById(document.id);
    if (content.widgets) {
      const chunks = content.widgets.flatMap((cell, index) => (cell.model.type === 'code' ? [index] : []));
      content.activeCellIndex = chunks[job.chunk - 1];
    } else if (content.editor) {
      content.editor.setCursorPosition({ line: job.line - 1, column: 0 });
      content.editor.focus();
    }
  }

  /** Show an output that a browser can show, and read it again if it is open already; have the browser save any other. */
  private async open(document: IDocumentWidget, path: string): Promise<void> {
    if (PathExt.extname(path) === '.docx') {
      const link = window.document.createElement('a');
      link.href = await this.app.serviceManager.contents.getDownloadUrl(path);
      link.download = PathExt.basename(path);
      link.click();
      return;
    }
    const isOpen = Array.from(this.app.shell.widgets('main')).some(
      widget => (widget as IDocumentWidget).context?.path === path
    );
    const options = document.isDisposed ? {} : { mode: 'merge-right', ref: document.id };
    const shown: IDocumentWidget = await this.app.commands.execute('docmanager:open', { path, options });
    if (isOpen) {
      await shown.context.revert();
    }
  }
}

/** What R has written, in a dialog. */
async function showOutput(path: string, job: Job): Promise<void> {
  const body = new Widget();
  const sentence = window.document.createElement('p');
  sentence.textContent = job.message;
  const log = window.document.createElement('pre');
  log.textContent = job.log;
  log.tabIndex = 0; // it can be longer than the dialog, and be moved by keys
  log.setAttribute('role', 'region');
  log.setAttribute('aria-label', 'Output of R');
  body.addClass('rc2-KnitOutput');
  body.node.append(sentence, log);
  await showDialog({ title: `Knit ${PathExt.basename(path)}`, body, buttons: [Dialog.okButton({ label: 'Close' })] });
}
